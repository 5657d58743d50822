"""What people do with warnings from the command line: which there are, and one move of one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.plain import LogProducer
from models.alerting.lifecycle import Impossible, is_waiting, moved_by
from models.alerting.wishes import Wish
from models.alerting.wording import clock, headline
from models.records import Action, Alert, AlertState, Move, decode, encode, key_of
from pipelines.cli.revisions import alerts_of
from pipelines.settings import Settings
from pipelines.topics import Topic, named

SHOWN_ID = 8
"""Letters of an id that are shown, and are enough to name one."""


SOME = 5
"""Warnings that begin alike and are named."""
OF_MOVE = {
    "until_us": ("--for", Move.SHELVE), "to": ("--to", Move.ASSIGN), "severity": ("--severity", Move.RATE),
    "order": ("--order", Move.ORDER), "outcome": ("--outcome", Move.CLOSE), "mode": ("--mode", Move.CLOSE),
    "found": ("--found", Move.CLOSE),
}  # fmt: skip
"""Options that only one move has."""


class NoMove(ValueError):
    """A move that cannot be made; the message says why and what to do."""


def latest(alerts: Iterable[Alert]) -> dict[str, Alert]:
    """The last revision of each warning, by id, in the order in which they opened; nobody acts on those of history."""
    found: dict[str, Alert] = {}
    for one in alerts:
        if not one.historical and (one.id not in found or found[one.id].revision < one.revision):
            found[one.id] = one
    return dict(sorted(found.items(), key=lambda pair: pair[1].opened_us))


def warnings_of(settings: Settings) -> dict[str, Alert]:
    """Those on the topic."""
    return latest(alerts_of(settings))


def show(settings: Settings, every: bool, console: Console, *, as_json: bool) -> None:
    """Print those that are not closed, or all of them, the most severe first."""
    found = [one for one in warnings_of(settings).values() if every or one.state is not AlertState.CLOSED]
    if as_json:
        console.out(msgspec.json.encode(found).decode(), highlight=False)
        return
    table = Table("id", "machine", "asks", "before", "severity", "state", "for", "what")
    for one in sorted(found, key=lambda one: (is_waiting(one), -one.severity, one.opened_us)):
        table.add_row(*map(escape, _cells(one)))
    console.print(table if found else "no warning is open")


def _cells(one: Alert) -> tuple[str, ...]:
    held = ", ".join(f"{hold.kind}{f' until {clock(hold.until_us)}' if hold.until_us else ''}" for hold in one.held)
    before = clock(one.act_before_us) if one.act_before_us else "-"
    state = f"{one.state} ({one.outcome.reason})" if one.outcome else str(one.state)
    asks = "say what became of it" if is_waiting(one) else str(one.advice)
    return (
        one.id[:SHOWN_ID], one.asset, asks, before, str(one.severity), f"{state}{f', {held}' if held else ''}",
        one.assigned or "-", headline(one),
    )  # fmt: skip


def act(settings: Settings, beginning: str, wish: Wish, now_us: int, console: Console) -> None:
    """Put a move on the log. Raises NoMove where it is none as the warning stands now."""
    case = named_by(beginning, warnings_of(settings))
    if not put(settings, case, wish, now_us):
        console.print(f"{case.id[:SHOWN_ID]} of {case.asset} is so already: nothing was done", highlight=False,
                      markup=False)  # fmt: skip
        return
    console.print(
        f"on the log: {wish.move} {case.id[:SHOWN_ID]} of {case.asset} by {wish.by}; its worker does the rest",
        highlight=False,
        markup=False,
    )


def put(settings: Settings, case: Alert, wish: Wish, now_us: int) -> bool:
    """Put a move on the log; False where the warning is so already, and nothing is done. Raises NoMove, NotSent."""
    action = action_of(case, wish, now_us)
    try:
        is_news = moved_by(case, action) is not None
    except Impossible as wrong:
        raise NoMove(f"{case.id[:SHOWN_ID]} of {case.asset}: {wrong}") from wrong
    if is_news:
        with LogProducer(settings.cluster) as producer:
            producer.send(named(settings.topic_prefix, Topic.RECORDS), key_of(case.plant, case.asset), encode(action))
    return is_news


def named_by(beginning: str, known: Mapping[str, Alert]) -> Alert:
    """The one warning whose id begins so. Raises NoMove for none, or several, and for no word at all."""
    if not beginning:
        raise NoMove("give the beginning of a warning's id: `forewarn alerts list` has them")
    found = [one for id_, one in known.items() if id_.startswith(beginning)]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(one.id[: len(beginning) + 4] for one in found[:SOME])
        raise NoMove(f"{len(found)} warnings begin with '{beginning}': say more of one of {some}")
    raise NoMove(f"no warning begins with '{beginning}': `forewarn alerts list --all` has their ids")


def action_of(case: Alert, wish: Wish, now_us: int) -> Action:
    """The record of it. Raises NoMove for what the log would refuse, or no move of this kind says."""
    for name, (option, move) in OF_MOVE.items():
        if getattr(wish, name) not in (None, "") and wish.move is not move:
            raise NoMove(f"{wish.move} has no {option}, {move} has: leave it out")
    action = Action(plant=case.plant, asset=case.asset, alert=case.id, time_us=now_us, **wish._asdict())
    try:
        decode(encode(action))
    except msgspec.ValidationError as wrong:
        raise NoMove(f"{wish.move} cannot be written: {wrong}") from wrong
    return action
