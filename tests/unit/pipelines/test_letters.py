"""What is shown of dead letters: the last of all partitions."""

from __future__ import annotations

from models.records import DeadLetter, Reject
from pipelines.cli.letters import Letter, last


def letter(arrived_ms: int, partition: int) -> Letter:
    return Letter(DeadLetter(plant="p", reason=Reject.NOT_JSON, detail=""), arrived_ms, partition, 0)


def test_the_last_letters_are_those_that_arrived_last_whatever_their_partition():
    as_read = [letter(1, 0), letter(7, 0), letter(9, 0), letter(2, 1), letter(8, 1), letter(3, 2)]
    assert [one.arrived_ms for one in last(as_read, 3)] == [7, 8, 9]
