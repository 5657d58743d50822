"""Logs of the audit as processes write them, each with a chain of its own."""

from __future__ import annotations

from collections.abc import Sequence

from models.audit import after
from models.records import AuditEntry


def chain_name(process: int) -> str:
    return f"{process:032x}"


def entry(process: int, number: int) -> AuditEntry:
    """What a process has to say, not yet on its chain."""
    return AuditEntry(
        plant="tiny", chain=chain_name(process), number=0, before="", time_us=1_000 * number, by=f"caller {process}",
        role="viewer", method="GET", path=f"/api/v1/alerts?limit={number}", route="/api/v1/alerts", status=200, hash="",
    )  # fmt: skip


def log(processes: Sequence[int]) -> list[AuditEntry]:
    """Entries in the order in which processes, by number, write them."""
    out: list[AuditEntry] = []
    last: dict[int, AuditEntry] = {}
    for at, process in enumerate(processes):
        before = last.get(process, out[-1] if out else None)
        last[process] = after(before, entry(process, at))
        out.append(last[process])
    return out
