"""What is nested too deep is told by its bytes alone, however deep the stack is that asks."""

from __future__ import annotations

import sys

import pytest

from models.nesting import MAX_NESTING, too_deep
from models.records import DeadLetter, Reject, decode
from pipelines.ports import RawRecord
from tests.kit import streams
from tests.unit.pipelines.test_poison import text


def nested(depth: int) -> bytes:
    """A frame whose unknown field brings it to this depth."""
    return text(extra="[" * (depth - 1) + "]" * (depth - 1))


def asked_from(calls: int, payload: bytes) -> tuple[bytes, ...]:
    """What a fresh partition publishes of a record, asked so many calls further down."""
    if calls:
        return asked_from(calls - 1, payload)
    (partition,) = streams.partitions()
    return tuple(output.value for output in partition.receive([RawRecord(0, 0, payload)]).outputs)


@pytest.mark.parametrize("depth", [5, MAX_NESTING - 1, MAX_NESTING])
def test_up_to_the_limit_a_record_is_taken(depth: int) -> None:
    assert asked_from(0, nested(depth)) == ()


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 900, 1000, 100_000])
def test_beyond_it_it_is_rejected_with_the_same_bytes_from_any_stack(depth: int) -> None:
    letters = {asked_from(calls, nested(depth)) for calls in (0, 200, 500)}
    ((letter,),) = letters
    told = decode(letter)
    assert isinstance(told, DeadLetter)
    assert told.reason is Reject.TOO_DEEP
    assert sys.getrecursionlimit() == 1000


def test_brackets_in_texts_and_side_by_side_are_not_depth() -> None:
    assert not too_deep(b'{"a":"' + b"[" * 5000 + b'"}')
    assert not too_deep(b'{"a":"' + b'\\"[' * 5000 + b'"}')
    assert not too_deep(b"[" + b"[],{}," * 5000 + b"1]")
    assert too_deep(b'{"a":"\\\\",' + b'"b":[' * (MAX_NESTING + 1))
