"""Commands of `forewarn` in Markdown: found in blocks and in prose, and held against the command line itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
import typer.main

from pipelines.cli import app
from tests.kit.guides import blocks

CLI = typer.main.get_command(app)
MISUSE = typer.BadParameter.__base__
"""What the parser raises: Typer has a parser of its own, and does not export this class."""
BEFORE = frozenset({"sudo", "timeout", "docker", "kubectl", "nohup", "xargs", "time"})
"""Programs that are given a command to run."""
ENDS = frozenset({"|", "||", "|&", "&", "&&", ";", ";;"})
MOVES = frozenset({">", ">>", "<", "<<", "<<<", ">&", "&>", "&>>"})
SHELLS = ("", "sh", "bash", "shell")
"""First words of info strings of blocks that may have commands."""
_SETS = re.compile(r"[A-Za-z_]\w*=")
_OURS = re.compile(r"(?:.*/)?forewarn|forewarn:[\w.]+")
_INLINE = re.compile(r"(?<!`)`([^`]*\bforewarn [^`]*)`(?!`)")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A command as it is written somewhere: the words after `forewarn`. In prose it may be the beginning of one."""

    where: str
    words: tuple[str, ...]
    whole: bool = True


def written(text: str, where: str) -> Iterator[Written]:
    """All commands of a Markdown text, in blocks of a shell and in prose."""
    for block in blocks(text, where):
        if block.info.split(" ")[0] in SHELLS:
            for words in _split(block.text):
                if ours := _of(words):
                    yield Written(where=f"{where}, block of line {block.line}", words=ours)
    prose = re.sub(r"^\s*```.*?^\s*```\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    for said in _INLINE.findall(prose):
        for words in _split(" ".join(said.split())):
            if ours := _of(words):
                yield Written(where=f"{where}, `{said}`", words=ours, whole=False)


def _split(text: str) -> Iterator[list[str]]:
    """Words of each simple command; a line that no shell could read alone is read with those after it."""
    lines = text.replace("\\\n", " ").splitlines()
    while lines:
        for upto in range(1, len(lines) + 1):
            try:
                found = _words("\n".join(lines[:upto]))
            except ValueError:  # a quote is open
                continue
            break
        else:
            found, upto = [], 1
        del lines[:upto]
        one: list[str] = []
        for word in [*found, ";"]:
            if word in ENDS:
                yield one
                one = []
            else:
                one.append(word)


def _words(line: str) -> list[str]:
    read = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    read.whitespace_split = True
    return list(read)


def _of(words: list[str]) -> tuple[str, ...] | None:
    """The words behind `forewarn`, if it is what the command runs."""
    cut = next((number for number, word in enumerate(words) if word in MOVES), len(words))
    words = words[:cut]
    for at, word in enumerate(words):
        lead = [one for one in words[:at] if not _SETS.match(one)]
        if _OURS.fullmatch(word) and _runs(lead, is_image=":" in word):
            return tuple(words[at + 1 :])
    return None


def _runs(lead: list[str], *, is_image: bool) -> bool:
    """Whether what stands before it has it run; `sudo -u forewarn` names a user."""
    if is_image:
        return lead[:2] == ["docker", "run"]
    return not lead or (lead[0] in BEFORE and lead[-1] != "-u")


def wrong(command: Written) -> str | None:
    """What the command line would say against it; None where it would run it."""
    found, words = CLI, list(command.words)
    while hasattr(found, "commands") and words and not words[0].startswith("-"):
        if words[0].isupper() and not command.whole:  # in prose it stands for one of several
            return None
        if words[0] not in found.commands:
            return f"{command.where}: '{words[0]}' is no command of forewarn {' '.join(command.words)}"
        found = found.commands[words.pop(0)]
    if not command.whole:
        known = {name for one in found.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        odd = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
        return f"{command.where}: {odd} is no option" if odd else None
    if "--help" in words or "--version" in words:
        return None
    if hasattr(found, "commands"):
        return f"{command.where}: forewarn {' '.join(command.words)} is a group and no command"
    try:
        return _misused(found, command, words)
    except MISUSE as said:
        return f"{command.where}: {said.format_message()}"


def _misused(found: Any, command: Written, words: list[str]) -> str | None:
    """As the command itself takes its words, but that files may be missing. Raises MISUSE."""
    context = found.context_class(found)
    given, over, _ = found.make_parser(context).parse_args(args=[word for word in words if word != "..."])
    if over:
        return f"{command.where}: {over} is more than it takes"
    for one in found.params:
        said = given.get(one.name)
        if one.required and said in (None, ()):
            if "..." not in words:
                return f"{command.where}: {one.name} is missing"
        elif said not in (None, ()):
            try:
                one.process_value(context, said)
            except typer.BadParameter as odd:
                if not odd.message.endswith("does not exist."):
                    raise
    return None
