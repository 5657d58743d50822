"""Guides as programs read them: their commands, which have to be those that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from pipelines.cli import app

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide: Path) -> list[str]:
    """What stands in its ```sh blocks."""
    return _BLOCK.findall(guide.read_text())


def commands(guide: Path) -> Iterator[list[str]]:
    """The words behind `forewarn`, wherever it is called."""
    for line in "".join(blocks(guide)).splitlines():
        words = shlex.split(line, comments=True)
        for at, word in enumerate(words):
            if word == "forewarn" or word.endswith("/bin/forewarn"):
                if at + 1 < len(words) and "helm" not in words:
                    yield words[at + 1 :]
                break


def check_shell(block: str) -> None:
    """Raises AssertionError where a shell cannot read it."""
    said = subprocess.run(["sh", "-n"], input=block, text=True, capture_output=True, check=False)
    assert said.returncode == 0, f"{said.stderr}\n{block}"


def check_command(words: list[str]) -> None:
    """Raises an exception where `forewarn` has no such command or option. Nothing is run."""
    command: Any = typer.main.get_command(app)
    context, left = command.context_class(command), list(words)
    while hasattr(command, "commands") and left and not left[0].startswith("-"):
        assert left[0] in command.commands, f"there is no `forewarn {' '.join(words)}`"
        command = command.commands[left[0]]
        context, left = command.context_class(command, parent=context), left[1:]
    command.make_parser(context).parse_args(left)


def settings(guide: Path) -> set[str]:
    """Names of settings that it speaks of, without FOREWARN_."""
    return {name.lower() for name in re.findall(r"FOREWARN_([A-Z_]+)", guide.read_text())}
