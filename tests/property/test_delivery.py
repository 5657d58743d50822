"""Delivery under crashes: whatever ends the role, and wherever, nothing is missing and a double has the same id."""

from __future__ import annotations

import zlib
from collections import defaultdict
from enum import Enum

from hypothesis import given, settings
from hypothesis import strategies as st

from models.delivery.dispatch import Answer
from models.delivery.facts import is_over
from models.delivery.outcomes import Delivered, Failed
from models.delivery.readiness import Wait, readiness
from models.delivery.subscriptions import TOLD
from models.records import AlertReason, Delivery, DeliveryState, Followed
from tests.kit.warned import HOUR_US, Timeline, alert, at, hold, moved

BOOK = """
[subscriptions.all]
sink = "desk"
group = { wait = "1min", interval = "10min" }
repeat = "6h"
escalate = [{ after = "3h", sink = "boss" }]
[subscriptions.each]
sink = "boss"
match = { severity = 300 }
group = { by = ["alert"], wait = "0s", interval = "0s", storm = 3 }
schedule = { shifts = ["early", "late"], act_now = true }
"""
TAIL_H = 90
ASSETS = ("pump-01", "pump-02", "valve-01", "seal-01", "fan-01")


class Crash(Enum):
    """Where the role ends within a step."""

    NOWHERE = "it goes on"
    BEFORE_KEPT = "nothing of the step is in the log"
    BEFORE_SENT = "the step is in the log, and nothing was sent"
    BEFORE_ANSWERED = "it was sent, and the answer is not in the log"


REASONS = (
    AlertReason.OPENED, AlertReason.RAISED, AlertReason.CLEARED, AlertReason.RECURRED, AlertReason.SHELVED,
    AlertReason.UNSHELVED, AlertReason.ACKNOWLEDGED, AlertReason.CLOSED,
)  # fmt: skip
moves = st.tuples(st.sampled_from(ASSETS), st.sampled_from(REASONS), st.integers(100, 900))
steps = st.tuples(st.lists(moves, max_size=3), st.sampled_from([1, 5, 60, 200, 700]), st.sampled_from(list(Crash)))
stories = st.lists(steps, min_size=1, max_size=25)


def told(story):
    """The story's steps as hours, revisions of warnings, and crash."""
    cases, hours, out = {}, 0.0, []
    for these, minutes, crash in story:
        hours += minutes / 60
        revisions = []
        for asset, reason, severity in these:
            before = cases.get(asset)
            is_new = before is None or (reason is AlertReason.OPENED and is_over(before))
            if is_new:
                cases[asset] = alert(asset, hours, severity=severity)
            elif reason is AlertReason.SHELVED:
                cases[asset] = moved(before, reason, held=(hold(at(hours + 4)),))
            elif reason is AlertReason.UNSHELVED:
                cases[asset] = moved(before, reason, held=())
            else:
                cases[asset] = moved(before, reason, severity=severity)
            revisions.append(cases[asset])
        out.append((hours, revisions, crash))
    return out


class Run:
    """A dispatcher whose sinks fail now and then, by what is in the log, so that each run meets the same failures."""

    def __init__(self, crashing: bool) -> None:
        self.line, self.crashing = Timeline(BOOK), crashing
        self.sent = defaultdict(list)

    def step(self, hours, events, crash) -> None:
        if self.crashing and crash is Crash.BEFORE_KEPT:
            self.line.dispatcher.step(events, at(hours))
            self.line.restart(hours)
        effects = self.line.dispatcher.step(events, at(hours))
        self.line.keep(effects)
        if self.crashing and crash in (Crash.BEFORE_SENT, Crash.BEFORE_ANSWERED):
            for one in effects.sends if crash is Crash.BEFORE_ANSWERED else ():
                self.sent[one.id].append(one)
            self.line.restart(hours)
            effects = self.line.dispatcher.step(events, at(hours))  # the position moved with the log: these are doubles
            self.line.keep(effects)
        answers = []
        for one in effects.sends:
            self.sent[one.id].append(one)
            attempt = self.line.log[f"delivery/{one.id}"].attempts
            fails = zlib.crc32(f"{one.id}{attempt}".encode()) % 3 == 0
            answers.append(Answer(one.id, Failed("503") if fails else Delivered()))
        self.line.keep(self.line.dispatcher.step(answers, at(hours)))

    def all_of(self, story) -> Run:
        hours = 0.0
        for hours, events, crash in story:
            self.step(hours, events, crash)
        for more in range(1, TAIL_H + 1):  # all sinks answer in the end, and a weekend without shifts is over
            self.step(hours + more, [], Crash.NOWHERE)
        return self


@settings(max_examples=100, deadline=None)
@given(stories)
def test_a_crash_anywhere_changes_nothing_but_doubles_with_the_same_id_and_content(story):
    undisturbed, crashed = Run(False).all_of(told(story)), Run(True).all_of(told(story))
    assert crashed.line.log == undisturbed.line.log
    assert crashed.sent.keys() == undisturbed.sent.keys()
    assert all(len(set(map(repr, copies))) == 1 for copies in crashed.sent.values())


@settings(max_examples=100, deadline=None)
@given(stories)
def test_the_last_that_was_to_be_told_of_each_warning_was_delivered_or_waits_for_a_reason(story):
    days = told(story)
    run, last_us = Run(True).all_of(days), at(days[-1][0] + TAIL_H)
    deliveries = [one for one in run.line.log.values() if isinstance(one, Delivery)]
    late = [one for one in deliveries if one.state is not DeliveryState.DELIVERED]
    assert all(one.notification.time_us > last_us - 4 * HOUR_US for one in late)  # reminders that failed a moment ago
    delivered = {
        (one.notification.subscription, each.alert, each.revision)
        for one in deliveries
        if one not in late
        for each in one.notification.mentions
    }
    for case in run.line.log.values():
        for name, known in case.told.items() if isinstance(case, Followed) else ():
            if known.due >= 0:
                waits = readiness(run.line.plan, run.line.dispatcher.state, name, case, last_us).wait
                assert waits in (Wait.INHIBITED, Wait.FLAPPING, Wait.HELD, Wait.NOBODY_THERE)
            elif not is_over(case.alert):
                assert known.revision >= last_told(days, case) and (name, case.alert.id, known.revision) in delivered


def last_told(days, case: Followed) -> int:
    """The newest revision of a warning that subscriptions are told of by themselves."""
    revisions = [one for _, revisions, _ in days for one in revisions if one.id == case.alert.id]
    return max(one.revision for one in revisions if one.reason in TOLD)
