"""A refit end to end: the same trees, other leaves, the whole gate, a card that tells it; and each reason to stay."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from msgspec import structs

from models.failure.hazard import Hazard, read_card
from models.inference import Predictor
from onnx_export.card import card_json
from onnx_export.forest import read
from onnx_export.growth import TREES
from onnx_export.history import Failure, History
from onnx_export.learner import with_rows
from onnx_export.refit import Asked, Refitted, refit
from onnx_export.refit_gate import (
    DRAWS,
    LEAST_EVENTS,
    MAY_FALL,
    STEPS,
    SURE,
    Figures,
    Judged,
    NotRefitted,
    Reason,
    events_of,
    figures,
    surer,
    wrong,
)  # fmt: skip
from tests.kit import tiny
from tests.unit.onnx_export import refitting

ASKED = Asked(command="forewarn model update", parity_rows=600)
HALF = Figures(0.5, 0.5)


@cache
def made(components: bool = False, **asked: object) -> Refitted:
    return refit(*refitting.parent(components), refitting.new(), refitting.old(), structs.replace(ASKED, **asked))


def refused(*arguments: object, **asked: object) -> NotRefitted:
    with pytest.raises(NotRefitted) as found:
        refit(*arguments, structs.replace(ASKED, **asked))  # type: ignore[arg-type]
    return found.value


def of_machines(history: History, assets: range) -> History:
    rows = with_rows(history, np.flatnonzero(np.isin(history.asset, assets)))
    return replace(rows, failures=tuple(one for one in history.failures if one.asset in assets))


def judged(old: tuple[Figures, Figures] = (HALF, HALF), new: tuple[Figures, Figures] = (HALF, HALF)) -> Judged:
    return Judged(old=old, new=new, surer=1.0)


@pytest.mark.parametrize("components", [False, True])
def test_the_trees_are_the_parents_and_leaves_are_not(components: bool):
    files = refitting.parent(components)[0], made(components).onnx
    trees = [
        {one.name: one for one in node.attribute}
        for file in files
        for node in onnx.load_from_string(file).graph.node
        if node.op_type == "TreeEnsembleRegressor"
    ]
    was, now = trees
    differ = {name for name in was if was[name] != now[name]}
    assert differ == {"target_weights"}
    assert len(was) == len(now) > 10


def test_a_refit_is_better_on_machines_of_the_changed_plant_that_it_never_saw():
    unseen = refitting.history(refitting.exchanged(refitting.labelled.table(machines=8, every_h=4, seed=7)))
    ones, folds = np.ones(len(unseen.asset)), [np.arange(8)]
    before, after = (
        figures(unseen, ones, Predictor(file).predict(unseen.features).astype(np.float64), folds)
        for file in (refitting.parent()[0], made().onnx)
    )
    assert after.average_precision > before.average_precision + 0.02
    assert after.log_loss < before.log_loss - 0.02


@pytest.mark.parametrize("grows", [False, True])
def test_its_figures_keep_the_bars(grows: bool):
    judged = made(grows=grows).judged
    (old, now), (before, after) = judged.old, judged.new
    assert now.average_precision >= old.average_precision - MAY_FALL
    assert after.average_precision >= before.average_precision
    assert after.log_loss <= before.log_loss
    assert judged.surer >= SURE


@pytest.mark.parametrize("components", [False, True])
def test_one_that_grows_has_the_parents_trees_and_more_behind_them_and_its_card_says_so(components: bool):
    parent, found = refitting.parent(components), made(components, grows=True)
    was, now = read(*parent), read(found.onnx, found.card)
    assert now.trees[: len(was.trees)] and len(now.trees) >= len(was.trees) + TREES
    for before, after in zip(was.trees, now.trees, strict=False):
        assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert found.card.refit.more_trees == TREES
    assert f"and {TREES} more, learned from {found.card.refit.rows} rows of 12 machines" in found.card.trained_on
    assert Hazard.load(found.onnx, card_json(found.card)).vectors == 32


def test_one_that_grows_is_better_on_new_data_than_by_other_leaves_and_the_same_rows_give_the_same_bytes():
    found = made(grows=True)
    assert found.judged.new[1].log_loss < made().judged.new[1].log_loss
    again = refit(*refitting.parent(), refitting.new(), refitting.old(), structs.replace(ASKED, grows=True))
    assert again.onnx == found.onnx


def test_it_loads_with_its_card_and_its_own_acceptance_vectors():
    loaded = Hazard.load(made().onnx, card_json(made().card))
    assert loaded.vectors == 32
    assert loaded.card.version != refitting.parent()[1].version


def test_the_card_says_what_it_was_refitted_from():
    card, parent = read_card(card_json(made().card)), refitting.parent()[1]
    assert card.refit.parent == parent.version
    assert card.refit.events == events_of(refitting.new()) == made().events == len(refitting.new().failures)
    assert (card.refit.rows, card.refit.machines) == (len(refitting.new().asset), 12)
    assert card.refit.old_events == events_of(refitting.old())
    assert card.refit.step == made().step
    assert card.failures == parent.failures + made().events
    assert f"leaves refitted on {card.refit.rows} rows of 12 machines of this plant" in card.trained_on
    assert card.features_sha256 == parent.features_sha256
    assert card.gate.vectors == 32


def test_the_warning_limit_is_the_one_that_new_rows_call_for(monkeypatch):
    seen = []

    def chosen(runs):
        seen.extend(runs)
        return 0.11, {}

    monkeypatch.setattr("onnx_export.refit.choose_limit", chosen)
    new = refitting.new()
    later = replace(new, failures=(*new.failures, Failure(0, new.end_us + 1, 0), Failure(99, new.end_us, 0)))
    found = refit(*refitting.parent(), later, refitting.old(), ASKED)
    assert found.card.warning_limit == 0.11
    assert seen[0].history.failures == new.failures


def test_simulated_failures_are_not_counted_as_real_ones():
    card = made(simulated="made-up machines").card
    assert card.failures == refitting.parent()[1].failures
    assert "of made-up machines" in card.basis


def test_a_card_that_was_not_refitted_is_what_it_was():
    assert b"refit" not in card_json(refitting.parent()[1])


def test_the_same_rows_give_the_same_bytes():
    again = refit(*refitting.parent(), refitting.new(), refitting.old(), ASKED)
    assert again.onnx == made().onnx
    assert card_json(again.card) == card_json(made().card)


def test_a_refit_can_be_refitted():
    table = refitting.exchanged(refitting.labelled.table(machines=12, every_h=4, seed=8))
    rows = refitting.history(refitting.later(table))
    again = refit(made().onnx, made().card, rows, refitting.old(), ASKED).card
    assert again.refit.parent == made().card.version
    assert again.failures == made().card.failures + events_of(rows)


def test_rows_that_the_parent_was_refitted_on_are_not_learned_and_not_counted_again():
    stays = refused(made().onnx, made().card, refitting.new(), refitting.old())
    assert (stays.reason, stays.events) == (Reason.TOO_FEW_EVENTS, 0)


def test_too_few_independent_failures_do_nothing_however_many_rows_lie_before_them():
    few = of_machines(refitting.new(), range(2))
    assert events_of(few) < LEAST_EVENTS
    stays = refused(*refitting.parent(), few, refitting.old())
    assert (stays.reason, stays.events) == (Reason.TOO_FEW_EVENTS, events_of(few))
    assert f"{events_of(few)} independent failures, a refit takes {LEAST_EVENTS}" in str(stays)


def test_too_few_old_failures_to_judge_by_do_nothing():
    few = of_machines(refitting.old(), range(1))
    assert refused(*refitting.parent(), refitting.new(), few).reason is Reason.TOO_FEW_OLD_EVENTS


def test_too_few_machines_to_hold_some_out_do_nothing():
    two = of_machines(refitting.new(), range(2))
    assert refused(*refitting.parent(), two, refitting.old(), least_events=1).reason is Reason.TOO_FEW_MACHINES


def test_a_parent_that_is_not_of_trees_is_refused():
    _, card = refitting.parent()
    stays = refused(tiny.graph(len(refitting.spec().names)), card, refitting.new(), refitting.old())
    assert stays.reason is Reason.NOT_TREES


def test_rows_with_other_features_are_refused():
    other = replace(refitting.new(), features=refitting.new().features[:, :-1])
    assert refused(*refitting.parent(), other, refitting.old()).reason is Reason.OTHER_FEATURES


def test_a_parent_that_no_step_betters_stays_and_the_refusal_says_how_many_failures_that_rests_on():
    stays = refused(*refitting.parent(), refitting.old(), refitting.old())
    assert (stays.reason, stays.events) == (Reason.NO_BETTER_ON_NEW, events_of(refitting.old()))
    assert f"new independent failures: {stays.events}" in str(stays)


def test_repairs_in_time_are_no_failures():
    history = refitting.new()
    repaired = replace(history, hours=np.full(len(history.hours), np.inf))
    assert events_of(repaired) == 0
    assert refused(*refitting.parent(), repaired, refitting.old()).reason is Reason.TOO_FEW_EVENTS


def test_a_failure_that_no_row_tells_of_is_no_event():
    history = refitting.new()
    more = replace(history, failures=(*history.failures, Failure(0, history.end_us * 2, 0)))
    assert events_of(more) == events_of(history)


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        (Figures(0.4901, 0.5), HALF, []),
        (Figures(0.4899, 0.5), HALF, [Reason.FORGETS_OLD]),
        (Figures(0.5, 9.0), HALF, []),
        (HALF, Figures(0.4999, 0.5), [Reason.NO_BETTER_ON_NEW]),
        (HALF, Figures(0.5, 0.5001), [Reason.WORSE_CALIBRATED]),
        (Figures(0.4, 0.5), Figures(0.4, 0.6), [Reason.FORGETS_OLD, Reason.NO_BETTER_ON_NEW, Reason.WORSE_CALIBRATED]),
    ],
)
def test_the_gate_says_each_reason(old: Figures, new: Figures, reasons: list[Reason]):
    assert list(wrong(judged((HALF, old), (HALF, new)))) == reasons


def test_what_most_draws_of_machines_do_not_show_could_be_luck():
    assert list(wrong(judged()._replace(surer=SURE - 0.001))) == [Reason.COULD_BE_LUCK]
    assert not wrong(judged()._replace(surer=SURE))
    assert len(STEPS) * (1 - SURE) == pytest.approx(0.05)


def test_a_gain_of_one_machine_alone_is_in_some_draws_not_there():
    history, ones = refitting.new(), np.ones(len(refitting.new().asset))
    before = Predictor(refitting.parent()[0]).predict(history.features).astype(np.float64)
    after = before.copy()
    after[history.asset == 0] = Predictor(made().onnx).predict(history.features[history.asset == 0])
    share = 1.0 - (11 / 12) ** 12  # of draws that have the machine
    assert surer(history, ones, before, after, 1) == pytest.approx(share, abs=4 * (share * (1 - share) / DRAWS) ** 0.5)
    assert surer(history, ones, before, before, 1) == 0.0
    assert surer(history, np.where(history.asset == 0, 0.0, 1.0), before, after, 1) == 0.0


def test_a_row_that_stands_for_two_counts_as_two_rows():
    history, folds = refitting.new(), [np.arange(12)]
    chances = Predictor(refitting.parent()[0]).predict(history.features).astype(np.float64)
    twice = np.repeat(np.arange(len(history.asset)), 1 + (history.asset == 3))
    by_weight = figures(history, 1.0 + (history.asset == 3), chances, folds)
    by_rows = figures(with_rows(history, twice), np.ones(len(twice)), chances[twice], folds)
    assert by_weight == pytest.approx(by_rows)
