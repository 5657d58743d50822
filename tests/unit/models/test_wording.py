"""What warnings and healths say, sentence by sentence."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.alerting.wording import chance, clock, headline, labels, remaining, rests_on
from models.records import (
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Contribution,
    Evidence,
    Health,
    Level,
    ModeShare,
    Remaining,
    Rung,
    Until,
)

START_US = 1_767_225_600_000_000  # 2026-01-01 00:00 UTC
MINUTE_US = 60_000_000
DRIVER = Contribution(signal="temp_degc", share=0.7, over=4.5)
REMAINING = Remaining(low_h=20.0, median_h=36.0, high_h=70.0)


def evidence(rung: Rung = Rung.RULES, **changes) -> Evidence:
    made = Evidence(
        rung=rung, name="bearing-hot", level=Level.WARNING, since_us=START_US, mode="any", signals=("temp_degc",),
        value=84.2, limit=80.0, unit="degC", basis="a manual", confidence=Confidence.MEDIUM,
    )  # fmt: skip
    return replace(made, **changes)


HAZARD = evidence(
    Rung.HAZARD, name="pump", value=0.31, limit=0.12, unit="chance in 72 h", basis="simulated pumps",
    confidence=Confidence.LOW,
)  # fmt: skip


def alert(*rests: Evidence, **changes) -> Alert:
    """One that opened 12 min after its evidence began, founded as its last piece of evidence is."""
    highest = rests[-1]
    speaks = highest.rung is Rung.HAZARD
    made = Alert(
        id="x", revision=0, plant="p", asset="a", mode="any", state=AlertState.UNACKNOWLEDGED,
        reason=AlertReason.OPENED, opened_us=START_US, window_end_us=START_US + 12 * MINUTE_US, level=Level.WARNING,
        evidence=rests, chances=(0.1, 0.2, 0.25, 0.31, 0.4, 0.5) if speaks else (), lead_h=72 if speaks else None,
        remaining=None, drivers=(), model="", basis=highest.basis, rung=highest.rung, confidence=highest.confidence,
        completeness=1.0,
    )  # fmt: skip
    return replace(made, **changes)


def health(**changes) -> Health:
    made = Health(
        id="x", revision=0, plant="p", asset="a", window_end_us=START_US, index=62.4, t2=0.5, spe=0.8,
        drivers=(DRIVER, Contribution(signal="flow", share=0.3, over=-3.0)),
        limiting="", remaining=None, baseline="its own healthy time", model="m", basis="b", confidence=Confidence.LOW,
        completeness=1.0,
    )  # fmt: skip
    return replace(made, **changes)


def test_a_rule_says_what_it_found_over_which_limit_for_how_long():
    assert headline(alert(evidence())) == "rules: bearing-hot 84.2 degC over 80 degC for 12 min"


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (119, "119 min"), (120, "2 h"), (71 * 60 + 59, "71 h"), (72 * 60, "3 days")]
)
def test_it_says_for_how_long_in_a_unit_that_fits(minutes, said):
    assert headline(alert(evidence(), window_end_us=START_US + minutes * MINUTE_US)).endswith(f"for {said}")


def test_what_is_too_low_is_under_its_limit():
    assert "bearing-hot 3 degC under 80 degC" in headline(alert(evidence(value=3.0)))


def test_a_value_just_over_its_limit_is_told_apart_from_it():
    assert "1,480.3 rpm over 1,480 rpm" in headline(alert(evidence(value=1480.3, limit=1480.0, unit="rpm")))


def test_large_numbers_are_whole_and_those_without_a_unit_end_in_no_space():
    assert headline(alert(evidence(value=1234567.8, limit=2.0, unit=""))).endswith("1,234,568 over 2 for 12 min")


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"value": None}, "beyond 80 degC"), ({"limit": None}, "84.2 degC"), ({"value": None, "limit": None}, "found"),
     ({"value": 80.0}, "80 degC at 80 degC")],
)  # fmt: skip
def test_evidence_without_a_value_or_a_limit_is_told_all_the_same(changes, said):
    assert headline(alert(evidence(**changes))) == f"rules: bearing-hot {said} for 12 min"


def test_a_warning_that_ended_says_what_was_told_last_and_not_for_how_long():
    ended = alert(evidence(), state=AlertState.RETURNED, reason=AlertReason.CLEARED)
    assert headline(ended) == "rules: bearing-hot 84.2 degC over 80 degC when last told"


def test_a_hazard_says_its_chance_with_what_it_was_learned_from():
    assert headline(alert(HAZARD)) == "hazard: 31 % in 72 h (from simulated pumps), over its limit within 72 h"


def test_a_hazard_over_its_limit_on_no_horizon_says_so():
    assert headline(alert(HAZARD, lead_h=None)).endswith("(from simulated pumps), under its limit by now")


@pytest.mark.parametrize("confidence", Confidence)
def test_a_chance_stands_alone_where_enough_failures_found_it_and_nowhere_else(confidence):
    said = chance(0.31, 72, "12 failures", confidence)
    assert said == ("31 % in 72 h" if confidence is Confidence.HIGH else "31 % in 72 h (from 12 failures)")
    of = replace(HAZARD, confidence=confidence, basis="12 failures")
    for text in (headline(alert(of)), *rests_on(alert(of))):
        assert ("31 % in 72 h (from 12 failures)" in text) is (confidence is not Confidence.HIGH)
        assert "31 % in 72 h" in text


@pytest.mark.parametrize(("share", "said"), [(0.0, "under 1 %"), (0.01, "1 %"), (0.99, "99 %"), (0.9999, "over 99 %")])
def test_no_chance_is_told_as_certain(share, said):
    assert chance(share, 72, "b", Confidence.HIGH) == f"{said} in 72 h"


def test_many_chances_have_one_label_of_all_that_need_one():
    of = [("simulated pumps", Confidence.LOW)] * 2 + [
        ("40 failures", Confidence.HIGH),
        ("6 failures", Confidence.MEDIUM),
    ]
    assert labels(of) == "from 6 failures, from simulated pumps"
    assert labels(of[2:3]) == ""


def test_the_highest_rung_speaks_first_and_others_are_named():
    said = headline(alert(evidence(), HAZARD))
    assert said.startswith("hazard: 31 %") and said.endswith("; also bearing-hot (rules)")


def test_of_one_rung_alarms_speak_first_and_then_what_holds_for_longest():
    late, alarm = evidence(name="late", since_us=START_US + MINUTE_US), evidence(name="alarm", level=Level.ALARM)
    said = headline(alert(late, evidence(name="early"), replace(alarm, since_us=START_US + 2 * MINUTE_US)))
    assert said.startswith("rules: alarm") and said.endswith("for 10 min; also early (rules), late (rules)")


def test_of_much_evidence_the_first_is_named_and_the_rest_counted():
    assert headline(alert(*(evidence(name=name) for name in "abcde"))).endswith(
        "; also b (rules), c (rules) and 2 more"
    )


@pytest.mark.parametrize("rung", [Rung.RULES, Rung.HEALTH, Rung.TREND])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("confidence", Confidence)
def test_each_piece_of_evidence_is_a_line_with_all_that_it_says(rung, level, confidence):
    (line,) = rests_on(alert(evidence(rung, level=level, confidence=confidence)))
    assert line == (
        f"{rung}: bearing-hot, {level} since 2026-01-01 00:00; 84.2 degC over 80 degC; a manual; "
        f"{confidence} confidence"
    )


def test_a_hazard_is_a_line_that_says_once_what_it_was_learned_from():
    since = "hazard: pump, warning since 2026-01-01 00:00; 31 % in 72 h"
    assert rests_on(alert(HAZARD)) == (f"{since} (from simulated pumps) over 12 %; low confidence",)
    sure = replace(HAZARD, confidence=Confidence.HIGH, basis="40 failures")
    assert rests_on(alert(sure)) == (f"{since} over 12 %; from 40 failures; high confidence",)


def test_all_evidence_has_its_line_the_highest_rung_first():
    rests = [evidence(rung, name=rung) for rung in (Rung.HEALTH, Rung.RULES, Rung.TREND)]
    lines = rests_on(alert(*rests, HAZARD))
    assert [line.split(":")[0] for line in lines] == [str(rung) for rung in reversed(Rung)]


@pytest.mark.parametrize("rung", Rung)
@pytest.mark.parametrize("state", AlertState)
@pytest.mark.parametrize("reason", AlertReason)
def test_a_warning_on_any_rung_in_any_state_begins_with_its_rung(rung, state, reason):
    of = HAZARD if rung is Rung.HAZARD else evidence(rung)
    assert headline(alert(of, state=state, reason=reason)).startswith(f"{rung}: ")


def test_what_remains_is_told_with_its_interval():
    assert remaining(alert(evidence(), remaining=REMAINING)) == "36 h to its limit (90 %: 20 to 70 h)"


def test_an_interval_without_an_end_says_so():
    assert remaining(health(remaining=replace(REMAINING, high_h=None))) == "36 h to its limit (90 %: 20 h or more)"


def test_what_remains_of_a_signal_names_it():
    assert remaining(health(remaining=REMAINING, limiting="flow")) == "36 h to the limit of flow (90 %: 20 to 70 h)"


def test_nothing_remains_where_nothing_says_so():
    assert remaining(alert(evidence())) == remaining(health()) == ""


def test_a_headline_ends_with_what_remains():
    said = headline(alert(evidence(Rung.HEALTH, name="health", value=42.0, limit=50.0, unit=""), remaining=REMAINING))
    assert said == "health: health 42 under 50 for 12 min; 36 h to its limit (90 %: 20 to 70 h)"


def test_a_health_says_its_index_against_what_and_its_drivers():
    assert headline(health()) == "health: 62 of 100 against its own healthy time, driven by temp_degc +4.5, flow -3"


def test_a_health_without_drivers_or_baseline_says_its_index():
    assert headline(health(drivers=(), baseline="")) == "health: 62 of 100"


def test_a_clock_tells_utc_to_the_minute():
    assert clock(START_US + 90 * MINUTE_US + 59_999_999) == "2026-01-01 01:30"


def test_a_hazard_that_tells_modes_apart_says_which_it_is_most_likely():
    modes = (ModeShare(mode="comp2", share=0.81), ModeShare(mode="comp1", share=0.12))
    assert headline(alert(HAZARD, modes=modes)).endswith(
        "over its limit within 72 h, most likely comp2 (0.81), comp1 (0.12)"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [({}, "36 h to failure (90 %: 20 to 70 h)"),
     ({"high_h": None}, "36 h to failure (90 %: 20 h or more)"),
     ({"median_h": None, "high_h": None}, "over 168 h to failure (90 %: 20 h or more)"),
     ({"covered": 0.847}, "36 h to failure (90 %, but 85 % on other machines: 20 to 70 h)")],
)  # fmt: skip
def test_time_to_failure_is_told_with_its_interval_and_what_that_covered_if_it_was_not_as_said(changes, said):
    assert remaining(alert(HAZARD, remaining=replace(REMAINING, until=Until.FAILURE, **changes))) == said
