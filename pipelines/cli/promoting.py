"""`forewarn model judge`: candidates that run beside champions are judged, and promoted where a setting allows it.

What to do is decided by `step_of`, which asks nobody; all else here does it and tells it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

from models.alerting.verdict import Bars, Reason, Verdict, verdict
from models.release import Cause, Role
from pipelines.cli import faults
from pipelines.cli.board import board_of, offices
from pipelines.cli.comparing import Pair, name_of, of_live
from pipelines.cli.releasing import tell
from pipelines.releases.board import Board
from pipelines.releases.moves import ReleaseError, Who
from pipelines.settings import Settings

BY = "automatic promotion"


class Step(StrEnum):
    """What comes of a verdict."""

    PROMOTES = "promotes"
    NOT_ALLOWED = "not-allowed"
    TAKEN_BACK = "taken-back"
    CHANGED = "changed"
    STAYS = "stays"


SAID = {
    Step.PROMOTES: "{candidate} is promoted",
    Step.NOT_ALLOWED: "{candidate} would be promoted if FOREWARN_AUTO_PROMOTE named '{name}'; by hand: forewarn model "
    "promote {candidate} --by NAME",
    Step.TAKEN_BACK: "{candidate} was rolled back by a person: a person alone promotes it again",
    Step.CHANGED: "what '{name}' means was changed meanwhile: nothing is done, the next round looks anew",
    Step.STAYS: "{champion} stays",
}


class Wanted(NamedTuple):
    """A command line: one name or all that have a shadow, labels that count, and what is asked of a candidate."""

    name: str
    labels: Path | None
    bars: Bars


class Judged(NamedTuple):
    """Whom, what was found, and what comes of it."""

    pair: Pair
    verdict: Verdict
    step: Step

    @property
    def said(self) -> str:
        """In one line."""
        pair = self.pair
        what = SAID[self.step].format(name=name_of(pair.candidate), **pair._asdict())
        return f"{pair.candidate} beside {pair.champion}: {self.verdict.said}: {what}"


def step_of(reason: Reason, pair: Pair, board: Board, allowed: Collection[str]) -> Step:
    """What comes of a verdict over a pair, as the board is once it is given; `allowed` are names of models."""
    name = name_of(pair.candidate)
    champion = board.appointed.get(name)
    means = champion.version if champion else ""
    if board.version_of(name, Role.SHADOW) != pair.candidate or means not in ("", pair.champion):
        return Step.CHANGED
    if reason is not Reason.BETTER:
        return Step.STAYS
    if champion and champion.cause is Cause.ROLLED_BACK and champion.before == pair.candidate:
        return Step.TAKEN_BACK
    return Step.PROMOTES if name in allowed else Step.NOT_ALLOWED


def shadowed(board: Board, name: str = "") -> list[str]:
    """Names beside whose champion a release runs; of one alone if it is given. Raises ReleaseError where none does."""
    held = [one for one in board.appointed.values() if one.role is Role.SHADOW and one.version]
    names = sorted(one.name for one in held if name in ("", one.name))
    if not names:
        raise ReleaseError(f"no release runs beside {name or 'a champion'}: `forewarn model publish` has one do so")
    return names


def read_bars(file: Path | None) -> Bars:
    """What is asked of a candidate, from a TOML file; without one, what is usual. Raises ReleaseError."""
    if file is None:
        return Bars()
    try:
        return msgspec.toml.decode(file.read_bytes(), type=Bars)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as wrong:
        known = ", ".join(Bars.__struct_fields__)
        raise ReleaseError(f"--bars {file}: {wrong}: it may have {known}") from wrong


def judge(settings: Settings, wanted: Wanted, console: Console, errors: Console, *, as_json: bool = False) -> None:
    """One round over all names; what goes wrong with one is told, and the next goes on."""
    for name in shadowed(board_of(settings), wanted.name):
        with telling(errors, f"'{name}' is not judged"):
            judged = _judged(settings, wanted, name, errors)
            console.out(_json(judged) if as_json else judged.said, highlight=False)
            if judged.step is Step.PROMOTES:
                who = Who(BY, f"beside {judged.pair.champion} it is {judged.verdict.said}")
                tell(offices(settings).promote(judged.pair.candidate, who), errors if as_json else console)


def repeat(round_: Callable[[], None], every_s: int, errors: Console, sleep: Callable[[float], None]) -> None:
    """Rounds until the process is ended; one that fails, as while Kafka is away, is told."""
    while True:
        with telling(errors, "nothing is judged"):
            round_()
        sleep(every_s)


@contextmanager
def telling(errors: Console, what: str) -> Iterator[None]:
    """Tell the user's and the world's faults, and go on; a fault of ours is raised."""
    try:
        yield
    except Exception as fault:
        line = faults.told(fault)
        if line is None:
            raise
        errors.print(f"{what}: {line}", highlight=False, markup=False, soft_wrap=True)


def _judged(settings: Settings, wanted: Wanted, name: str, errors: Console) -> Judged:
    found = of_live(settings, wanted.labels, errors, name)
    pair, held = Pair(found.champion, found.candidate), verdict(found.trial, wanted.bars)
    return Judged(pair, held, step_of(held.reason, pair, board_of(settings), settings.auto_promoted))


def _json(judged: Judged) -> str:
    told = {"step": judged.step, "reason": judged.verdict.reason, "figures": judged.verdict.figures}
    return json.dumps({"name": name_of(judged.pair.candidate), **judged.pair._asdict(), **told})
