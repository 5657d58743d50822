"""What versions write, kept: every kind of record with all its fields, the words of all enums, and a small snapshot.

`python -m tests.kit.golden` adds a numbered set to `tests/golden` where this version writes otherwise than the newest
set says. Sets that are there are never changed: they are what may still lie on a topic.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec
import msgspec.inspect as inspected

from models import records
from models.records import AnyRecord, Record, encode
from pipelines.layouts import LAYOUT
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from tests.kit import streams, tiny

FOLDER = Path(__file__).parents[1] / "golden"
RECORDS, WORDS, LOG, STATE = "records.jsonl", "words.json", "log.jsonl", "state.json.gz"
SEED, MINUTES, ASSETS = 11, 45, ("pump-01", "mixer-01")
OF_PATTERN = ("ab" * 16, "cd" * 32, "op-" + "0" * 16)
"""Texts of which one fits each pattern that a record's text may have."""


class State(msgspec.Struct, frozen=True):
    """A snapshot of a partition before `next_offset`, and its layout."""

    layout: int
    next_offset: int
    parts: dict[str, bytes]


def sample(kind: type[Record]) -> Record:
    """A record with a value in each field, which is not its default where that can be."""
    made: Record = msgspec.convert(_value(inspected.type_info(kind)), kind)
    return made


def kinds() -> list[type[Record]]:
    """All kinds, by their tag."""
    return sorted(get_args(AnyRecord), key=lambda kind: kind.__struct_config__.tag)


def _value(of: inspected.Type) -> Any:
    """Plain data that a type takes. Raises AssertionError for a type that no record has so far."""
    match of:
        case inspected.Metadata():
            return _value(of.type)
        case inspected.StructType():
            tag = {of.tag_field: of.tag} if of.tag_field else {}
            return tag | {field.encode_name: _value(field.type) for field in of.fields}
        case inspected.UnionType():
            return _value(next(one for one in of.types if not isinstance(one, inspected.NoneType)))
        case inspected.EnumType():
            return list(of.cls)[-1].value
        case inspected.BoolType():
            return True
        case inspected.IntType():
            return max(of.ge or 0, 1) if of.le is None or of.le < streams.START_US else streams.START_US
        case inspected.FloatType():
            return max(of.ge or 0.0, 0.25)
        case inspected.StrType():
            return next(text for text in ("name", *OF_PATTERN) if of.pattern is None or re.search(of.pattern, text))
        case inspected.BytesType():
            return b"\x00\xff"
        case inspected.DictType():
            return {_value(of.key_type): _value(of.value_type)}
        case inspected.ListType() | inspected.VarTupleType():
            return [_value(of.item_type)]
        case inspected.RawType():
            return msgspec.Raw(b'{"any":1}')
    raise AssertionError(f"say here what a {of} may be")


def words() -> dict[str, list[Any]]:
    """The words of every enum that records have."""
    found = vars(records).values()
    enums = [one for one in found if isinstance(one, type) and issubclass(one, Enum) and list(one)]
    return {one.__name__: [member.value for member in one] for one in sorted(enums, key=lambda one: one.__name__)}


def log() -> list[bytes]:
    """Records of a small plant for some minutes."""
    return [encode(record) for record in streams.stream(SEED, minutes=MINUTES, assets=ASSETS)]


def raw(values: list[bytes]) -> list[RawRecord]:
    """As they lie on a partition."""
    return [RawRecord(at, 0, value) for at, value in enumerate(values)]


def state_of(values: list[bytes]) -> State:
    """What is kept after the first half of a log."""
    partition = Partition(tiny.plant(), tiny.models())
    partition.receive(raw(values[: len(values) // 2]))
    partition.acknowledged()
    kept = partition.whole()
    return State(LAYOUT, kept.next_offset, dict(kept.parts))


def present() -> dict[str, bytes]:
    """The set of this version, by file. A snapshot's bytes are told by its layout: arrays are as numpy makes them."""
    values = log()
    return {
        RECORDS: b"".join(encode(sample(kind)) + b"\n" for kind in kinds()),
        WORDS: json.dumps(words(), indent=1).encode() + b"\n",
        LOG: b"".join(value + b"\n" for value in values),
        STATE: gzip.compress(msgspec.json.encode(state_of(values)), mtime=0),
    }


def sets() -> list[Path]:
    """Folders of all sets, the oldest first."""
    return sorted((path for path in FOLDER.iterdir() if path.is_dir()), key=lambda path: int(path.name))


def lines(folder: Path, name: str) -> list[bytes]:
    """Of a file of a set."""
    return (folder / name).read_bytes().splitlines()


def state(folder: Path) -> State:
    """The snapshot of a set."""
    return msgspec.json.decode(gzip.decompress((folder / STATE).read_bytes()), type=State)


def is_told(folder: Path) -> bool:
    """Whether a set says how this version writes."""
    made = present()
    same = all((folder / name).read_bytes() == made[name] for name in (RECORDS, WORDS))
    return same and state(folder).layout == LAYOUT


def main() -> None:
    found = sets() if FOLDER.is_dir() else []
    if found and is_told(found[-1]):
        sys.stdout.write(f"{found[-1]} says how this version writes: nothing to add\n")
        return
    folder = FOLDER / str(int(found[-1].name) + 1 if found else 1)
    folder.mkdir(parents=True)
    for name, content in present().items():
        (folder / name).write_bytes(content)
    sys.stdout.write(f"{folder} made\n")


if __name__ == "__main__":
    main()
