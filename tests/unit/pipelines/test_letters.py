"""The table of dead letters on a narrow terminal."""

from __future__ import annotations

import io

from rich.console import Console

from pipelines.cli.letters import _Group, _table


def test_what_the_last_letter_says_is_told_to_its_end_on_a_narrow_terminal():
    said = Console(file=io.StringIO(), width=80)
    words = " ".join(f"word-{number}" for number in range(30))
    said.print(_table([(("not-json", "pump-01"), _Group(letters=1, detail=f"{words} [b]"))]))
    shown = said.file.getvalue()
    assert all(word in shown for word in (*words.split(), "[b]"))
