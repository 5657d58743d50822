"""A hazard that tells failure modes apart: a second output of its graph, named by its card."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.alerting.wording import likely
from models.failure.hazard import Hazard, confidence_of
from models.inference import ModelError
from models.records import ModeShare
from tests.kit import tiny

MODES = ("seal", "bearing", "impeller")


def rows(hazard: Hazard, *first: tuple[float, ...]) -> np.ndarray:
    """Feature rows of which the first features are these, which are the small graph's shares."""
    out = np.full((len(first), len(hazard.spec.names)), 10.0, np.float32)
    out[:, : len(MODES)] = first
    return out


def test_one_run_gives_chances_and_the_shares_of_modes():
    hazard = tiny.hazard(modes=MODES)
    features = rows(hazard, (1.0, 3.0, 4.0), (2.0, 0.0, 0.0))
    chances, shares = hazard.run(features)
    assert shares.tolist() == [[0.12, 0.38, 0.5], [1.0, 0.0, 0.0]]
    assert np.array_equal(chances, tiny.hazard().chances(features))


def test_a_graph_without_modes_gives_none():
    hazard = tiny.hazard()
    _, shares = hazard.run(rows(hazard, (1.0, 3.0, 4.0)))
    assert shares.shape == (1, 0) and hazard.likely(shares[0]) == ()


def test_modes_with_a_tenth_of_the_failures_or_more_are_told_the_likeliest_first():
    hazard = tiny.hazard(modes=MODES)
    assert hazard.likely(np.array([0.09, 0.81, 0.1])) == (
        ModeShare(mode="bearing", share=0.81), ModeShare(mode="impeller", share=0.1),
    )  # fmt: skip


def test_modes_that_are_as_likely_are_told_by_name():
    told = tiny.hazard(modes=MODES).likely(np.array([0.4, 0.4, 0.2]))
    assert likely(told) == "bearing (0.40), seal (0.40), impeller (0.20)"


def test_a_share_that_is_no_number_is_not_told():
    assert tiny.hazard(modes=MODES).likely(np.full(3, np.nan)) == ()


@pytest.mark.parametrize(("graph", "named"), [((), MODES), (MODES, ()), (MODES, MODES[:2])])
def test_a_card_that_names_other_modes_than_its_graph_has_is_refused(graph, named, tmp_path):
    made = tiny.hazard(modes=graph)
    tiny.write(tmp_path, made=made)
    with pytest.raises(ModelError, match="the number of failure modes"):
        Hazard((tmp_path / "tiny.onnx").read_bytes(), replace(made.card, modes=named))


@pytest.mark.parametrize("named", [("a", "a", "b"), ("", "a", "b")])
def test_a_card_whose_modes_are_not_told_apart_is_refused(named):
    with pytest.raises(ModelError, match="failure modes must have names"):
        Hazard(b"", replace(tiny.hazard(modes=MODES).card, modes=named))


def test_modes_make_a_model_no_surer():
    assert confidence_of(tiny.hazard(modes=MODES).card) is confidence_of(tiny.hazard().card)
