"""Whatever single thing is done to the inside of an audit, it is found."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.audit import Check, sealed, verified
from models.records import AuditEntry
from tests.kit.auditing import log

LOGS = st.lists(st.integers(1, 4), min_size=2, max_size=30).map(log)
OTHER = {
    "plant": "other", "chain": "f" * 32, "number": 77, "before": "0" * 64, "before_chain": "e" * 32, "time_us": 9**9,
    "by": "nobody", "role": "admin", "sites": ("north",), "address": "10.0.0.1", "method": "POST", "path": "/",
    "route": "/", "status": 500, "left_out": 3, "hash": "1" * 64,
}  # fmt: skip


def heads(entries: list[AuditEntry]) -> set[str]:
    check = Check()
    for one in entries:
        check.see(one)
    return {head.hash for head in check.heads()}


@given(LOGS)
def test_what_processes_write_is_whole(entries):
    assert verified(entries) == ()


@given(LOGS, st.data())
def test_any_field_that_is_changed_is_found(entries, data):
    at, field = data.draw(st.integers(0, len(entries) - 1)), data.draw(st.sampled_from(sorted(OTHER)))
    changed = [*entries[:at], replace(entries[at], **{field: OTHER[field]}), *entries[at + 1 :]]
    assert verified(changed)


@given(LOGS, st.data())
def test_a_change_that_was_sealed_again_is_found_or_a_head_is_gone(entries, data):
    at, field = data.draw(st.integers(0, len(entries) - 1)), data.draw(st.sampled_from(sorted(OTHER.keys() - {"hash"})))
    changed = [*entries[:at], sealed(replace(entries[at], **{field: OTHER[field]})), *entries[at + 1 :]]
    assert verified(changed) or not heads(entries) <= {one.hash for one in changed}


@given(LOGS, st.data())
def test_an_entry_that_is_taken_out_is_found_or_was_a_head(entries, data):
    at = data.draw(st.integers(0, len(entries) - 1))
    assert verified([*entries[:at], *entries[at + 1 :]]) or entries[at].hash in heads(entries)


@given(LOGS, st.data())
def test_an_entry_that_is_there_again_is_found(entries, data):
    at, to = data.draw(st.integers(0, len(entries) - 1)), data.draw(st.integers(0, len(entries)))
    assert verified([*entries[:to], entries[at], *entries[to:]])


@given(LOGS, st.data())
def test_an_entry_that_passes_another_of_its_chain_is_found(entries, data):
    at, to = data.draw(st.integers(0, len(entries) - 1)), data.draw(st.integers(0, len(entries) - 1))
    rest = [*entries[:at], *entries[at + 1 :]]
    moved = [*rest[:to], entries[at], *rest[to:]]
    order = [one.number for one in moved if one.chain == entries[at].chain]
    assert verified(moved) or order == sorted(order)
