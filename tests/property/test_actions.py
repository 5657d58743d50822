"""Actions on warnings, in the wildest logs too: any cut and any restore gives the same, each move by the table."""

from __future__ import annotations

from functools import cache
from types import ModuleType

import numpy as np
import pytest

from models.alerting.lifecycle import CHANGES, MOVES, Change
from models.records import Action, Alert, AlertReason, CloseReason, DeadLetter, Move, Reject, decode, encode
from pipelines.ports import Output
from pipelines.topics import Topic
from tests.kit import grounds, streams, wild
from tests.kit.streams import MINUTE_US
from tests.property.test_wild import LATENESS_S, by, run

LOGS = (*((wild, seed) for seed in range(3)), *((grounds, seed) for seed in range(3)))
"""Logs as no plant should send them, and quieter ones of a week, in which warnings come, end and come back."""


def played(of: ModuleType, seed: int, values: list[bytes], batches, *, restores: bool = False) -> list[Output]:
    """What a partition publishes of a log."""
    if of is wild:
        return run(values, batches, LATENESS_S[seed % len(LATENESS_S)], restores=restores)[0]
    return grounds.taken(values, batches, restores=restores)[0]


def acted(of: ModuleType, seed: int) -> list[bytes]:
    """A log with what people do about the warnings that it brings without them, and about some that are none."""
    lateness_s = LATENESS_S[seed % len(LATENESS_S)]
    values = wild.wild(seed, lateness_s) if of is wild else [encode(record) for record in grounds.log(seed, days=4)]
    random, placed = np.random.default_rng(seed), []
    for output in played(of, seed, values, by(1)):
        if output.topic is Topic.ALERTS:
            offset, alert = int(dict(output.headers)["offset"]), decode(output.value)
            assert isinstance(alert, Alert)
            for _ in range(random.integers(2, 9)):
                placed.append((offset + int(random.integers(1, 120)), action(random, alert)))
    out = list(values)
    for offset, one in sorted(placed, key=lambda pair: pair[0], reverse=True):
        out.insert(offset, encode(one))
    return out


def action(random: np.random.Generator, alert: Alert) -> Action:
    moves = [move for move in Move if random.random() < 0.3 or move not in (Move.CLOSE, Move.WITHDRAW)]
    time_us = alert.moved_us + int(random.integers(0, 30)) * MINUTE_US
    return Action(
        plant=alert.plant, asset=alert.asset, alert="none" if random.random() < 0.05 else alert.id,
        move=moves[random.integers(len(moves))], time_us=time_us, by="kim", why="seen" * int(random.random() < 0.7),
        until_us=time_us + int(random.integers(-5, 3000)) * MINUTE_US, to="lee", severity=int(random.integers(1, 1001)),
        order="4711", outcome=list(CloseReason)[random.integers(len(CloseReason))], mode="seal", found="worn",
    )  # fmt: skip


@cache
def alone(of: ModuleType, seed: int) -> tuple[list[bytes], list[Output]]:
    """A log, and what comes of it record by record."""
    log = acted(of, seed)
    return log, played(of, seed, log, by(1))


def alerts(out: list[Output]) -> list[Alert]:
    found = [decode(output.value) for output in out if output.topic is Topic.ALERTS]
    return [one for one in found if isinstance(one, Alert)]


def test_the_logs_bring_every_move_and_refusals():
    every = [output for log in LOGS for output in alone(*log)[1]]
    letters = [decode(output.value) for output in every if output.topic is Topic.DEAD_LETTERS]
    unfit = [one.detail for one in letters if isinstance(one, DeadLetter) and one.reason is Reject.UNFIT_ACTION]
    assert set(AlertReason) - {one.reason for one in alerts(every)} <= {AlertReason.NEARER, AlertReason.FARTHER}
    assert any("no such warning is open" in one for one in unfit)


@pytest.mark.parametrize(("of", "seed"), LOGS)
def test_any_cut_and_any_restore_gives_the_same_bytes(of, seed):
    log, expected = alone(of, seed)
    random = np.random.default_rng(seed)
    for size in (7, 100, len(log)):
        assert played(of, seed, log, by(size)) == expected, size
    assert played(of, seed, log, lambda raw: streams.cut(random, raw), restores=True) == expected


@pytest.mark.parametrize(("of", "seed"), LOGS)
def test_every_revision_follows_from_the_one_before_it_by_the_table(of, seed):
    known: dict[str, Alert] = {}
    for one in alerts(alone(of, seed)[1]):
        before = known.get(one.id)
        assert Change(before.state if before else None, one.reason, one.state) in CHANGES
        assert one.revision == (before.revision + 1 if before else 0)
        assert one.by or one.reason not in {asked.reason for asked in MOVES.values()}
        known[one.id] = one
