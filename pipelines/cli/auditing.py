"""What the audit of the HTTP API has, and whether it is whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.audit import entries_of
from models.audit import Check
from models.records import AuditEntry
from pipelines.settings import Settings


def show(settings: Settings, limit: int, console: Console, *, as_json: bool) -> None:
    """Print the last entries. Raises KafkaUnreachable, LookupError."""
    listed(entries_of(settings.cluster, settings.topic_prefix), limit, console, as_json=as_json)


def verify(settings: Settings, noted: Sequence[str], console: Console, *, as_json: bool) -> bool:
    """Print what is wrong, and the heads; whether all is well. Raises KafkaUnreachable, LookupError."""
    return checked(entries_of(settings.cluster, settings.topic_prefix), noted, console, as_json=as_json)


def listed(entries: Iterable[AuditEntry], limit: int, console: Console, *, as_json: bool) -> None:
    """The last of these, in their order."""
    last = deque(entries, maxlen=limit)
    if as_json:
        console.print_json(msgspec.json.encode(list(last)).decode())
        return
    table = Table("when (UTC)", "who", "role", "from", "status", "what")
    for one in last:
        when = datetime.fromtimestamp(one.time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
        who = one.by or "not known"
        table.add_row(*map(escape, (when, who, one.role, one.address, str(one.status), f"{one.method} {one.path}")))
        if one.left_out:
            table.add_row("", "", "", "", "", f"{one.left_out} calls before it were too many to be written")
    console.print(table)


def checked(entries: Iterable[AuditEntry], noted: Sequence[str], console: Console, *, as_json: bool) -> bool:
    """Whether nothing is wrong with these and heads noted earlier are there; what is, and where their chains end."""
    check = Check()
    for entry in entries:
        check.see(entry)
    broken, heads = check.broken(), check.heads()
    lost = [hashed for hashed in noted if not check.has(hashed)]
    if as_json:
        said: dict[str, Any] = {
            "entries": len(check),
            "broken": [one._asdict() | {"says": str(one)} for one in broken],
            "lost": lost,
            "heads": [head._asdict() for head in heads],
        }
        console.print_json(msgspec.json.encode(said).decode())
        return not broken and not lost
    lines = [f"BROKEN: {one}" for one in broken]
    lines += [f"BROKEN: no entry has the hash {hashed}, which was noted: an end was cut off" for hashed in lost]
    lines.append(f"{len(check)} entries: {f'{len(lines)} faults' if lines else 'the chains are whole'}")
    lines += [f"head: chain {one.chain} number {one.number} hash {one.hash}" for one in heads]
    lines.append("note the heads elsewhere: --noted HASH says later whether they are still there")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return not broken and not lost
