"""The guide to security says what the table of roles says, and names settings, files and commands that there are."""

from __future__ import annotations

import re
import shlex

import pytest
import typer

from pipelines.cli import app
from pipelines.roles import USERS
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

GUIDE = ROOT / "infra" / "SECURITY.md"
TEXT = GUIDE.read_text(encoding="utf-8")
COMMANDS = [
    line.strip()
    for block in re.findall(r"^ *```sh\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if "forewarn " in line
]


def rows(heading: str) -> list[list[str]]:
    section = TEXT.split(f"## {heading}")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:3] == "| `"]


@pytest.mark.parametrize("name", USERS)
def test_who_reads_and_writes_what_is_as_the_table_of_roles_says(name):
    (row,) = [row for row in rows("What talks to whom") if row[0].split("`")[1] == name]
    role = USERS[name]
    every = {"all": set(map(str, role.reads)), "all but state and deliveries": set(map(str, role.writes))}

    def said(cell: str) -> set[str]:
        return every.get(cell) or {one for one in cell.split(", ") if one}

    assert said(row[1]) == set(map(str, role.reads))
    assert said(row[2]) == set(map(str, role.writes))
    assert {one for one in row[3].split(", ") if one} == set(map(str, role.bucket))


def test_every_user_has_a_row_and_every_setting_and_link_is_there():
    assert {row[0].split("`")[1] for row in rows("What talks to whom")} == set(USERS)
    assert named_settings(TEXT) <= SETTINGS
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (GUIDE.parent / target).exists(), target


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_with_options_that_it_has(line):
    words = shlex.split(line)
    words = words[words.index("forewarn") + 1 :]
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands"), line
    command.make_context("forewarn", list(words))
