"""When the demo fails: a row that is missing anywhere, and nothing else."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import pytest
from rich.console import Console

from models.energy.planning import search
from models.energy.planning.posing import pose
from models.energy.planning.telling import Made, told
from models.records import NotPlanned, PlanReason, Reject, Unplanned
from pipelines.cli.demo_planned import Planned
from pipelines.cli.outcome import Outcome, judge
from pipelines.cli.summary import Summary, Told, show, write
from pipelines.ledger import MOST_SOURCES, OTHERS, Ledger, Source
from tests.kit.production import order, situation, warning
from tests.kit.runs import at, by_rules, mixed


def summary(**changes) -> Summary:
    source = Source(rows_read=10, rows_stored=9, values_read=20, values_stored=18)
    ledger = Ledger(
        rows_read=10, rows_stored=9, rows_rejected=1, values_read=20, values_stored=18, values_rejected=2,
        sources={"pumps": source},
    )  # fmt: skip
    made = Summary(
        rows_sent=10, ledger=ledger, rows_in_influxdb=9, forecasts=5,
        outcome=Outcome(failures=(), warnings=(), machine_months=1.0),
        latencies_ms=(1, 2, 3), pace_rows_s=60.0, kafka="4", influxdb="1.8", seconds=1.0, worker=1, restarts=1,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_a_balanced_ledger_that_influxdb_agrees_with_is_no_problem():
    assert summary().problems() == []


def test_a_warning_that_was_not_delivered_is_a_problem_and_one_that_ended_unheard_is_none():
    assert summary(told=Told(warnings=3, to_webhook=9, to_topic=9, unheard=1)).problems() == []
    assert summary(told=Told(missing=2)).problems() == ["2 warnings were not delivered to both subscriptions"]


def test_a_plan_that_is_missing_or_leaves_orders_out_is_a_problem():
    assert summary(planned=Planned(None, "Kafka was away")).problems() == ["there is no plan: Kafka was away"]
    plan = some_plan()
    left = Unplanned(order="a", why=NotPlanned.NO_ROOM, detail="no room")
    short = Planned(msgspec.structs.replace(plan, unplanned=(left,)))
    assert summary(planned=Planned(plan)).problems() == []
    assert "1 of 24 orders are not planned" in summary(planned=short).problems()[0]


def test_the_summary_says_what_the_plan_saves_and_when_maintenance_is():
    console = Console(record=True, width=300)
    show(summary(planned=Planned(some_plan())), console)
    said = console.export_text()
    assert "less than the usual rule" in said
    assert "maintenance of press-2 for its warning" in said


def some_plan():
    at = situation(order("a"), order("b", "seal"), warnings=(warning("press-2"),))
    posed = pose(at)
    schedule = search.first(posed.problem)
    return told(at, posed, schedule, Made(PlanReason.FIRST, at.begin_us, "test", 1.0, 0.02, 0))


def test_the_summary_for_people_says_how_many_were_delivered():
    console = Console(record=True, width=300)
    show(summary(told=Told(warnings=3, to_webhook=9, to_topic=8, unheard=1)), console)
    said = console.export_text()
    assert "3 warnings delivered, as they opened, changed and ended: 9 notifications to a webhook, 8 to a topic" in said
    assert "1 had ended before anybody was told" in said


def test_the_summary_for_machines_has_the_ledger_by_source(tmp_path):
    write(summary(), tmp_path / "demo.json")
    told = json.loads((tmp_path / "demo.json").read_text())
    assert (told["rows_read"], told["sources"]["pumps"]["rows_stored"]) == (10, 9)


def warned() -> Summary:
    """One warning by a rule alone, one by a model and a rule."""
    return summary(outcome=judge([("a", at(60), "wear")], [*by_rules("a", 24), *mixed("b", 30)], at(900), 720.0))


def test_the_summary_for_machines_has_the_evidence_of_each_warning(tmp_path):
    write(warned(), tmp_path / "demo.json")
    by_rule, of_both = json.loads((tmp_path / "demo.json").read_text())["warnings"]
    assert (by_rule["rung"], by_rule["level"], by_rule["confidence"], by_rule["said_h"]) == (
        "rules", "warning", "medium", None,
    )  # fmt: skip
    assert [one["name"] for one in by_rule["evidence"]] == ["bearing-hot"]
    assert [(one["rung"], one["limit"]) for one in of_both["evidence"]] == [("rules", 80.0), ("hazard", 0.12)]


def test_the_summary_for_people_says_what_each_warning_rested_on():
    console = Console(record=True, width=300)
    show(warned(), console)
    said = console.export_text()
    assert "warning, medium confidence, rules: bearing-hot 84.2 degC over 80 degC for 24 h" in said
    assert (
        "low confidence, hazard: 50 % in 72 h (from simulated pumps), over its limit within 72 h; also bearing" in said
    )


@pytest.mark.parametrize(
    "changes",
    [{"rows_in_influxdb": 8}, {"rows_sent": 11}, {"ledger": Ledger(rows_read=10, rows_stored=9)}],
)
def test_a_missing_row_is_a_problem(changes):
    assert summary(**changes).problems()


def test_ledgers_add_up_over_partitions():
    first = Ledger(rows_read=2, rows_stored=2, sources={"a": Source(rows_read=2, rows_stored=2)})
    second = Ledger(rows_read=3, rows_stored=2, rows_rejected=1, sources={"a": Source(rows_read=3, rows_stored=2)})
    second.reject(Reject.FAR_FUTURE, 1)
    total = Ledger.total([first, second])
    assert (total.rows_read, total.rows_stored, total.rejected_by_reason) == (5, 4, {"far-future": 1})
    assert total.balances and total.sources["a"].rows_rejected == 1


def test_the_ledger_is_off_where_the_sources_are_not_all():
    ledger = Ledger(rows_read=2, rows_stored=2, sources={"a": Source(rows_read=1, rows_stored=1)})
    assert not ledger.balances
    ledger.of("b").rows_read = ledger.of("b").rows_stored = 1
    assert ledger.balances


def test_sources_without_end_are_counted_together():
    ledger = Ledger()
    for number in range(MOST_SOURCES + 10):
        ledger.of(f"s{number}").rows_read += 1
    assert len(ledger.sources) == MOST_SOURCES + 1 and ledger.sources[OTHERS].rows_read == 10


def test_a_refused_row_moves_from_stored_to_rejected():
    source = Source(rows_read=2, rows_stored=2, rows_late=1, values_read=8, values_stored=8)
    ledger = Ledger(
        rows_read=2, rows_stored=2, rows_late=1, values_read=8, values_stored=8, values_late=4, sources={"a": source}
    )
    ledger.refuse("a", values=4, late=True)
    assert (ledger.rows_stored, ledger.rows_rejected, ledger.rows_late, ledger.values_late) == (1, 1, 0, 0)
    assert ledger.balances
