"""Old records and snapshots are read by this version, and records of later versions by it: what an upgrade rests on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.plant import content
from models.records import DeadLetter, PlantChange, Record, Reject, Tick, decode, encode
from pipelines.partition import Partition
from pipelines.ports import RawRecord, Snapshot
from pipelines.topics import Topic
from tests.kit import golden, tiny
from tests.kit.golden import LOG, RECORDS, WORDS

SETS = golden.sets()
NEWEST = SETS[-1]
every_set = pytest.mark.parametrize("folder", SETS, ids=lambda folder: folder.name)
every_kind = pytest.mark.parametrize("kind", golden.kinds(), ids=lambda kind: kind.__struct_config__.tag)


def holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is found, among other fields perhaps."""
    if isinstance(wanted, dict):
        return all(name in found and holds(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(holds, found, wanted))
    return type(found) is type(wanted) and found == wanted


def with_later_fields(value: Any, free: bool = False) -> Any:
    """JSON with a field more in each of its structs; `free` are dictionaries that are none."""
    if isinstance(value, list):
        return [with_later_fields(one) for one in value]
    if isinstance(value, dict):
        inner = {name: with_later_fields(one, name in FREE) for name, one in value.items()}
        return inner if free else inner | {"added_later": {"deep": [1, None]}}
    return value


FREE = {
    field.encode_name
    for kind in golden.kinds()
    for field in msgspec.inspect.type_info(kind).fields
    if isinstance(field.type, msgspec.inspect.DictType | msgspec.inspect.RawType)
}


def test_the_newest_set_is_what_this_version_writes():
    assert golden.is_told(NEWEST), "records or snapshots have changed: python -m tests.kit.golden adds a set"


@every_set
def test_all_that_an_earlier_version_wrote_is_read_and_nothing_of_it_lost(folder: Path):
    lines = golden.lines(folder, RECORDS)
    assert len(lines) >= 40
    for line in lines:
        assert holds(json.loads(encode(decode(line))), json.loads(line)), line


@every_kind
def test_what_this_version_writes_it_reads_as_the_same_record(kind: type[Record]):
    made = golden.sample(kind)
    assert encode(made) in golden.lines(NEWEST, RECORDS)
    assert encode(decode(encode(made))) == encode(made)


@every_kind
def test_a_field_that_a_later_version_adds_is_passed_over_at_any_depth(kind: type[Record]):
    made = golden.sample(kind)
    later = json.dumps(with_later_fields(json.loads(encode(made))), separators=(",", ":"))
    assert "added_later" in later
    assert encode(decode(later.encode())) == encode(made)


@every_kind
def test_a_field_with_a_default_may_be_missing(kind: type[Record]):
    said = json.loads(encode(golden.sample(kind)))
    for field in msgspec.inspect.type_info(kind).fields:
        if not field.required:
            without = {name: value for name, value in said.items() if name != field.encode_name}
            assert isinstance(decode(json.dumps(without).encode()), kind)


@every_set
def test_no_kind_and_no_word_that_was_written_is_gone(folder: Path):
    present = golden.words()
    for name, wrote in json.loads((folder / WORDS).read_bytes()).items():
        assert set(wrote) <= set(present.get(name, ())), name
    tags = {kind.__struct_config__.tag for kind in golden.kinds()}
    assert {json.loads(line)["type"] for line in golden.lines(folder, RECORDS)} <= tags


@pytest.mark.parametrize(
    "later",
    [
        b'{"type":"thermogram","plant":"tiny","asset":"pump-01","time_us":1}',
        b'{"type":"maintenance","plant":"tiny","asset":"pump-01","time_us":1,"action":"rewound"}',
    ],
    ids=["kind", "word"],
)
def test_a_kind_or_word_of_a_later_version_is_a_dead_letter_and_the_rest_goes_on(later: bytes):
    partition = Partition(tiny.plant(), tiny.models())
    values = [encode(tiny.row("pump-01", 0)), later, encode(tiny.row("pump-01", 1))]
    effects = partition.receive([RawRecord(at, 0, value) for at, value in enumerate(values)])
    (letter,) = [decode(one.value) for one in effects.outputs if one.topic is Topic.DEAD_LETTERS]
    assert isinstance(letter, DeadLetter)
    assert letter.reason is Reject.NOT_A_RECORD
    assert json.loads(later)["type" if b"thermo" in later else "action"] in letter.detail
    assert letter.payload == later.decode()
    assert partition.ledger.rows_stored == 2 and partition.ledger.balances


def test_a_plant_with_a_key_of_a_later_version_is_a_dead_letter_and_the_plant_stays():
    """It is never taken without that key."""
    said = json.loads(content.encode(tiny.plant()))
    said["types"]["fan"]["colour"] = "green"
    change = PlantChange(plant="tiny", version="0" * 12, content=msgspec.Raw(json.dumps(said).encode()))
    partition = Partition(tiny.plant(), tiny.models())
    effects = partition.receive([RawRecord(0, 0, encode(change))])
    (letter,) = [decode(one.value) for one in effects.outputs if one.topic is Topic.DEAD_LETTERS]
    assert isinstance(letter, DeadLetter)
    assert letter.reason is Reject.PLANT_REFUSED and "`colour`" in letter.detail
    assert partition.plant.version == tiny.plant().version


@every_set
def test_a_snapshot_of_an_earlier_version_goes_on_as_if_it_had_seen_all(folder: Path):
    kept, values = golden.state(folder), golden.raw(golden.lines(folder, LOG))
    whole = Partition(tiny.plant(), tiny.models())
    whole.receive(values[: kept.next_offset])
    whole.acknowledged()
    restored = Partition.restore(tiny.plant(), tiny.models(), Snapshot(kept.next_offset, kept.parts))
    assert restored.ledger == whole.ledger
    rest = values[kept.next_offset :]
    assert restored.receive(rest).outputs == whole.receive(rest).outputs
    assert restored.ledger == whole.ledger and whole.ledger.balances and whole.ledger.forecasts > 0


def test_time_goes_on_from_a_kept_snapshot():
    """A tick behind the log closes minutes that the snapshot's samples lie in."""
    kept, values = golden.state(NEWEST), golden.raw(golden.lines(NEWEST, LOG))
    restored = Partition.restore(tiny.plant(), tiny.models(), Snapshot(kept.next_offset, kept.parts))
    end_us = max(decode(one.value).time_us for one in values if b'"tick"' in one.value)
    before = restored.ledger.forecasts
    restored.receive([RawRecord(kept.next_offset, 0, encode(Tick(plant="tiny", time_us=end_us)))])
    assert restored.ledger.forecasts > before
