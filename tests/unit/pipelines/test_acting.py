"""Warnings as the command line lists and moves them, before anything is sent."""

from __future__ import annotations

import json

import msgspec
import pytest
from rich.console import Console

from models.alerting.wishes import Wish
from models.records import AlertState, CloseReason, Move
from pipelines.cli import acting
from pipelines.cli.acting import NoMove, action_of, latest, named_by
from tests.kit.runs import by_rules

OPEN, ENDED = by_rules("pump-01", 2), by_rules("pump-02", 3, 9)


def shown(monkeypatch, *alerts, every: bool = False, as_json: bool = False) -> str:
    console = Console(record=True, width=250)
    monkeypatch.setattr(acting, "warnings_of", lambda _: latest(alerts))
    acting.show(None, every, console, as_json=as_json)
    return console.export_text()


def test_the_last_revision_of_each_warning_counts():
    found = latest([*ENDED[::-1], *OPEN, OPEN[0]])
    assert list(found.values()) == [OPEN[0], ENDED[1]]


def test_what_ended_asks_what_became_of_it_and_stands_behind_what_holds(monkeypatch):
    lines = shown(monkeypatch, *ENDED, *OPEN).splitlines()
    assert [name for line in lines for name in ("pump-01", "pump-02") if name in line] == ["pump-01", "pump-02"]
    assert "say what became of it" in lines[-2]


def test_closed_warnings_are_listed_only_if_asked_for(monkeypatch):
    closed = msgspec.structs.replace(ENDED[1], revision=5, state=AlertState.CLOSED)
    assert "no warning is open" in shown(monkeypatch, closed)
    assert json.loads(shown(monkeypatch, closed, every=True, as_json=True))[0]["state"] == "closed"


def test_the_beginning_of_an_id_names_a_warning_where_it_is_of_one_alone():
    known = latest((*OPEN, *ENDED))
    assert named_by(OPEN[0].id[:8], known) == OPEN[0]
    with pytest.raises(NoMove, match="alerts list --all"):
        named_by("zz", known)
    with pytest.raises(NoMove, match="2 warnings begin with 'pump-'"):
        named_by("pump-", known)
    with pytest.raises(NoMove, match="give the beginning"):
        named_by("", latest(OPEN))


def test_a_replay_of_history_is_not_listed_since_nobody_acts_on_it():
    assert latest([msgspec.structs.replace(OPEN[0], historical=True)]) == {}


def test_what_people_typed_is_shown_as_they_typed_it(monkeypatch):
    held = msgspec.structs.replace(OPEN[0], assigned="[/lee]")
    assert "[/lee]" in shown(monkeypatch, held)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Wish(Move.COMMENT, "kim", "x" * 2001), "cannot be written.*2000.*why"),
        (Wish(Move.ACKNOWLEDGE, ""), "cannot be written.*by"),
        (Wish(Move.SHELVE, "kim", "spare", 10**30), "cannot be written.*until_us"),
        (Wish(Move.TAKE_OUT, "kim", "dismantled", 8), "take-out-of-service has no --for, shelve has"),
        (Wish(Move.ACKNOWLEDGE, "kim", outcome=CloseReason.REPAIRED), "acknowledge has no --outcome, close has"),
    ],
)
def test_what_the_log_would_refuse_is_refused_before_it_is_sent(wanted, why):
    with pytest.raises(NoMove, match=why):
        action_of(OPEN[0], wanted, 7)


def test_an_action_says_what_was_asked_and_nothing_else():
    wanted = Wish(Move.CLOSE, "kim", outcome=CloseReason.REPAIRED, mode="seal", found="worn")
    made = action_of(OPEN[0], wanted, 7)
    assert (made.asset, made.alert, made.time_us, made.outcome) == ("pump-01", OPEN[0].id, 7, CloseReason.REPAIRED)
