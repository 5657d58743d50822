"""Warnings of machines that become another type or leave the plant: what was said of them goes on."""

from __future__ import annotations

import re

import pytest

from models.records import Action, Alert, AlertReason, AlertState, CloseReason, Move
from pipelines.partition import Partition
from tests.kit import changes, tiny
from tests.unit.pipelines.test_plant_change import Log, at, frame, tick


def hot_pump() -> tuple[Log, Alert]:
    """A pump under a pressure of which a rule and a model warn."""
    log = Log().take(*(r for m in range(30) for r in (frame(m, "pump-02", **PRESSED), tick(m + 1))))
    return log, next(r for r in reversed(log.said) if isinstance(r, Alert) and r.asset == "pump-02")


def _cut(text: str) -> tuple[tuple[str, str], ...]:
    """Edits that leave out all that is of pumps."""
    tables = re.split(r"^(?=\[)", text, flags=re.MULTILINE)
    gone = [one for one in tables if one.startswith(("[types.pump", "[[types.pump"))]
    pumps = [one for one in tables if one.startswith("[assets.pump-")]
    return tuple((one, "") for one in (*gone, *pumps))


PUMPS_GONE = _cut(tiny.PLANT_TOML)
PRESSED = {"pressure_bar": 7.0, "temp_degc": 60.0}


def action(case: Alert, move: Move, minute: float, **says) -> Action:
    return Action(
        plant="tiny", asset=case.asset, alert=case.id, move=move, time_us=at(minute), by="kim", **says
    )  # fmt: skip


def test_a_warning_that_is_shelved_comes_back_though_its_machine_became_another_type():
    log, case = hot_pump()
    log.take(action(case, Move.SHELVE, 31, why="spare at noon", until_us=at(60))).turn_to("a pump is a gear")
    log.take(*(r for m in range(31, 66) for r in (frame(m, "pump-02", **PRESSED), tick(m + 1))))
    back = [r for r in log.said if isinstance(r, Alert) and r.reason is AlertReason.UNSHELVED]
    assert [(one.id, one.held) for one in back] == [(case.id, ())]


@pytest.mark.parametrize("edits", [("an asset less",), ("an asset less", "pumps are gone")])
def test_a_warning_of_a_machine_that_left_is_closed_all_the_same_and_stays_so_over_a_restart(edits, monkeypatch):
    monkeypatch.setitem(changes.EDITS, "pumps are gone", PUMPS_GONE)
    log, case = hot_pump()
    whole = log.partition.snapshot()
    log.turn_to(*edits)
    assert ("pump" in log.partition.state.gone) == (len(edits) == 2)
    whole = log.partition.snapshot().onto(whole)
    log.take(action(case, Move.CLOSE, 31, outcome=CloseReason.PLANNED))
    assert (log.said[-1].id, log.said[-1].state) == (case.id, AlertState.CLOSED)
    log.partition = Partition.restore(changes.plant(), log.models, log.partition.snapshot().onto(whole))
    log.take(action(case, Move.COMMENT, 32, why="scrapped"))
    assert "a warning that is closed cannot be commented" in log.said[-1].detail


def test_a_machine_that_stands_is_told_to_run_again_though_it_became_another_type():
    log = Log().take(*(r for m in range(30) for r in (frame(m, "mixer-01", pressure_bar=0.5), tick(m + 1))))
    mixers = log.partition.state.blocks["mixer"]
    assert mixers.small.stands[mixers.index["mixer-01"]] == "it is off"
    log.turn_to("a mixer is a lathe")
    lathes = log.partition.state.blocks["lathe"]
    assert lathes.small.stands[lathes.index["mixer-01"]] == "it is off"
