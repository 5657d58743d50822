"""Commands of tuning without Kafka: files of parts and results, suggestions and trials in words, private releases."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from pydantic import SecretStr
from rich.console import Console

from models.plant import Parameter
from models.records import (
    Part,
    QualityResult,
    Suggestion,
    SuggestionAnswer,
    SuggestionState,
    TrialRequest,
    TuningSwitch,
    Verdict,
    decode,
)  # fmt: skip
from models.tuning.fleet import Account, Bound, Spend, counted
from models.tuning.masking import is_masked, masked
from pipelines.cli import console_desk, quality_files, sharing, suggesting
from pipelines.cli.console_desk import ConsoleDesk
from pipelines.cli.lined import number
from pipelines.cli.planning_error import PlanError
from pipelines.cli.quality_files import NO_KEY, put_parts, put_results
from pipelines.cli.sharing import Wish, bins_of, made_of, share
from pipelines.cli.suggesting import Known, trial_text
from pipelines.settings import Settings
from pipelines.topics import Topic
from pipelines.tune.board import Board
from tests.kit.shop import OTHER
from tests.kit.shop import plant as shop
from tests.kit.tuned import BESIDE, NOW_US, answer, heat, load, made, part, ready, result, suggested

KEY = "0123456789abcdef-secret"
ANNA = masked("anna", KEY.encode())
TOML = (Path(__file__).parents[2] / "kit" / "weld_plant.toml").read_text()
PARTS = "asset,part,product,time,lot,operator,current_ka,force_kn,weld_ms,boost_ka,since_dress"
PART = "weld-01,1,bracket,2026-03-02T06:00:00+01:00,l1,,8.8,2.6,240,0,17"
RESULTS = "asset,part,defects,found,kind"
RESULT = "weld-01,1,1,2026-03-02T09:00:00+01:00,expulsion"


class Sent(list):
    """What was put on topics, in the place of Kafka."""

    def __call__(self, settings, topic, records):
        self += [(topic, key, record) for key, record in records]

    @property
    def records(self):
        return [record for _, _, record in self]


@pytest.fixture
def sent(monkeypatch):
    out = Sent()
    monkeypatch.setattr(quality_files, "send", out)
    monkeypatch.setattr(suggesting, "send", out)
    return out


@pytest.fixture
def at(tmp_path):
    (tmp_path / "plant.toml").write_text(TOML)
    return Settings(plant=tmp_path / "plant.toml", mask_key=SecretStr(KEY))


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=300)


def text(console):
    return console.file.getvalue()


def file_of(tmp_path, *lines):
    out = tmp_path / "lines.csv"
    out.write_text("\n".join(lines) + "\n")
    return out


def put(at, tmp_path, console, *lines, put=put_parts):
    put(at, file_of(tmp_path, *lines), console, as_json=True)
    return json.loads(text(console))


def test_a_line_of_a_file_is_a_part_with_its_settings_and_what_was_measured(at, tmp_path, console, sent):
    assert put(at, tmp_path, console, PARTS, PART) == {"parts": 1, "operators": 0}
    [(topic, key, one)] = sent
    assert (topic, key) == (Topic.QUALITY, b"body-shop/weld-01") and isinstance(one, Part)
    assert one.settings == {"current_ka": 8.8, "force_kn": 2.6, "weld_ms": 240.0, "boost_ka": 0.0}
    assert one.measured == one.settings | {"since_dress": 17.0}
    assert (one.part, one.lot, one.units, one.time_us) == ("1", "l1", 1, 1_772_427_600_000_000)


def test_what_was_set_is_told_apart_from_what_was_measured(at, tmp_path, console, sent):
    put(at, tmp_path, console, PARTS + ",set_current_ka", PART + ",8.9")
    [one] = sent.records
    assert (one.settings["current_ka"], one.measured["current_ka"]) == (8.9, 8.8)
    assert "set_current_ka" not in one.measured


def test_operators_are_told_by_pseudonyms_alone(at, tmp_path, console, sent):
    lines = [PART.replace(",l1,,", ",l1,Erika Mustermann,"), PART.replace(",1,b", ",2,b").replace(",l1,,", ",l1,Max,")]
    assert put(at, tmp_path, console, PARTS, *lines)["operators"] == 2
    assert [one.operator for one in sent.records] == [
        masked(name, KEY.encode()) for name in ("Erika Mustermann", "Max")
    ]
    assert b"Erika" not in msgspec.json.encode(sent.records)


def test_a_pseudonym_stays_as_it_is(at, tmp_path, console, sent):
    put(at, tmp_path, console, PARTS, PART.replace(",l1,,", ",l1,op-0123456789abcdef,"))
    assert sent.records[0].operator == "op-0123456789abcdef" and is_masked(sent.records[0].operator)


def test_without_a_key_operators_are_not_sent(at, tmp_path, console, sent):
    open_ = at.model_copy(update={"mask_key": SecretStr("")})
    with pytest.raises(PlanError, match=r"line 2: ") as wrong:
        put(open_, tmp_path, console, PARTS, PART.replace(",l1,,", ",l1,Erika,"))
    assert NO_KEY in str(wrong.value) and "Erika" not in str(wrong.value)
    assert sent == []
    put(open_, tmp_path, console, PARTS, PART)
    assert len(sent) == 1


def test_a_key_that_is_too_short_is_told(at, tmp_path, console, sent):
    with pytest.raises(PlanError, match="FOREWARN_MASK_KEY: the key has 5 bytes"):
        put(at.model_copy(update={"mask_key": SecretStr("short")}), tmp_path, console, PARTS,
            PART.replace(",l1,,", ",l1,Erika,"))  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (PART.replace("8.8", ""), "current_ka is missing"),
        (PART.replace("8.8", "much"), "current_ka is much, not a number"),
        (PART.replace("8.8", "NaN"), "current_ka is NaN, not a number"),
        (PART.replace("8.8", "Infinity"), "current_ka is Infinity, not a number"),
        (PART.replace("8.8", "1e999"), "current_ka is 1e999, not a number"),
        (PART.replace("weld-01", "weld-09"), "'weld-09' is no station of the plant file"),
        (PART.replace("2026-03-02T06", "tomorrow"), "is no time"),
        (PART.replace(",1,bracket", ",,bracket"), "part"),
    ],
)
def test_a_line_that_is_wrong_is_named_and_then_nothing_is_sent(at, tmp_path, console, sent, line, why):
    with pytest.raises(PlanError) as wrong:
        put(at, tmp_path, console, PARTS, PART, line)
    assert "lines.csv, line 3: " in str(wrong.value) and why in str(wrong.value)
    assert sent == []


def test_units_are_whole(at, tmp_path, console, sent):
    put(at, tmp_path, console, PARTS + ",units", PART + ",40")
    assert sent.records[0].units == 40
    for odd in ("0", "1.5", "-3"):
        with pytest.raises(PlanError, match="line 2: units"):
            put(at, tmp_path, console, PARTS + ",units", f"{PART},{odd}")


@pytest.mark.parametrize(("into", "first"), [(put_parts, PARTS), (put_results, RESULTS)])
def test_a_file_without_lines_is_told(at, tmp_path, console, sent, into, first):
    with pytest.raises(PlanError, match=r"has no (parts|results)"):
        put(at, tmp_path, console, first, put=into)


def test_a_file_that_lacks_a_column_is_told_which(at, tmp_path, console, sent):
    with pytest.raises(PlanError, match=r"lacks the columns \['time'\]"):
        put(at, tmp_path, console, PARTS.replace(",time", ",when"), PART)


def test_a_result_is_of_a_part_by_its_id(at, tmp_path, console, sent):
    assert put(at, tmp_path, console, RESULTS, RESULT, put=put_results) == {"results": 1, "defects": 1}
    [one] = sent.records
    assert isinstance(one, QualityResult)
    assert (one.part, one.defects, one.kind, one.found_us) == ("1", 1, "expulsion", 1_772_438_400_000_000)


def test_a_result_is_of_a_part_by_its_time(at, tmp_path, console, sent):
    put(at, tmp_path, console, "asset,time,defects,found", "weld-01,2026-03-02T06:00,0,2026-03-02T09:00+01:00",
        put=put_results)  # fmt: skip
    [one] = sent.records
    assert one.part is None and one.time_us < one.found_us


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (RESULT.replace(",1,1,", ",,1,"), "neither part nor time"),
        (RESULT.replace(",1,1,", ",1,-1,"), "defects"),
        (RESULT.replace(",1,1,", ",1,half,"), "defects is half, not a number"),
        (RESULT.replace("weld-01", "oven"), "'oven' is no station"),
    ],
)
def test_a_result_that_is_wrong_is_named(at, tmp_path, console, sent, line, why):
    with pytest.raises(PlanError) as wrong:
        put(at, tmp_path, console, RESULTS, line, put=put_results)
    assert "line 2: " in str(wrong.value) and why in str(wrong.value)
    assert sent == []


@pytest.mark.parametrize("odd", ["nan", "NaN", "Infinity", "-Infinity", "1e999", "true", '"1"', "", "1" + "0" * 400])
def test_what_is_no_finite_number_is_none(odd):
    with pytest.raises(PlanError, match="not a number"):
        number(odd, "here", "it")


def known(**said):
    whole = {"suggestions": {}, "answers": [], "effects": {}, "refused": [], "trials": {}, "switches": {}}
    return Known(**({"plant": shop()} | whole | said))


OF = ready()
ONE = suggested(OF)
[TRIAL] = ready(parameters={"heat": heat(trial_above=5.0), "load": load()}, qualification="burst test").step(
    NOW_US, BESIDE
)


@pytest.fixture
def topic(monkeypatch):
    """Have the topic say something else than it does."""

    def say(**said):
        monkeypatch.setattr(suggesting, "known", lambda settings: known(**said))

    say(suggestions={ONE.id: ONE})
    return say


def test_an_answer_goes_onto_the_topic_beside_its_suggestion(at, topic, sent, console):
    suggesting.answer(at, ONE.id[:6], Verdict.MODIFIED, "hot", "anna", ("heat=146",), console, as_json=True)
    [(where, key, one)] = sent
    assert (where, key) == (Topic.SUGGESTIONS, b"shop/press-01") and isinstance(one, SuggestionAnswer)
    assert (one.suggestion, one.answer, one.by, one.values) == (ONE.id, Verdict.MODIFIED, ANNA, {"heat": 146.0})
    assert ONE.made_us <= one.time_us < ONE.valid_until_us


def test_an_answer_by_a_clock_that_is_behind_counts_all_the_same(at, topic, sent, console):
    ahead = replace(ONE, made_us=2**52, valid_until_us=2**52 + 1)
    topic(suggestions={ONE.id: ahead})
    suggesting.answer(at, ONE.id, Verdict.ACCEPTED, "", "anna", (), console, as_json=True)
    assert sent.records[0].time_us == ahead.made_us


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (("load=3",), "load is none of this suggestion"),
        (("heat",), "PARAMETER=NUMBER"),
        (("heat=hot",), "not a number"),
    ],
)
def test_a_wish_that_cannot_be_is_told(at, topic, sent, console, values, why):
    with pytest.raises(PlanError, match=why):
        suggesting.answer(at, ONE.id, Verdict.MODIFIED, "", "anna", values, console, as_json=True)
    assert sent == []


def test_what_is_over_cannot_be_answered(at, topic, sent, console):
    topic(suggestions={ONE.id: replace(ONE, state=SuggestionState.EXPIRED)})
    with pytest.raises(PlanError, match="is expired already"):
        suggesting.answer(at, ONE.id, Verdict.ACCEPTED, "", "anna", (), console, as_json=True)


@pytest.mark.parametrize("beginning", ["zzz", ""])
def test_a_beginning_of_none_or_of_many_is_told(at, topic, console, beginning):
    topic(suggestions={ONE.id: ONE, "other": ONE})
    with pytest.raises(PlanError, match=f"of 2 begins with '{beginning}'"):
        suggesting.detail(at, beginning, console, as_json=False)


def test_one_suggestion_says_all_that_people_need(at, topic, console):
    topic(suggestions={ONE.id: replace(ONE, rails=("heat: rate",), approvals=2)})
    suggesting.detail(at, ONE.id, console, as_json=False)
    for said in ("press-01, cap", "heat 142 Cel (now 150)", "heat: rate", "approvals:       2", "Set heat to 150 Cel"):
        assert said in text(console)


def test_all_suggestions_are_shown_with_how_answers_rank_the_next(at, topic, console):
    rejected = replace(ONE, state=SuggestionState.REJECTED, ended="too cold")
    topic(suggestions={ONE.id: rejected}, answers=[answer(ONE, Verdict.REJECTED)], trials={TRIAL.id: TRIAL})
    suggesting.show(at, console, as_json=False)
    for said in (ONE.id[:8], "rejected", "too cold", "heat down was rejected 1 of 1 times", TRIAL.id[:8]):
        assert said in text(console)


def test_a_stop_of_a_station_goes_onto_the_topic_and_one_of_no_station_does_not(at, sent, console):
    suggesting.switch(at, "weld-01", "a new tool", "anna", console, is_stopped=True, as_json=True)
    [one] = sent.records
    assert isinstance(one, TuningSwitch) and (one.asset, one.is_stopped, one.why) == ("weld-01", True, "a new tool")
    with pytest.raises(PlanError, match="is no station"):
        suggesting.switch(at, "oven", "", "anna", console, is_stopped=True, as_json=True)


def test_a_request_for_a_trial_is_a_document_for_management_of_change():
    assert isinstance(TRIAL, TrialRequest) and isinstance(ONE, Suggestion)
    said = trial_text(shop(), TRIAL)
    assert said.startswith(f"# Request for a trial {TRIAL.id[:8]}\n")
    for each in ("| heat | Cel | 150 | 142 |", f"Parts in each arm: {TRIAL.parts},", "burst test", "Revert: Set heat",
                 "Decision (management of change)"):  # fmt: skip
        assert each in said


def test_a_trial_is_written_to_a_file(at, topic, console, tmp_path):
    topic(trials={TRIAL.id: TRIAL})
    suggesting.trial(at, TRIAL.id[:5], tmp_path / "trial.md", console)
    assert (tmp_path / "trial.md").read_text() == trial_text(shop(), TRIAL)


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [(7.3, 10.5, 0.3), (0.0, 0.3, 0.1), (180.0, 260.0, 20.0), (1.0, 1.0, 0.1), (0.0, 1.0, 0.35)],
)
def test_bins_are_steps_that_ascend_and_hold_all_values_within_the_bounds(low, high, step):
    edges = sharing._edges(Parameter(unit="u", low=low, high=high, step=step))
    assert all(after > before for before, after in pairwise(edges))
    assert edges[0] <= low and high < edges[-1]
    assert np.diff(edges).max() <= step * (1 + 1e-9)


def board(*records):
    out = Board(shop())
    for one in records:
        out.take_record(one)
    return out


def test_each_inspected_part_counts_once_for_each_parameter_over_all_products():
    of = board(*made(0, 30), *made(100, 20, product=OTHER), part(999))
    found = counted(made_of(of), bins_of(of.plant), Bound(parts=1, histograms=2))
    assert [(one.kind, one.parameter, sum(one.parts), sum(one.defects)) for one in found] == [
        ("press", "heat", 50, 3), ("press", "load", 50, 3),
    ]  # fmt: skip


def test_parts_of_the_machine_beside_are_not_told():
    assert list(made_of(board(*made(0, 5, asset="press-02")))) == []


def test_a_batch_is_one_part_that_is_defective_where_any_unit_is():
    of = board(part(1, units=50), result(1, 3, units=50))
    assert [one.is_defect for one in made_of(of)] == [True, True]


@pytest.fixture
def wish(tmp_path, monkeypatch, at):
    monkeypatch.setattr(sharing, "board_of", lambda settings, plant: Board(plant))
    return Wish(0.4, tmp_path / "kept" / "privacy.json", tmp_path / "shared.json", 1.0)


def spent(wish):
    return msgspec.json.decode(wish.account.read_bytes(), type=Account)


def test_a_release_is_written_and_charged(at, wish, console):
    share(at, wish, console, as_json=True)
    said = json.loads(text(console))
    assert (said["epsilon_left"], said["histograms"]) == (0.6, 4)
    assert json.loads(wish.file.read_text())["epsilon"] == 0.4
    assert spent(wish).left == pytest.approx(0.6)


def test_beyond_the_budget_nothing_is_written(at, wish, console):
    share(at, wish, console, as_json=True)
    share(at, wish._replace(budget=99.0), console, as_json=True)  # a budget counts at the first
    before = wish.file.read_bytes()
    with pytest.raises(PlanError, match="nothing is released, overspent"):
        share(at, wish, console, as_json=True)
    assert wish.file.read_bytes() == before and len(spent(wish).spent) == 2


def test_what_was_spent_is_spent_though_the_release_was_not_written(at, wish, console, tmp_path):
    with pytest.raises(OSError, match="elsewhere"):
        share(at, wish._replace(file=tmp_path / "elsewhere" / "shared.json"), console, as_json=True)
    assert spent(wish).left == pytest.approx(0.6)


def test_where_the_account_cannot_be_kept_nothing_is_written(at, wish, console, tmp_path):
    (tmp_path / "kept").write_text("a file, no folder")
    with pytest.raises(OSError, match="kept"):
        share(at, wish, console, as_json=True)
    assert not wish.file.exists()


def test_without_a_readable_account_nothing_is_written(at, wish, console):
    wish.account.parent.mkdir()
    wish.account.write_text('{"epsilon_total": 0}')
    with pytest.raises(PlanError, match="is no account of a budget"):
        share(at, wish, console, as_json=True)
    assert not wish.file.exists()


def test_an_account_of_another_day_is_what_is_charged(at, wish, console):
    wish.account.parent.mkdir()
    before = Account(epsilon_total=1.0, spent=(Spend(release="before", epsilon=0.7, time_us=1),))
    wish.account.write_bytes(msgspec.json.encode(before))
    with pytest.raises(PlanError, match="overspent"):
        share(at, wish, console, as_json=True)
    share(at, wish._replace(epsilon=0.2), console, as_json=True)
    assert [one.epsilon for one in spent(wish).spent] == [0.7, 0.2]


class Producer(list):
    """Takes the place of Kafka's producer."""

    def __init__(self, kafka):
        super().__init__()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        PRODUCED.extend(self)

    def send(self, topic, key, value, *_):
        self.append(decode(value))


PRODUCED: list[SuggestionAnswer] = []


@pytest.mark.parametrize(("ahead_us", "time_us"), [(0, NOW_US + 5), (9, NOW_US + 9)])
def test_an_answer_at_the_console_by_a_clock_that_is_behind_counts_too(at, monkeypatch, ahead_us, time_us):
    class Standing:
        def now_us(self, clock_us):
            return NOW_US + 5

    monkeypatch.setattr(console_desk, "LogProducer", Producer)
    PRODUCED.clear()
    one = replace(ONE, made_us=NOW_US + ahead_us)
    ConsoleDesk(at, Standing()).answer(one, Verdict.ACCEPTED, "anna", "", {})
    assert [each.time_us for each in PRODUCED] == [time_us]
