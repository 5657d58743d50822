"""The contract on logs as no plant should send them: any cut, any restore, refusals, and each asset alone."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import decode
from pipelines.partition import Partition
from pipelines.ports import Output, RawRecord, Refusal, Snapshot
from pipelines.topics import Topic
from tests.kit import changes, streams, tiny, wild

LATENESS_S = (0, 30, 90, 120, 600)
FOUND = (13, 64, 158)
"""Seeds that found a defect in a soak."""
SHORT, LONG = (*range(10), *FOUND), sorted(set(range(10, 200)) - {*FOUND})


def run(values: list[bytes], batches, lateness_s: int, *, restores: bool = False, refusals: bool = False):
    """Outputs and last partition of a log taken in these batches; the ledger must balance after each."""
    hazards, random = changes.models(), np.random.default_rng(1)
    partition = Partition(tiny.plant(), hazards, lateness_s)
    raw = [RawRecord(at, 0, value) for at, value in enumerate(values)]
    out: list[Output] = []
    kept: Snapshot | None = None
    for batch in batches(raw):
        effects = partition.receive(batch)
        out += effects.outputs
        refused = [Refusal(t, 0, "no") for t in range(len(effects.rows))] if refusals and random.random() < 0.3 else []
        partition.acknowledged(refused)
        ledger = partition.ledger
        assert ledger.balances
        assert 0 <= ledger.rows_late <= ledger.rows_stored
        assert 0 <= ledger.values_late <= ledger.values_stored
        if restores and random.random() < 0.3 and (snapshot := partition.snapshot()) is not None:
            kept = snapshot.onto(kept)
            if random.random() < 0.5:
                partition = Partition.restore(tiny.plant(), hazards, kept, lateness_s)
    return out, partition


def by(size: int):
    """Batches of one size."""
    return lambda raw: [raw[at : at + size] for at in range(0, len(raw), size)]


def check(seed: int) -> None:
    lateness_s = LATENESS_S[seed % len(LATENESS_S)]
    values = wild.wild(seed, lateness_s)
    alone, partition = run(values, by(1), lateness_s)
    for size in (7, 100, len(values)):
        found, other = run(values, by(size), lateness_s)
        assert found == alone, size
        assert other.ledger == partition.ledger
    random = np.random.default_rng(seed)
    found, other = run(values, lambda raw: streams.cut(random, raw), lateness_s, restores=True)
    assert found == alone
    assert other.ledger == partition.ledger
    check_revisions(alone)
    run(values, by(50), lateness_s, refusals=True)
    asset = next((a for value in values if (a := asset_of(value))), "")
    mine, _ = run([v for v in values if asset_of(v) in ("", asset)], by(33), lateness_s)
    key = f"tiny/{asset}".encode()
    assert [o[:3] for o in mine if o.key == key] == [o[:3] for o in alone if o.key == key]


def check_revisions(outputs: list[Output]) -> None:
    """No id and revision is said twice, and revisions count up, whatever happens to the plant."""
    seen: dict[str, int] = {}
    for record in (decode(o.value) for o in outputs if o.topic in (Topic.FORECASTS, Topic.ALERTS)):
        assert record.revision == seen.get(record.id, -1) + 1, record
        seen[record.id] = record.revision


def asset_of(value: bytes) -> str:
    """The asset of a record, nothing for what is of none."""
    if b'"rebuilt"' not in value:  # whose content is a text in which the letters may stand, too
        value = value.replace(b"NaN", b"null")
    return getattr(decode(value), "asset", "")


@pytest.mark.parametrize("seed", SHORT)
def test_wild_logs_keep_the_contract(seed):
    check(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", LONG)
def test_many_wild_logs_keep_the_contract(seed):
    check(seed)


def test_wild_logs_have_clocks_that_jump_and_decisions_about_them():
    topics, closed = set(), 0
    for seed in SHORT:
        lateness_s = LATENESS_S[seed % len(LATENESS_S)]
        out, _ = run(wild.wild(seed, lateness_s), by(100), lateness_s)
        topics |= {o.topic for o in out}
        closed += sum(b'"state":"closed"' in o.value for o in out if o.topic is Topic.NOTICES)
    assert {Topic.QUARANTINE, Topic.NOTICES} <= topics
    assert closed
