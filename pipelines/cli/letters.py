"""What could not be used: how much of what and why, each letter in full, and sent once more after a mend."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from connectors.kafka.plain import LogProducer, LogRecord, Start, read, read_at
from models.alerting.wording import clock
from models.records import DeadLetter, Reject, decode, key_of
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class Letter(NamedTuple):
    """A dead letter and where it lies; `offset` is of the record it is about, None for what never reached the log."""

    letter: DeadLetter
    arrived_ms: int
    partition: int
    offset: int | None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which letters: of one reason, of one asset, or all."""

    reason: Reject | None = None
    asset: str | None = None

    def fits(self, letter: DeadLetter) -> bool:
        """Whether a letter is one of them."""
        return self.reason in (None, letter.reason) and self.asset in (None, letter.asset)


@dataclass(slots=True)
class _Group:
    letters: int = 0
    samples: int = 0
    last_ms: int = 0
    detail: str = ""


def letters(settings: Settings, wanted: Wanted) -> Iterator[Letter]:
    """Letters on the topic now, each once: what the log repeats is told once."""
    seen: set[tuple[int, int | None, bytes]] = set()
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.DEAD_LETTERS), Start.BEGINNING):
        letter, offset = decode(record.value or b""), _offset(record)
        identity = (record.partition, offset, record.value or b"")
        if not isinstance(letter, DeadLetter) or not wanted.fits(letter) or (offset is not None and identity in seen):
            continue
        seen.add(identity)
        yield Letter(letter, record.timestamp_ms, record.partition, offset)


def _offset(record: LogRecord) -> int | None:
    told = dict(record.headers).get("offset")
    return None if told is None else int(told)


def show_groups(settings: Settings, wanted: Wanted, console: Console, *, as_json: bool) -> None:
    """Print how many letters there are of each reason and asset."""
    groups: dict[tuple[str, str], _Group] = defaultdict(_Group)
    for one in letters(settings, wanted):
        group = groups[str(one.letter.reason), one.letter.asset]
        group.letters += 1
        group.samples += len(one.letter.samples)
        if one.arrived_ms >= group.last_ms:
            group.last_ms, group.detail = one.arrived_ms, one.letter.detail
    rows = sorted(groups.items(), key=lambda item: (-item[1].letters, item[0]))
    if as_json:
        told = [
            {"reason": reason, "asset": asset, "letters": g.letters, "samples": g.samples, "last": g.detail}
            for (reason, asset), g in rows
        ]
        console.out(json.dumps(told), highlight=False)
        return
    console.print(_table(rows) if rows else "no dead letters")


def _table(rows: Sequence[tuple[tuple[str, str], _Group]]) -> Table:
    says = Column("the last one says", overflow="fold")
    table = Table("reason", "asset", "letters", "samples", "last (UTC)", says)
    for (reason, asset), g in rows:
        when = clock(g.last_ms * 1000)
        table.add_row(reason, escape(asset), f"{g.letters:,}", f"{g.samples:,}", when, escape(g.detail))
    return table


def last(found: Iterable[Letter], most: int) -> list[Letter]:
    """The last of all partitions' letters, in the order in which they arrived."""
    return sorted(found, key=lambda one: one.arrived_ms)[-most:]


def show(settings: Settings, wanted: Wanted, most: int, console: Console, *, as_json: bool) -> None:
    """Print the last letters in full."""
    for one in last(letters(settings, wanted), most):
        letter = one.letter
        if as_json:
            fields = {name: getattr(letter, name) for name in ("reason", "detail", "asset", "payload")}
            samples = [{n: getattr(s, n) for n in s.__struct_fields__} for s in letter.samples]
            console.out(json.dumps(fields | {"samples": samples, "offset": one.offset}), highlight=False)
            continue
        where = "" if one.offset is None else f"  records {one.partition}:{one.offset}"
        head = f"[bold]{letter.reason}[/]  {escape(letter.asset) or '-'}  {clock(one.arrived_ms * 1000)}{where}"
        console.print(head, highlight=False, soft_wrap=True)
        lines = [letter.detail, *(f"{s.signal} at {clock(s.time_us)}: {s.value}" for s in letter.samples)]
        for text in lines:
            console.print(f"  {text}", highlight=False, markup=False, soft_wrap=True)
        if letter.payload:
            console.print(f"  {letter.payload}", highlight=False, markup=False, soft_wrap=True)


def replay(settings: Settings, wanted: Wanted, console: Console, agree: Callable[[str], bool]) -> None:
    """Send the records that letters are about to the log once more, in their order; `agree` is asked before.

    One that names an asset goes to that asset's partition, any other to where it lay. What was stored of them is
    stored again with the same values; what the mend made good is new.
    """
    places: dict[int, dict[int, bytes]] = defaultdict(dict)
    for one in letters(settings, wanted):
        if one.offset is not None:
            asset = one.letter.asset
            places[one.partition][one.offset] = key_of(one.letter.plant, asset) if asset else b""
    count = sum(map(len, places.values()))
    if not count or not agree(f"send {count:,} records to the log once more?"):
        console.print(f"nothing sent; {count:,} records could be", highlight=False)
        return
    topic = named(settings.topic_prefix, Topic.RECORDS)
    sent = 0
    with LogProducer(settings.cluster) as producer:
        for record in read_at(settings.cluster, topic, places):
            if key := places[record.partition][record.offset]:
                producer.send(topic, key, record.value or b"")
            else:
                producer.send(topic, record.key or b"", record.value or b"", record.partition)
            sent += 1
    gone = count - sent
    console.print(
        f"{sent:,} records sent once more" + (f", {gone:,} cannot be read any more" if gone else ""),
        highlight=False,
    )
