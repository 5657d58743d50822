"""The table of dead letters on a narrow terminal, and which are the last of all partitions."""

from __future__ import annotations

import io

from rich.console import Console

from models.records import DeadLetter, Reject
from pipelines.cli.letters import Letter, _Group, _table, last


def test_what_the_last_letter_says_is_told_to_its_end_on_a_narrow_terminal():
    said = Console(file=io.StringIO(), width=80)
    words = " ".join(f"word-{number}" for number in range(30))
    said.print(_table([(("not-json", "pump-01"), _Group(letters=1, detail=f"{words} [b]"))]))
    shown = said.file.getvalue()
    assert all(word in shown for word in (*words.split(), "[b]"))


def letter(arrived_ms: int, partition: int) -> Letter:
    return Letter(DeadLetter(plant="p", reason=Reject.NOT_JSON, detail=""), arrived_ms, partition, 0)


def test_the_last_letters_are_those_that_arrived_last_whatever_their_partition():
    as_read = [letter(1, 0), letter(7, 0), letter(9, 0), letter(2, 1), letter(8, 1), letter(3, 2)]
    assert [one.arrived_ms for one in last(as_read, 3)] == [7, 8, 9]
