"""When the demo fails: a row that is missing anywhere, and nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from models.records import Reject
from pipelines.cli.outcome import Outcome
from pipelines.cli.summary import Summary
from pipelines.ledger import Ledger


def summary(**changes) -> Summary:
    ledger = Ledger(rows_read=10, rows_stored=9, rows_rejected=1, values_read=20, values_stored=18, values_rejected=2)
    made = Summary(
        rows_sent=10, ledger=ledger, rows_in_influxdb=9, forecasts=5,
        outcome=Outcome(failures=(), warnings=(), machine_months=1.0),
        latencies_ms=(1, 2, 3), pace_rows_s=60.0, kafka="4", influxdb="1.8", seconds=1.0, worker=1, restarts=1,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_a_balanced_ledger_that_influxdb_agrees_with_is_no_problem():
    assert summary().problems() == []


@pytest.mark.parametrize(
    "changes",
    [{"rows_in_influxdb": 8}, {"rows_sent": 11}, {"ledger": Ledger(rows_read=10, rows_stored=9)}],
)
def test_a_missing_row_is_a_problem(changes):
    assert summary(**changes).problems()


def test_ledgers_add_up_over_partitions():
    first, second = Ledger(rows_read=2, rows_stored=2), Ledger(rows_read=3, rows_stored=2, rows_rejected=1)
    second.reject(Reject.FAR_FUTURE, 1)
    total = Ledger.total([first, second])
    assert (total.rows_read, total.rows_stored, total.rejected_by_reason) == (5, 4, {"far-future": 1})
    assert total.balances


def test_a_refused_row_moves_from_stored_to_rejected():
    ledger = Ledger(rows_read=2, rows_stored=2, rows_late=1, values_read=8, values_stored=8, values_late=4)
    ledger.refuse(values=4, late=True)
    assert (ledger.rows_stored, ledger.rows_rejected, ledger.rows_late, ledger.values_late) == (1, 1, 0, 0)
    assert ledger.balances
