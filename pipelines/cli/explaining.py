"""`forewarn alerts explain`: a warning made again from its bundle, and whether it is what was told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.alerting.explained import Check, explained
from models.alerting.wording import clock, headline
from models.failure.hazard import Hazard
from models.records import Alert
from pipelines.cli.acting import NoMove, named_by
from pipelines.cli.released import place_of
from pipelines.cli.revisions import Revision, revisions_of
from pipelines.plant_file import read_plant
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings


class Found(NamedTuple):
    """A revision of a warning and where it stands: on the topic, and what of the log brought it about."""

    alert: Alert
    partition: int
    offset: int
    of_record: str


def explain(settings: Settings, beginning: str, revision: int | None, console: Console, *, as_json: bool) -> bool:
    """Print what is made again of a revision, the last that evidence moved if not said; whether nothing is otherwise.

    Raises NoMove for an id that names none.
    """
    found = _found(revisions_of(settings), beginning, revision)
    checks = explained(found.alert, read_plant(settings.plant, settings.site), _model(settings, found.alert))
    if as_json:
        said = {"alert": found.alert, "record": found.of_record, "checks": [one._asdict() for one in checks]}
        console.out(msgspec.json.encode(said).decode(), highlight=False)
    else:
        _show(found, checks, console)
    return all(one.matches is not False for one in checks)


def _found(told: Iterable[Revision], beginning: str, revision: int | None) -> Found:
    every: dict[str, dict[int, Found]] = {}
    for alert, record in told:
        of = dict(record.headers).get("offset", b"").decode()
        where = Found(alert, record.partition, record.offset, of)
        every.setdefault(alert.id, {}).setdefault(alert.revision, where)
    last = {ident: of[max(of)].alert for ident, of in every.items()}
    mine = every[named_by(beginning, last).id]
    if revision is None:
        return next((mine[at] for at in sorted(mine, reverse=True) if not mine[at].alert.by), mine[min(mine)])
    if revision not in mine:
        raise NoMove(f"it has no revision {revision}: the topic has {min(mine)} to {max(mine)}")
    return mine[revision]


def _model(settings: Settings, alert: Alert) -> Hazard | None:
    """The model that it names; None where it names none, or no place has it."""
    if not alert.model:
        return None
    try:
        folder, stem = place_of(settings, alert.model)
    except ReleaseError:
        return None
    cases = folder / f"{stem}.cases.json"
    onnx, card = ((folder / f"{stem}.{end}").read_bytes() for end in ("onnx", "json"))
    return Hazard.load(onnx, card, cases.read_bytes() if cases.is_file() else b"")


_SAYS = {True: "yes", False: "NO", None: "not known"}


def _show(found: Found, checks: Sequence[Check], console: Console) -> None:
    alert = found.alert
    console.print(
        f"{alert.asset}, {clock(alert.window_end_us)}, revision {alert.revision}, {alert.reason}: {headline(alert)}\n"
        f"on alerts, partition {found.partition}, offset {found.offset}; made by the record at offset "
        f"{found.of_record or 'unknown'} of records",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    table = Table("what", "told", "made again", "matches")
    for one in checks:
        table.add_row(*map(escape, (one.what, one.told, one.again, _SAYS[one.matches])))
    console.print(table)
