"""Past cases that are like a machine: the nearest, by what is known of both."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from models.alerting.wording import like_it, rests_on
from models.failure.hazard import Hazard
from models.failure.similar import PastCase, PastCases, load, nearest
from models.inference import ModelError
from models.records import Became, Similar
from tests.kit import tiny
from tests.unit.models.test_wording import HAZARD, alert

SPEC = tiny.hazard().spec
FEATURES = ("temp_degc.change_24h", "temp_degc.exceeds_72h", "temp_degc.over_24h")
FAILED, OUTLIVED = Became


def case(*values: float | None, lead_h: float | None = None, mode: str = "seal") -> PastCase:
    if lead_h is None:
        return PastCase(values=values, outcome=OUTLIVED)
    return PastCase(values=values, outcome=FAILED, mode=mode, lead_h=lead_h)


CASES = PastCases(
    features=FEATURES,
    scale=(1.0, 10.0, 1.0),
    cases=(
        case(1.0, 0.0, 0.0, lead_h=70.0),
        case(0.0, 20.0, 0.0, lead_h=40.0, mode="bearing"),
        case(3.0, 0.0, 0.0),
        case(0.0, None, None, lead_h=1.0),
        case(9.0, 9.0, 9.0, lead_h=9.0),
    ),
)


def row(*values: float) -> np.ndarray:
    out = np.full(len(SPEC.names), np.nan, np.float32)
    out[[SPEC.column(name) for name in FEATURES]] = values
    return out


def found(*values: float, cases: PastCases = CASES) -> list[tuple[Became, float | None, float]]:
    past = load(msgspec.json.encode(cases), SPEC)
    return [(one.outcome, one.lead_h, one.distance) for one in nearest(past, row(*values))]


def test_the_three_nearest_are_told_each_feature_in_its_own_scale():
    assert found(0.0, 0.0, 0.0) == [
        (FAILED, 70.0, round(float(np.sqrt(1 / 3)), 3)),
        (FAILED, 40.0, round(float(np.sqrt(4 / 3)), 3)),
        (OUTLIVED, None, round(float(np.sqrt(9 / 3)), 3)),
    ]


def test_what_one_of_both_lacks_does_not_count():
    assert found(0.0, np.nan, 0.0)[0] == (FAILED, 40.0, 0.0)


def test_a_case_of_which_too_little_is_known_is_like_nothing():
    assert 1.0 not in [lead for _, lead, _ in found(0.0, 0.0, 0.0)]
    assert found(0.0, np.nan, np.nan) == found(np.nan, np.nan, np.nan) == []


def test_cases_as_far_are_told_in_their_order():
    same = replace(CASES, cases=tuple(case(1.0, 0.0, 0.0, lead_h=float(lead)) for lead in (5, 3, 9, 1)))
    assert [lead for _, lead, _ in found(0.0, 0.0, 0.0, cases=same)] == [5.0, 3.0, 9.0]


def test_without_cases_there_is_none_that_is_like_it():
    assert found(0.0, 0.0, 0.0, cases=replace(CASES, cases=())) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [({"features": ("flow.change_24h", *FEATURES[1:])}, "has not: flow.change_24h"),
     ({"scale": (1.0,)}, "a number for each"), ({"cases": (case(1.0),)}, "a number for each"),
     ({"scale": (0.0, 1.0, 1.0)}, "over 0"), ({"features": (), "scale": (), "cases": ()}, "a number for each")],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused(change, said):
    with pytest.raises(ModelError, match=said):
        load(msgspec.json.encode(replace(CASES, **change)), SPEC)


def with_cases(tmp_path, cases: bytes, named: bytes) -> Hazard:
    tiny.write(tmp_path)
    card = replace(tiny.hazard().card, cases_sha256=hashlib.sha256(named).hexdigest())
    return Hazard((tmp_path / "tiny.onnx").read_bytes(), card, cases)


def test_a_model_without_its_past_cases_or_with_others_is_refused(tmp_path):
    file = msgspec.json.encode(CASES)
    assert with_cases(tmp_path, file, file).similar(row(0.0, 0.0, 0.0).tobytes())[0].lead_h == 70.0
    for other in (b"", file + b" "):
        with pytest.raises(ModelError, match=r"cases\.json"):
            with_cases(tmp_path, other, file)


def test_a_model_that_names_no_past_cases_tells_of_none():
    assert tiny.hazard().similar(row(0.0, 0.0, 0.0).tobytes()) == ()


def like(*leads: float | None, modes=("", "", "")) -> list[Similar]:
    return [
        Similar(outcome=OUTLIVED if lead is None else FAILED, mode=mode, lead_h=lead, distance=0.1)
        for lead, mode in zip(leads, modes, strict=False)
    ]


@pytest.mark.parametrize(
    ("similar", "said"),
    [(like(70.0, 40.2, 55.0), "of 3 like it, 3 failed, after 40 to 70 h"),
     (like(70.0, None, None), "of 3 like it, 1 failed, after 70 h"),
     (like(None, None), "of 2 like it, none failed"),
     (like(1.0, 2.0, modes=("seal", "bearing")), "of 2 like it, 2 failed, after 1 to 2 h (bearing, seal)"),
     ([], "")],
)  # fmt: skip
def test_it_is_told_in_words_what_became_of_them(similar, said):
    assert like_it(similar) == said
    *_, last = rests_on(alert(HAZARD, similar=tuple(similar)))
    assert (last == f"{said}: from simulated pumps") is bool(said)
