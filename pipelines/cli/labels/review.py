"""`forewarn labels review`: proposals as a table, and what a person makes of them, one by one or by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from connectors.cmms.labels import read_labels, write_labels
from models.failure.labels import Begin, Label, Outcome, Reason, State, confirmed, label_of, rejected
from models.failure.modes import MODES
from pipelines.cli.backfill.asked import moment
from pipelines.cli.labels import LabelsError
from pipelines.cli.watching import clock

SHORT = 8
"""Characters of an id that are shown, and are enough to name it where no other begins so."""
UNKNOWN = "-"
PROPOSALS_SHOWN = 50
"""Rows of the table on a terminal. Our choice."""
Ask = Callable[[str, str], str]
"""A question and what is meant by an empty answer, to the answer."""
CHOICES = "[c]onfirm, edit the [o]nset, change o[u]tcome or [m]ode, as the [d]ocument says, [r]eject, [s]kip, [q]uit"


class Decided(Struct, frozen=True, kw_only=True):
    """What was decided on the command line: ids or their beginnings, and who decides."""

    confirm: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    everything: bool = False
    by: str = ""


def decide(labels: Sequence[Label], what: Decided, at_us: int) -> tuple[Label, ...]:
    """Labels with these decisions; `everything` confirms all proposals that are not rejected. Raises LabelsError."""
    if not what.by.strip():
        raise LabelsError("who decides? give --by NAME: a label carries the name of who confirmed or rejected it")
    reject, confirm = _named(labels, what.reject), _named(labels, what.confirm)
    if both := sorted(reject & confirm):
        raise LabelsError(f"{both[0][:SHORT]} is to be confirmed and to be rejected: give it once")
    if what.everything:
        confirm |= {label.id for label in labels if label.state is State.PROPOSED} - reject
    by = what.by.strip()
    return tuple(
        rejected(label, by, at_us)
        if label.id in reject
        else confirmed(label, by, at_us)
        if label.id in confirm
        else label
        for label in labels
    )


def _named(labels: Iterable[Label], beginnings: Iterable[str]) -> set[str]:
    ids = [label.id for label in labels]
    found = set()
    for said in beginnings:
        matches = [ident for ident in ids if ident.startswith(said)]
        if len(matches) != 1 or not said:
            what = "no label begins so" if not matches else f"{len(matches)} labels begin so: give more of the id"
            raise LabelsError(f"'{said}': {what}; `forewarn labels review FILE --json` has all ids")
        found.add(matches[0])
    return found


def review_by_ids(file: Path, what: Decided, at_us: int) -> tuple[Label, ...]:
    """Decide, write, and give all labels of the file. Raises LabelsError."""
    labels = decide(read_labels(file), what, at_us)
    write_labels(file, labels)
    return labels


def review_one_by_one(file: Path, ask: Ask, by: str, now_us: Callable[[], int], console: Console) -> None:
    """Ask about each proposal; what is decided is written at once, so that an end loses nothing."""
    proposed = [label for label in read_labels(file) if label.state is State.PROPOSED]
    for number, label in enumerate(proposed, 1):
        console.print(f"\n[bold]{number} of {len(proposed)}[/]", highlight=False)
        made = _ask_about(label, ask, by, now_us, console)
        if made is None:
            return
        now = {each.id: each for each in read_labels(file)}  # an import may have been done meanwhile
        write_labels(file, (now | {label.id: made}).values())


def _ask_about(label: Label, ask: Ask, by: str, now_us: Callable[[], int], console: Console) -> Label | None:
    """The label as it was decided, or as it was if it is skipped; None to end."""
    before = label
    while True:
        console.print(_told(label))
        match ask(CHOICES, "s").strip().lower()[:1]:
            case "c":
                return confirmed(label, by, now_us())
            case "r":
                return rejected(label, by, now_us())
            case "s":
                return before
            case "q":
                return None
            case "d":
                label = label_of(label.documents)
            case choice if choice in _EDITS:
                try:
                    label = _EDITS[choice](label, ask)
                except ValueError as wrong:
                    console.print(f"[red]{escape(str(wrong))}[/]", highlight=False)
            case _:
                console.print(escape(CHOICES), highlight=False)


def _with_onset(label: Label, ask: Ask) -> Label:
    """Raises ValueError for what is no time, or times that contradict each other."""
    asked = (
        ("last_normal_us", f"end of the last normal running (UTC), {UNKNOWN} for unknown"),
        ("reported_us", "reported (UTC)"),
        ("stopped_us", f"stopped, as signals show it (UTC), {UNKNOWN} for unknown"),
        ("finished_us", f"work finished (UTC), {UNKNOWN} for unknown"),
    )
    times = {name: _time(ask(what, _shown(getattr(label, name)))) for name, what in asked}
    if times["reported_us"] is None:
        raise ValueError("a label needs the time of its report")
    for name, us in times.items():
        old = getattr(label, name)
        if _shown(us) == _shown(old):  # an answer that was left as it was shown, in minutes
            times[name] = old
    moved = times["last_normal_us"] != label.last_normal_us
    return replace(label, begin=Begin.PERSON if moved else label.begin, **times)


def _time(text: str) -> int | None:
    if text.strip() == UNKNOWN:
        return None
    us = moment(text.strip())
    if us is None:
        raise ValueError(f"'{text}' is no time: write 2026-01-31 06:00, or 2026-01-31T06:00+01:00")
    return us


def _with_outcome(label: Label, ask: Ask) -> Label:
    said = ask(f"outcome: {', '.join(Outcome)}", label.outcome).strip()
    if said not in set(Outcome):
        raise ValueError(f"'{said}' is no outcome: use one of {', '.join(Outcome)}")
    return label if said == label.outcome else replace(label, outcome=Outcome(said), reason=Reason.PERSON)


def _with_mode(label: Label, ask: Ask) -> Label:
    return replace(label, mode=ask("mode: a code of ISO 14224 such as VIB, OHE or BRD, or a word of yours", label.mode))


_EDITS: dict[str, Callable[[Label, Ask], Label]] = {"o": _with_onset, "u": _with_outcome, "m": _with_mode}


def _shown(time_us: int | None) -> str:
    return UNKNOWN if time_us is None else clock(time_us)


def _mode(mode: str) -> str:
    return f"{mode} ({MODES[mode]})" if mode in MODES else mode or UNKNOWN


def _told(label: Label) -> Table:
    """One label with all that is known of it."""
    table = Table(show_header=False, title=escape(f"{label.asset}: {label.document}"), title_justify="left")
    rows = (
        ("document", f"{label.system} {label.document}: {label.text or UNKNOWN}"),
        ("outcome", f"{label.outcome} ({label.reason})"),
        ("mode", _mode(label.mode)),
        ("component, cause", f"{label.component or UNKNOWN}, {label.cause or UNKNOWN}"),
        ("last normal running", f"{_shown(label.last_normal_us)} ({label.begin})"),
        ("reported (UTC)", _shown(label.reported_us)),
        ("stopped", _shown(label.stopped_us)),
        ("finished", _shown(label.finished_us)),
        ("note", label.note),
    )
    for name, text in rows:
        if text:
            table.add_row(name, escape(text))
    return table


def show(labels: Sequence[Label], console: Console) -> None:
    """The proposals as a table, and how many labels were decided about."""
    proposed = [label for label in labels if label.state is State.PROPOSED]
    named = Column("id", no_wrap=True, min_width=SHORT)  # to be typed again: never cut, however narrow
    head = (named, "asset", "document", "outcome", "why", "mode", "onset from (UTC)", "reported", "stopped", "finished")
    table = Table(*head, title="proposals", title_justify="left")
    for label in proposed[:PROPOSALS_SHOWN]:
        times = (label.last_normal_us, label.reported_us, label.stopped_us, label.finished_us)
        said = (label.id[:SHORT], label.asset, label.document, label.outcome, label.reason, label.mode or UNKNOWN)
        table.add_row(*map(escape, (*said, *map(_shown, times))))
    console.print(table if proposed else "no label is open")
    if (more := len(proposed) - PROPOSALS_SHOWN) > 0:
        console.print(f"and {more:,} more, which --json has", highlight=False)
    for label in proposed[:PROPOSALS_SHOWN]:
        if label.note:
            console.print(f"{label.id[:SHORT]}: {escape(label.note)}", highlight=False, soft_wrap=True)
    counts = {state: sum(label.state is state for label in labels) for state in State}
    console.print(", ".join(f"{count:,} {state}" for state, count in counts.items()), highlight=False)


def as_json(labels: Iterable[Label]) -> str:
    """All labels, for machines."""
    return msgspec.json.encode(list(labels)).decode()
