"""Clocks of sources for people: how far behind each is, which jumped, and what is done with the frames that wait."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

import msgspec
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.plain import LogProducer, read
from models.alerting.wording import clock as when
from models.clocks import HOUR_US, STEADY_FRAMES, Clock
from models.records import ClockDecision, Notice, NoticeKind, NoticeState, decode, encode
from pipelines.layouts import known, place_of
from pipelines.saving import clocks_of
from pipelines.settings import Settings
from pipelines.topics import Topic, named

AGAIN_EVERY = 20_000
"""The decision is told once more after so many frames sent, so that its quiet time lasts as long as they take."""

UNTIL = "until"
"""Header of a decision in quarantine: it is about the frames before this offset."""


class NothingKnown(Exception):
    """No clock of this source, or not of this asset, was ever heard."""


class Waiting(NamedTuple):
    """A frame in quarantine: where it lies there, whose it is, and by how many hours its times moved."""

    partition: int
    offset: int
    asset: str
    source: str
    hours: int


@dataclass(slots=True)
class Source:
    """What is known of one source: its clocks by asset, open questions, and frames that wait."""

    clocks: dict[str, Clock] = field(default_factory=dict)
    questions: list[Notice] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    hours: set[int] = field(default_factory=set)

    @property
    def jumped(self) -> set[str]:
        """Assets of which a question is open or frames wait."""
        return {notice.asset for notice in self.questions} | self.waiting.keys()

    @property
    def offset_s(self) -> float | None:
        """Seconds by which its times are usually behind: the median over its assets; None where none is steady."""
        steady = [clock.usual_us / 1e6 for clock in self.clocks.values() if clock.frames >= STEADY_FRAMES]
        return median(steady) if steady else None

    @property
    def shifts_h(self) -> list[float]:
        """Hours by which its times are moved; several where its assets differ."""
        return sorted({clock.shift_us / HOUR_US for clock in self.clocks.values()})


def shift_us(text: str) -> int:
    """Microseconds of a shift such as `-1h` or `+30min`. Raises ValueError, saying what is wrong."""
    found = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?)(h|min)", text)
    us = 0 if found is None else round(float(found[2]) * (HOUR_US if found[3] == "h" else HOUR_US / 60))
    if found is None or us > 24 * HOUR_US:
        raise ValueError(f"'{text}' is no shift: write it like -1h, +5.5h or +30min, up to a day")
    return -us if found[1] == "-" else us


def waiting(settings: Settings) -> tuple[list[Waiting], dict[int, int]]:
    """Frames in quarantine that nothing was decided of, in their order, and up to where each partition was read."""
    seen: set[tuple[int, bytes]] = set()
    frames: list[Waiting] = []
    decided: list[tuple[int, int, ClockDecision]] = []
    ends: dict[int, int] = {}
    for at in read(settings.cluster, named(settings.topic_prefix, Topic.QUARANTINE)):
        told = dict(at.headers)
        ends[at.partition] = at.offset + 1
        if UNTIL in told:
            decided.append((at.partition, int(told[UNTIL]), _decision(at.value or b"")))
        elif (at.partition, told["offset"]) not in seen:  # a worker that was killed tells of a frame twice
            seen.add((at.partition, told["offset"]))
            asset, source = told["asset"].decode(), told["source"].decode()
            frames.append(Waiting(at.partition, at.offset, asset, source, int(told["hours"])))
    return [one for one in frames if not any(_answers(one, *each) for each in decided)], ends


def _decision(value: bytes) -> ClockDecision:
    return msgspec.json.decode(value, type=ClockDecision)


def _answers(one: Waiting, partition: int, until: int, decision: ClockDecision) -> bool:
    mine = one.partition == partition and one.offset < until and one.source == decision.source
    return mine and (not decision.assets or one.asset in decision.assets)


def sources(settings: Settings) -> dict[str, Source]:
    """All sources that anything is known of, by name."""
    out: dict[str, Source] = defaultdict(Source)
    for asset, source, clock in _measured(settings):
        out[source].clocks[asset] = clock
    last: dict[str, Notice] = {}
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.NOTICES)):
        notice = decode(record.value or b"")
        if isinstance(notice, Notice) and notice.kind is NoticeKind.CLOCK_JUMP:
            known = last.get(notice.id)
            last[notice.id] = notice if known is None or notice.revision > known.revision else known
    for notice in last.values():
        if notice.state is NoticeState.OPEN:
            out[notice.source].questions.append(notice)
    for one in waiting(settings)[0]:
        out[one.source].waiting[one.asset] += 1
        out[one.source].hours.add(one.hours)
    return dict(sorted(out.items()))


def _measured(settings: Settings) -> Iterable[tuple[str, str, Clock]]:
    """Clocks as they were in each partition's last snapshot: asset, source, clock."""
    parts: dict[int, dict[bytes, bytes | None]] = defaultdict(dict)
    last: dict[int, str] = {}
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.STATE)):
        key = record.key or b""
        parts[record.partition][key] = record.value
        for layout in known():
            place = place_of(settings.group, record.partition, layout)
            if record.value and key == f"{place}manifest".encode():
                last[record.partition] = place
    for partition, place in sorted(last.items()):
        prefix, values = place.encode(), parts[partition]
        kept = {key[len(prefix) :].decode(): value for key, value in values.items() if key.startswith(prefix) and value}
        del kept["manifest"]
        for asset, by_source in clocks_of(kept).by_asset.items():
            yield from ((asset, source, clock) for source, clock in by_source.items())


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print every source: how far behind it usually is, and the open question of those whose clock jumped."""
    known = sources(settings)
    if as_json:
        console.out(json.dumps([_told(name, source) for name, source in known.items()]), highlight=False)
        return
    table = Table("source", "usually behind", "moved by", "jumped by", "since (UTC)", "of assets", "frames wait")
    for name, source in sorted(known.items(), key=lambda item: (not item[1].questions, not item[1].waiting, item[0])):
        behind = "-" if source.offset_s is None else f"{source.offset_s:,.1f} s"
        since = min((notice.since_us for notice in source.questions), default=None)
        table.add_row(
            escape(name),
            behind,
            _hours(source.shifts_h),
            _hours(sorted(source.hours)),
            "-" if since is None else when(since),
            escape(", ".join(sorted(source.jumped))) or "-",
            f"{sum(source.waiting.values()):,}",
        )
    console.print(table if known else "no source was heard yet")
    for notice in (notice for source in known.values() for notice in source.questions):
        console.print(f"{notice.source}, {notice.asset}: {notice.detail}", highlight=False, markup=False)


def _hours(hours: Sequence[float]) -> str:
    return ", ".join(f"{each:+g} h" for each in hours if each) or "-"


def _told(name: str, source: Source) -> dict[str, object]:
    return {
        "source": name,
        "offset_s": source.offset_s,
        "shifts_h": source.shifts_h,
        "hours": sorted(source.hours),
        "questions": [{"asset": n.asset, "since_us": n.since_us, "detail": n.detail} for n in source.questions],
        "waiting": dict(sorted(source.waiting.items())),
    }


def decide(
    settings: Settings,
    decision: ClockDecision,
    console: Console,
    agree: Callable[[str], bool],
    *,
    everything: bool = False,
) -> None:
    """Tell every partition, then send the frames that wait once more; where nothing is to be moved they are let go.

    A decision that names no assets is about those that jumped; with `everything`, about all that the source tells of.
    Raises NothingKnown for a source that was never heard, of an asset that is named.
    """
    known = sources(settings)
    if decision.source not in known:
        raise NothingKnown(f"no source '{decision.source}' was heard: there are {', '.join(known) or 'none'}")
    decision = decision if everything else _about(known[decision.source], decision)
    held, ends = waiting(settings)
    mine = {(one.partition, one.offset) for one in held if _answers(one, one.partition, one.offset + 1, decision)}
    if not agree(_question(known[decision.source], decision, len(mine))):
        console.print(f"nothing decided; {len(mine):,} frames wait", highlight=False)
        return
    topic, key, value = named(settings.topic_prefix, Topic.QUARANTINE), decision.plant.encode(), encode(decision)
    with LogProducer(settings.cluster) as producer:
        _tell(settings, producer, decision)
        if decision.shift_us is not None:
            _release(settings, producer, decision, mine, ends)
        producer.flush()
        for partition, end in ends.items():
            producer.send(topic, key, value, partition, [(UNTIL, b"%d" % end)])
    done = "let go" if decision.shift_us is None else "sent once more"
    console.print(f"decided; {len(mine):,} frames {done}", highlight=False)


def _about(source: Source, decision: ClockDecision) -> ClockDecision:
    """The decision with the assets that it is about: those it names, else those that jumped, else all there are."""
    heard = source.clocks.keys() | source.jumped
    if strangers := sorted(set(decision.assets) - heard):
        raise NothingKnown(
            f"source '{decision.source}' told nothing of {', '.join(strangers)}: it told of {', '.join(sorted(heard))}"
        )
    return decision if decision.assets else replace(decision, assets=tuple(sorted(source.jumped)))


def _question(source: Source, decision: ClockDecision, frames: int) -> str:
    which = f"of {_few(decision.assets)}" if decision.assets else "of all its assets"
    if decision.shift_us is None:
        return f"let {frames:,} frames {which} go, never to be stored?"
    hint = ""
    if others := sorted(source.clocks.keys() - source.jumped):
        taken = set(others) <= set(decision.assets) or not decision.assets
        what = "are moved as well" if taken else "stay as they are, but for those that --asset names"
        hint = f" {len(others)} of its assets did not jump and {what} ({_few(others)})."
    return (
        f"take the times {which} moved by {decision.shift_us / HOUR_US:+g} h from now on, and send {frames:,} frames "
        f"once more?{hint}"
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _tell(settings: Settings, producer: LogProducer, decision: ClockDecision) -> None:
    topic = named(settings.topic_prefix, Topic.RECORDS)
    for partition in range(settings.partitions):
        producer.send(topic, decision.plant.encode(), encode(decision), partition)


def _release(
    settings: Settings,
    producer: LogProducer,
    decision: ClockDecision,
    frames: set[tuple[int, int]],
    ends: dict[int, int],
) -> None:
    """Send these frames as they are, in their order, to the partitions that they came from."""
    topic, sent = named(settings.topic_prefix, Topic.RECORDS), 0
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.QUARANTINE), until=ends):
        if (record.partition, record.offset) not in frames:
            continue
        producer.send(topic, record.key or b"", record.value or b"", record.partition)
        sent += 1
        if sent % AGAIN_EVERY == 0:
            producer.flush()
            _tell(settings, producer, decision)
