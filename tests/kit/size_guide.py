"""The examples of infra/SIZE.md as `forewarn size` prints them: `python -m tests.kit.size_guide` writes them anew."""

from __future__ import annotations

import re
import shlex

from click import unstyle
from typer.testing import CliRunner

from pipelines.cli import app
from tests.kit.guides import ROOT

GUIDE = ROOT / "infra" / "SIZE.md"
COLUMNS = "110"
NO_TERMINAL: dict[str, str | None] = dict.fromkeys(
    ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "GITHUB_ACTIONS", "PY_COLORS")
)
"""What of the surroundings has rich and typer take a pipe for a terminal, of colours or of 80 columns."""
_EXAMPLE = re.compile(r"(```sh\n(forewarn size [^\n]*)\n```\n\n```text\n)(.*?)(```)", re.DOTALL)


def printed(command: str) -> str:
    """What a command prints, without colours or spaces at the ends of lines. Raises AssertionError where it fails."""
    ran = CliRunner().invoke(app, shlex.split(command)[1:], env={**NO_TERMINAL, "COLUMNS": COLUMNS})
    assert ran.exit_code == 0, ran.output
    return "".join(f"{line.rstrip()}\n" for line in unstyle(ran.output).splitlines())


def renewed(text: str) -> str:
    """The guide with its examples as they are printed now."""
    return _EXAMPLE.sub(lambda one: one[1] + printed(one[2]) + one[4], text)


def examples(text: str) -> list[str]:
    """Its commands."""
    return [found[1] for found in _EXAMPLE.findall(text)]


if __name__ == "__main__":
    GUIDE.write_text(renewed(GUIDE.read_text()))
