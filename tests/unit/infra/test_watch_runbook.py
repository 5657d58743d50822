"""The runbook has a section on each notice and each alert, no others, and its commands are commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
import typer.main

from models.records import NoticeKind
from pipelines.cli import app
from pipelines.settings import Settings
from tests.unit.infra.test_watch_rules import ALERTS

TEXT = (Path(__file__).parents[3] / "infra" / "RUNBOOK.md").read_text()
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines()]
OTHERS = {"curl", "journalctl", "timedatectl"}


def test_sections_are_those_of_notices_and_alerts_and_no_others() -> None:
    assert SECTIONS.keys() == {str(kind) for kind in NoticeKind} | ALERTS.keys()
    assert len(re.findall(r"^### ", TEXT, re.MULTILINE)) == len(SECTIONS)


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_a_section_says_what_it_means_how_to_look_what_to_do_and_when_it_ends(name: str) -> None:
    section = SECTIONS[name]
    places = [section.find(f"**{part}") for part in ("Means.", "Look.", "Do.", "Ends by itself")]
    assert -1 < places[0] < places[1] < places[2] < places[3], name
    assert "```sh\n" in section[places[1] : places[2]] or "```sh\n" in section[places[2] :], name


def test_every_link_within_it_leads_somewhere() -> None:
    anchors = {name.lower() for name in SECTIONS}
    links = re.findall(r"\]\(#([^)]*)\)", TEXT)
    assert links and set(links) <= anchors
    files = re.findall(r"\]\(([^#)]+)\)", TEXT)
    assert files and all((Path(__file__).parents[3] / "infra" / file).exists() for file in files)


@pytest.mark.parametrize("line", sorted(set(COMMANDS)))
def test_every_command_is_one_that_there_is_with_such_options(line: str) -> None:
    program, *words = shlex.split(line)
    if program != "forewarn":
        assert program in OTHERS
        return
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    if words != ["--help"]:
        command.make_parser(command.context_class(command)).parse_args(args=list(words))
        arguments = [one for one in command.params if one.param_type_name == "argument" and one.required]
        given = [one for one in words if not one.startswith("-")]
        assert len(given) >= len(arguments)
        assert not hasattr(command, "commands"), line


def test_commands_in_the_prose_are_commands_too() -> None:
    commands = typer.main.get_command(app).commands
    named = set(re.findall(r"`forewarn ([a-z-]+)", TEXT))
    assert named and named <= commands.keys()


def test_settings_that_it_names_are_settings() -> None:
    named = {name.lower() for name in re.findall(r"FOREWARN_([A-Z_]+[A-Z])", TEXT)}
    assert named and named <= Settings.model_fields.keys()
