"""The cases of a machine, whatever rungs speak of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.alerting.belonging import RUNGS, Said, worst
from models.alerting.cases import moved, repaired
from models.alerting.lifecycle import is_active
from models.plant import ANY_MODE
from models.records import (
    AlertReason,
    AlertState,
    Became,
    Confidence,
    Evidence,
    Forecast,
    Level,
    OperatingState,
    Remaining,
    Rung,
    Similar,
    Until,
)

FORECAST = Forecast(
    id="f", revision=0, plant="p", asset="a", window_end_us=60, operating=OperatingState.RUNNING, running_until_us=60,
    chances=(0.1, 0.2, 0.3, 0.6, 0.7, 0.8), drivers=(), model="m@1", basis="simulated pumps", rung=Rung.HAZARD,
    confidence=Confidence.LOW, completeness=0.9,
)  # fmt: skip


def said(minute: int, **more) -> Said:
    return Said(plant="p", asset="a", window_end_us=minute * 60_000_000, **more)


def evidence(name: str, rung: Rung = Rung.RULES, mode: str = ANY_MODE, level: Level = Level.WARNING) -> Evidence:
    return Evidence(
        rung=rung, name=name, level=level, since_us=0, mode=mode, signals=("s",), value=1.0, limit=0.5, unit="mm/s",
        basis=f"basis of {name}", confidence=Confidence.MEDIUM,
    )  # fmt: skip


HOT, HAZARD = evidence("hot"), evidence("pump", Rung.HAZARD)


def test_the_first_evidence_opens_a_case_that_says_what_it_rests_on():
    (case,), (told,) = moved((), [HOT], said(1))
    assert case == told
    assert (told.reason, told.state, told.revision) == (AlertReason.OPENED, AlertState.UNACKNOWLEDGED, 0)
    assert (told.rung, told.evidence, told.basis, told.confidence) == (
        Rung.RULES, (HOT,), "basis of hot", Confidence.MEDIUM,
    )  # fmt: skip
    assert (told.chances, told.lead_h, told.model) == ((), None, "")


def test_a_higher_rung_revises_the_case_and_never_opens_a_second_one():
    cases, (opened,) = moved((), [HOT], said(1))
    cases, told = moved(cases, [HOT, HAZARD], said(2, forecast=FORECAST, lead_h=72))
    assert [(one.id, one.revision, one.reason) for one in told] == [(opened.id, 1, AlertReason.RAISED)]
    assert (told[0].rung, told[0].chances, told[0].lead_h, told[0].completeness) == (
        Rung.HAZARD, FORECAST.chances, 72, 0.9,
    )  # fmt: skip


def test_a_rung_that_does_not_open_cases_joins_one_and_leaves_with_the_last():
    ill, opening = evidence("pump.health", Rung.HEALTH), (Rung.RULES, Rung.HAZARD)
    assert moved((), [ill], said(1, open=opening)) == ((), ())
    cases, (opened,) = moved((), [ill, HOT], said(2, open=opening))
    assert [one.name for one in opened.evidence] == ["hot", "pump.health"]
    _, (lowered,) = moved(cases, [ill], said(3, open=opening))
    assert (lowered.reason, lowered.rung) == (AlertReason.LOWERED, Rung.HEALTH)


def test_nothing_is_told_while_the_evidence_stays():
    cases, _ = moved((), [HOT], said(1))
    assert moved(cases, [replace(HOT, value=3.0)], said(2)) == (cases, ())


def test_a_worse_level_is_told_and_so_is_a_better_one():
    cases, _ = moved((), [HOT], said(1))
    cases, (worse,) = moved(cases, [evidence("hot", level=Level.ALARM)], said(2))
    cases, (better,) = moved(cases, [HOT], said(3))
    assert [(one.reason, one.level) for one in (worse, better)] == [
        (AlertReason.RAISED, Level.ALARM), (AlertReason.LOWERED, Level.WARNING),
    ]  # fmt: skip


def test_a_case_goes_on_while_any_evidence_holds_and_clears_with_the_last():
    cases, _ = moved((), [HOT, HAZARD], said(1, forecast=FORECAST))
    cases, (lowered,) = moved(cases, [HAZARD], said(2, forecast=FORECAST))
    cases, (cleared,) = moved(cases, [], said(3))
    assert (lowered.reason, cleared.reason, cases) == (AlertReason.LOWERED, AlertReason.CLEARED, (cleared,))
    assert (cleared.state, cleared.evidence) == (AlertState.RETURNED, (HAZARD,))


def test_two_failure_modes_are_two_cases_and_what_tells_none_apart_joins_the_first():
    cases, told = moved((), [evidence("shaking", mode="VIB"), evidence("hot", mode="OHE")], said(1))
    assert [case.mode for case in cases] == ["OHE", "VIB"]
    cases, told = moved(cases, [*(one for case in cases for one in case.evidence), HAZARD], said(2))
    assert [(one.mode, one.rung) for one in told] == [("OHE", Rung.HAZARD)]


def test_a_hazard_that_is_nearer_is_told_anew():
    cases, _ = moved((), [HAZARD], said(1, forecast=FORECAST, lead_h=72))
    _, (told,) = moved(cases, [HAZARD], said(2, forecast=FORECAST, lead_h=12, reason=AlertReason.NEARER))
    assert (told.reason, told.lead_h) == (AlertReason.NEARER, 12)


def test_a_repair_ends_all_cases_which_repeat_what_was_said_last_and_wait():
    cases, _ = moved((), [evidence("shaking", mode="VIB"), evidence("hot", mode="OHE")], said(1))
    waiting, closed = repaired(cases, 7)
    assert waiting == closed and repaired(waiting, 8) == (waiting, ())
    assert [(one.reason, one.state, one.window_end_us) for one in closed] == [
        (AlertReason.REPAIRED, AlertState.RETURNED, 7)
    ] * 2
    assert [one.evidence for one in closed] == [one.evidence for one in cases]


def test_of_two_levels_of_one_rule_the_worse_counts():
    both = [HOT, evidence("hot", level=Level.ALARM)]
    assert [one.level for one in worst(both)] == [one.level for one in worst(both[::-1])] == [Level.ALARM]


LIMIT, FAILURE = (Remaining(low_h=1.0, median_h=2.0, high_h=3.0, until=until) for until in Until)
ILL = evidence("pump.health", Rung.HEALTH)


def test_what_remains_is_the_time_to_failure_where_a_hazard_tells_it_else_that_to_a_limit():
    def told(*rests: Evidence, forecast: Forecast | None = None):
        return moved((), rests, said(1, forecast=forecast, remaining=LIMIT))[1][0].remaining

    timed = replace(FORECAST, remaining=FAILURE)
    assert told(ILL) == told(ILL, HAZARD, forecast=FORECAST) == LIMIT
    assert told(ILL, HAZARD, forecast=timed) == told(HAZARD, forecast=timed) == FAILURE
    assert told(HOT) is told(HAZARD, forecast=FORECAST) is None


LIKE = (Similar(outcome=Became.FAILED, mode="seal", lead_h=40.0, distance=0.2),)


def test_past_cases_like_it_are_kept_while_the_hazard_speaks_and_go_with_it():
    cases, (opened,) = moved((), [HOT, HAZARD], said(1, forecast=FORECAST, similar=LIKE))
    cases, (nearer,) = moved(cases, [HOT, HAZARD], said(2, forecast=FORECAST, reason=AlertReason.NEARER))
    _, (lowered,) = moved(cases, [HOT], said(3))
    assert (opened.similar, nearer.similar, lowered.similar) == (LIKE, LIKE, ())


EVIDENCE = st.builds(
    evidence, st.sampled_from("abc"), st.sampled_from(RUNGS), st.sampled_from([ANY_MODE]), st.sampled_from(list(Level))
)


@given(st.lists(st.lists(EVIDENCE, max_size=4, unique_by=lambda one: (one.rung, one.name)), max_size=12))
def test_without_modes_a_machine_has_one_case_at_most_and_revisions_count_up(steps):
    cases, last = (), {}
    for minute, now in enumerate(steps):
        cases, told = moved(cases, now, said(minute))
        assert len(cases) <= 1 and any(map(is_active, cases)) == bool(now)
        for one in told:
            assert one.revision == last.get(one.id, -1) + 1
            last[one.id] = one.revision
