"""`forewarn labels import`: lists of a maintenance system into a file of labels, and what could not be used of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.cmms.labels import read_labels, write_labels
from connectors.cmms.maps import maps_of
from connectors.cmms.reader import Read, read, read_equipment
from models.failure.labels import Begin, Label
from models.failure.merging import Change, Merged, merged
from pipelines.cli.labels.signals import with_stops
from pipelines.main import read_plant
from pipelines.settings import Settings

LETTERS_SHOWN = 20


class Asked(Struct, frozen=True, kw_only=True):
    """A command line."""

    files: tuple[Path, ...]
    system: str
    labels: Path
    maps: tuple[Path, ...] = ()
    equipment: Path | None = None
    zone: str = ""
    signals: str | None = None


def import_labels(settings: Settings, asked: Asked, console: Console, errors: Console, *, as_json: bool) -> int:
    """Read, merge, look for stops, write, tell; the exit status: 1 where not all could be used."""
    plant = read_plant(settings.plant, settings.site)
    equipment = read_equipment(asked.equipment) if asked.equipment else None
    found = read(asked.files, asked.system, maps_of(asked.system, asked.maps), plant, equipment, asked.zone)
    known = read_labels(asked.labels) if asked.labels.exists() else ()
    made = merged(known, found.documents)
    if asked.signals is not None:
        made = made._replace(labels=with_stops(settings, made.labels, asked.signals, errors))
    write_labels(asked.labels, made.labels)
    if as_json:
        console.out(msgspec.json.encode(_document(asked, found, made)).decode(), highlight=False)
    else:
        _show(asked, found, made, console)
    return int(bool(found.letters))


def of_import(made: Merged) -> list[Label]:
    """The labels that an import was about."""
    return [label for label in made.labels if label.id in made.changes]


def _document(asked: Asked, found: Read, made: Merged) -> dict[str, Any]:
    mine = of_import(made)
    changes = Counter(made.changes.values())
    return {
        "labels": str(asked.labels),
        "rows": found.rows,
        "used": found.used,
        "void": found.void,
        **{change.value: changes[change] for change in Change},
        "outcomes": Counter(label.outcome.value for label in mine),
        "states": Counter(label.state.value for label in made.labels),
        "begins": Counter(label.begin.value for label in mine if label.breakdown),
        "trouble": [{"reason": letter.reason.value, "detail": letter.detail} for letter in found.letters],
    }


def _show(asked: Asked, found: Read, made: Merged, console: Console) -> None:
    mine, changes = of_import(made), Counter(made.changes.values())
    table = Table("outcome", "why", "labels", title=escape(f"documents of {asked.system}"), title_justify="left")
    for (outcome, reason), count in sorted(Counter((one.outcome, one.reason) for one in mine).items()):
        table.add_row(outcome, reason, f"{count:,}")
    if mine:
        console.print(table)
    said = [
        f"{found.rows:,} rows: {found.used:,} used"
        + (f", {found.void:,} of void documents, whose labels are rejected" if found.void else ""),
        f"{asked.labels}: {changes[Change.NEW]:,} new, {changes[Change.CHANGED]:,} changed, "
        f"{changes[Change.SAME]:,} as they were; {_states(made.labels)}",
        *_onsets(mine),
    ]
    for line in said:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for letter in found.letters[:LETTERS_SHOWN]:
        console.print(f"[red]{letter.reason}[/] {escape(letter.detail)}", highlight=False, soft_wrap=True)
    if len(found.letters) > LETTERS_SHOWN:
        console.print(f"and {len(found.letters) - LETTERS_SHOWN:,} more, which --json tells", highlight=False)
    if found.letters:
        console.print(
            "[bold red]not all could be used[/]: mend the map or the files, and import again", highlight=False
        )
    console.print(f"next: forewarn labels review {asked.labels}", highlight=False, markup=False, soft_wrap=True)


def _states(labels: Sequence[Label]) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in sorted(Counter(one.state for one in labels).items()))


def _onsets(labels: Sequence[Label]) -> list[str]:
    """What is known of the begins of breakdowns' onsets, and what would tell more."""
    begins = Counter(label.begin for label in labels if label.breakdown)
    said = []
    if begins[Begin.SEEN]:
        said.append(f"the onset of {begins[Begin.SEEN]:,} breakdowns begins where signals show the last normal running")
    if begins[Begin.RAN_ON]:
        said.append(
            f"signals show {begins[Begin.RAN_ON]:,} running when they were reported broken: look at their dates"
        )
    if begins[Begin.NO_STOP]:
        said.append(f"signals show no stop of {begins[Begin.NO_STOP]:,} breakdowns: look at their dates")
    if begins[Begin.NOT_SEEN]:
        said.append(f"signals show no running before {begins[Begin.NOT_SEEN]:,} breakdowns: their onset has no begin")
    if begins[Begin.NO_SIGNALS]:
        said.append(
            f"without signals nobody knows when the onset of {begins[Begin.NO_SIGNALS]:,} breakdowns began: give "
            "--signals build/backfill/NAME, or --signals influx"
        )
    return said
