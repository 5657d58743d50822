"""What warnings were worth, on a few made up by hand."""

from __future__ import annotations

from models.records import Alert, AlertReason, AlertState, Confidence, Level, Rung
from pipelines.cli.outcome import HOUR_US, Verdict, became, judge
from tests.kit.runs import at, by_rules, hazard, mixed, rule


def alert(asset: str, opened_h: int, at_h: int, reason: AlertReason, revision: int = 0) -> Alert:
    ended = reason in (AlertReason.CLEARED, AlertReason.REPAIRED)
    return Alert(
        id=f"{asset}{opened_h}", revision=revision, plant="p", asset=asset, mode="any",
        state=AlertState.RETURNED if ended else AlertState.UNACKNOWLEDGED, reason=reason,
        opened_us=opened_h * HOUR_US, window_end_us=at_h * HOUR_US, chances=(0.9,) * 6, lead_h=12,
        drivers=(), model="m", basis="tests", rung=Rung.HAZARD, level=Level.WARNING, evidence=(hazard(),),
        remaining=None, confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip


def test_a_failure_is_warned_by_the_warning_open_at_the_time():
    outcome = judge([("a", 100 * HOUR_US, "wear")], [alert("a", 40, 40, AlertReason.OPENED)], 200 * HOUR_US, 720)
    assert [failure.lead_h for failure in outcome.failures] == [60]
    assert (outcome.count(Verdict.UNFOUNDED), outcome.machine_months) == (0, 1)
    (warning,) = outcome.warnings
    assert (warning.verdict, warning.act_h, warning.said_h) == (Verdict.FAILED, 60, 12)


def test_a_warning_that_had_cleared_before_does_not_count():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("a", 40, 90, AlertReason.CLEARED, 1)]
    outcome = judge([("a", 100 * HOUR_US, "wear")], alerts, 200 * HOUR_US, 1)
    assert outcome.leads_h == []
    assert outcome.count(Verdict.UNFOUNDED) == 0  # a failure did follow within the longest horizon


def test_a_warning_that_no_failure_follows_is_unfounded():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("b", 40, 40, AlertReason.OPENED)]
    outcome = judge([("b", 300 * HOUR_US, "wear")], alerts, 900 * HOUR_US, 1)
    assert outcome.count(Verdict.UNFOUNDED) == 2


def test_a_warning_near_the_end_is_undecided():
    outcome = judge([], [alert("a", 850, 850, AlertReason.OPENED)], 900 * HOUR_US, 1)
    assert (outcome.count(Verdict.UNFOUNDED), outcome.count(Verdict.UNDECIDED)) == (0, 1)


def test_repeats_of_a_revision_change_nothing():
    one = [alert("a", 40, 40, AlertReason.OPENED)]
    failures = [("a", 100 * HOUR_US, "wear")]
    assert judge(failures, one * 3, 200 * HOUR_US, 1) == judge(failures, one, 200 * HOUR_US, 1)


def test_a_warning_repaired_before_a_failure_is_undecided_and_says_so():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("a", 40, 400, AlertReason.REPAIRED, 1)]
    (warning,) = judge([], alerts, 900 * HOUR_US, 1, [("a", 400 * HOUR_US)]).warnings
    assert (warning.verdict, warning.ended) == (Verdict.UNDECIDED, AlertReason.REPAIRED)
    assert became(warning) == "undecided: repaired before it failed"


def test_a_failure_after_a_repair_is_of_another_life():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("a", 40, 50, AlertReason.CLEARED, 1)]
    outcome = judge([("a", 100 * HOUR_US, "wear")], alerts, 900 * HOUR_US, 1, [("a", 60 * HOUR_US)])
    assert [(w.verdict, w.act_h) for w in outcome.warnings] == [(Verdict.UNDECIDED, None)]


def test_a_repair_after_the_failure_changes_nothing():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("a", 40, 110, AlertReason.REPAIRED, 1)]
    outcome = judge([("a", 100 * HOUR_US, "wear")], alerts, 900 * HOUR_US, 1, [("a", 110 * HOUR_US)])
    assert [(w.verdict, w.act_h, w.repaired_us) for w in outcome.warnings] == [(Verdict.FAILED, 60, None)]


def test_a_repair_long_after_a_warning_cleared_leaves_it_unfounded():
    alerts = [alert("a", 40, 40, AlertReason.OPENED), alert("a", 40, 50, AlertReason.CLEARED, 1)]
    assert judge([], alerts, 900 * HOUR_US, 1, [("a", 300 * HOUR_US)]).count(Verdict.UNFOUNDED) == 1


def test_a_repair_of_another_asset_changes_nothing():
    outcome = judge([], [alert("a", 40, 40, AlertReason.OPENED)], 900 * HOUR_US, 1, [("b", 60 * HOUR_US)])
    assert outcome.count(Verdict.UNFOUNDED) == 1


def test_a_warning_by_rules_alone_says_so_and_is_judged_like_any_other():
    alerts = [*by_rules("a", 40), *by_rules("b", 40, level=Level.ALARM)]
    outcome = judge([("a", at(100), "wear")], alerts, at(900), 1)
    assert [(w.verdict, w.rung, w.level, w.said_h) for w in outcome.warnings] == [
        (Verdict.FAILED, Rung.RULES, Level.WARNING, None), (Verdict.UNFOUNDED, Rung.RULES, Level.ALARM, None),
    ]  # fmt: skip
    assert outcome.leads_h == [60]


def test_a_warning_is_told_as_it_was_when_it_opened():
    opened, cleared = by_rules("a", 40, 50)
    (warning,) = judge([], [cleared, mixed("a", 45)[0], opened], at(900), 1).warnings[:1]
    assert (warning.mode, warning.evidence, warning.confidence) == ("OHE", (rule(),), Confidence.MEDIUM)
    assert warning.says == "rules: bearing-hot 84.2 degC over 80 degC for 40 h"
