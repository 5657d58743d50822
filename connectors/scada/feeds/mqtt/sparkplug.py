"""Sparkplug B sessions: births say what metrics mean, data follow in sequence, deaths make all of it bad.

Sans-IO. After Eclipse Sparkplug 3.0.0, chapters 4 to 6; `tck-id` names its numbered statements. There is no Reorder
Timeout (5.9): one broker hands on what one publisher says in order (MQTT 3.1.1 section 4.6, by topic).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec import Struct

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.mqtt.metrics import Metric, Payload, WrongValue, payload_of, value_of
from connectors.scada.feeds.mqtt.plain import MOST_US
from connectors.scada.feeds.mqtt.wire import Malformed
from models.records import Quality, Reject, Sample

NAMESPACE = "spBv1.0"
SEQUENCE = 256
"""Sequence numbers are 0 to 255 (tck-id-payloads-sequence-num-incrementing)."""
ASK_EVERY_US = 60_000_000
"""How often a node is asked for its births while it sends none: our choice."""
MOST_NODES, MOST_METRICS = 5_000, 500_000
"""Bounds of what is kept, some 200 bytes a metric: our choice."""
_QUALITY = {192: Quality.GOOD, 500: Quality.UNCERTAIN}
_OF_NODE, _OF_DEVICE = ("NBIRTH", "NDATA", "NDEATH"), ("DBIRTH", "DDATA", "DDEATH")
_NOT_READ = ("NCMD", "DCMD")
CONTROL = ("Node Control/", "Device Control/")


class Doubt(NamedTuple):
    """A node whose births are needed anew, and why; `again` if that was said before."""

    group: str
    edge: str
    why: str
    again: bool


class Seen(NamedTuple):
    """What a message held, and the nodes it makes doubtful."""

    read: Read
    doubts: tuple[Doubt, ...] = ()


class Born(Struct, frozen=True, kw_only=True):
    """What the births of an edge node said: by device ('' is itself) and metric's name, its alias and datatype."""

    group: str
    edge: str
    bdseq: Sample
    metrics: dict[str, dict[str, tuple[int | None, int]]]


class _At(NamedTuple):
    """Where and when a message is: its node, its device ('' for the node), kind, and arrival."""

    group: str
    edge: str
    device: str
    kind: str
    arrived_us: int

    def address(self, *names: str) -> str:
        return "/".join(name for name in (self.group, self.edge, *names) if name)


@dataclass(slots=True)
class _Node:
    seq: int = 0
    bdseq: Sample = None
    is_alive: bool = False
    is_sure: bool = False
    asked_us: int | None = None
    aliases: dict[int, tuple[str, str]] = field(default_factory=dict)
    types: dict[str, dict[str, int]] = field(default_factory=dict)
    is_restored: bool = False

    def born(self, group: str, edge: str) -> Born:
        aliases = {whose: alias for alias, whose in self.aliases.items()}
        metrics = {
            device: {name: (aliases.get((device, name)), datatype) for name, datatype in types.items()}
            for device, types in self.types.items()
        }
        return Born(group=group, edge=edge, bdseq=self.bdseq, metrics=metrics)


class Sessions:
    """All edge nodes as far as their messages tell. Never raises on what they send."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], _Node] = {}
        self._metrics = 0
        self._changed: set[tuple[str, str]] = set()

    def changed(self) -> list[Born]:
        """Of the nodes whose births said something new since the last call, all that is known."""
        changed, self._changed = self._changed, set()
        return [self._nodes[which].born(*which) for which in sorted(changed)]

    def restore(self, born: Born) -> None:
        """Know a node from before: alive, and doubtful until its next birth, since some may have been missed."""
        count = sum(map(len, born.metrics.values()))
        if len(self._nodes) >= MOST_NODES or self._metrics + count > MOST_METRICS:
            return
        node = self._nodes[born.group, born.edge] = _Node(bdseq=born.bdseq, is_alive=True, is_restored=True)
        self._metrics += count
        for device, metrics in born.metrics.items():
            node.types[device] = {name: datatype for name, (_, datatype) in metrics.items()}
            node.aliases |= {alias: (device, name) for name, (alias, _) in metrics.items() if alias is not None}

    def read(self, topic: str, data: bytes, arrived_us: int) -> Seen:
        """What a message holds; STATE and commands hold nothing for us."""
        levels = topic.split("/")
        if levels[:2] == [NAMESPACE, "STATE"] or levels[2:3] in ([kind] for kind in _NOT_READ):
            return Seen(Read())
        kinds = {4: _OF_NODE, 5: _OF_DEVICE}.get(len(levels), ())
        if levels[0] != NAMESPACE or levels[2:3] == [] or levels[2] not in kinds or "" in levels:
            return _refused(Reject.UNREADABLE, f"'{topic}' is no topic of Sparkplug B", data)
        at = _At(levels[1], levels[3], levels[4] if len(levels) == 5 else "", levels[2], arrived_us)
        try:
            message = payload_of(data)
        except Malformed as wrong:
            return _refused(Reject.UNREADABLE, f"'{topic}' is no Sparkplug B payload: {wrong}", data)
        return self._step(at, message, data)

    def _step(self, at: _At, message: Payload, data: bytes) -> Seen:
        node = self._nodes.get((at.group, at.edge))
        if at.kind == "NDEATH":
            return Seen(Read(_node_death(at, node, message) if node else ()))
        if node is None:
            if len(self._nodes) >= MOST_NODES:
                return _refused(Reject.TOO_LARGE, f"'{at.address()}' is one edge node over {MOST_NODES}", data)
            node = self._nodes[at.group, at.edge] = _Node()
        doubts = () if at.kind == "NBIRTH" else _follow(at, node, message.seq)
        if at.kind == "DDEATH":
            time_us = _time_us(message.time_ms) or at.arrived_us
            return Seen(Read(list(_dead(at, node, [at.device], time_us))), doubts)
        if at.kind in ("NBIRTH", "DBIRTH") and not self._born(at, node, message):
            return _refused(Reject.TOO_LARGE, f"'{at.address(at.device)}': over {MOST_METRICS} metrics in all", data)
        return _data(at, node, message, data, doubts)

    def _born(self, at: _At, node: _Node, message: Payload) -> bool:
        """Take in a birth: it replaces all that was known of the node, or of the device. False if it is too much."""
        before = node.bdseq, node.aliases, dict(node.types)
        gone = list(node.types) if at.kind == "NBIRTH" else [at.device]
        self._metrics -= sum(len(node.types.pop(device, {})) for device in gone)
        node.aliases = {alias: whose for alias, whose in node.aliases.items() if whose[0] not in gone}
        named = {metric.name: metric for metric in message.metrics if metric.name}
        fits = self._metrics + len(named) <= MOST_METRICS
        if fits:
            node.types[at.device] = {name: metric.datatype for name, metric in named.items()}
            node.aliases |= {m.alias: (at.device, name) for name, m in named.items() if m.alias is not None}
            self._metrics += len(named)
        if at.kind == "NBIRTH":
            node.seq, node.bdseq = message.seq, _bdseq(message)
            node.is_alive, node.is_sure, node.asked_us, node.is_restored = True, fits, None, False
        if before != (node.bdseq, node.aliases, node.types):
            self._changed.add((at.group, at.edge))
        return fits


def _refused(reason: Reject, detail: str, data: bytes) -> Seen:
    return Seen(Read(unread=(Unread(reason, detail, data),)))


def _follow(at: _At, node: _Node, seq: int) -> tuple[Doubt, ...]:
    """Check the sequence; a gap leaves the node doubtful until its next birth."""
    expected, node.seq = (node.seq + 1) % SEQUENCE, seq
    if node.is_restored:
        return _doubt(at, node, "its birth is from before this start, and some since may have been missed")
    if not node.types or not node.is_alive:
        return _doubt(at, node, "it sends data, but no birth of it is known")
    if seq != expected:
        return _doubt(at, node, f"sequence number {seq} came where {expected} was due: messages are missing")
    return () if node.is_sure else _doubt(at, node, "it was asked for a birth and sent none")


def _doubt(at: _At, node: _Node, why: str) -> tuple[Doubt, ...]:
    node.is_sure = False
    again = node.asked_us is not None
    if node.asked_us is not None and at.arrived_us - node.asked_us < ASK_EVERY_US:
        return ()
    node.asked_us = at.arrived_us
    return (Doubt(at.group, at.edge, why, again),)


def _data(at: _At, node: _Node, message: Payload, data: bytes, doubts: tuple[Doubt, ...]) -> Seen:
    readings: list[Reading] = []
    refused: dict[Reject, list[str]] = defaultdict(list)
    for metric in message.metrics:
        name, datatype = _meaning(at, node, metric)
        if name is None:
            refused[Reject.UNKNOWN_TAG].append(f"no birth of '{at.address(at.device)}' has alias {metric.alias}")
            doubts += _doubt(at, node, f"alias {metric.alias} was in none of its births")
        elif name != "bdSeq" and not name.startswith(CONTROL):
            try:
                readings.append(_reading(at, node, message, metric._replace(name=name, datatype=datatype)))
            except _NoTime as wrong:
                refused[Reject.NO_TIME].append(f"'{at.address(at.device, name)}': {wrong}")
            except WrongValue as wrong:
                refused[Reject.WRONG_KIND].append(f"'{at.address(at.device, name)}': {wrong}")
    unread = [Unread(why, f"{texts[0]} ({len(texts)} metrics alike)", data) for why, texts in refused.items()]
    return Seen(Read(readings, unread), doubts)


def _meaning(at: _At, node: _Node, metric: Metric) -> tuple[str | None, int]:
    """A metric's name, by its alias where it has none, and its datatype, from the birth where it says none."""
    name = metric.name or None
    if name is None and metric.alias is not None:
        device, known = node.aliases.get(metric.alias, ("", None))
        name = known if device == at.device else None
    return name, metric.datatype or node.types.get(at.device, {}).get(name or "", 0)


class _NoTime(ValueError):
    pass


def _reading(at: _At, node: _Node, message: Payload, metric: Metric) -> Reading:
    """Raises WrongValue or _NoTime. Without a datatype a number may be of either sign: it is uncertain."""
    time_us = _time_us(message.time_ms if metric.time_ms is None else metric.time_ms)
    if time_us is None:
        raise _NoTime("neither the metric nor its message has a time from 1970 on")
    address = at.address(at.device, metric.name or "")
    quality = Quality.GOOD if metric.quality is None else _QUALITY.get(metric.quality, Quality.BAD)
    if metric.is_null or metric.value is None or quality is Quality.BAD:
        return Reading(address, time_us, None, Quality.BAD)
    value = value_of(metric.datatype, metric.value)
    if isinstance(value, float) and value - value != 0:  # a NaN or an infinity
        return Reading(address, time_us, None, Quality.BAD)
    if not node.is_sure or metric.datatype == 0:
        quality = Quality.UNCERTAIN
    return Reading(address, time_us, value, quality)


def _time_us(time_ms: int | None) -> int | None:
    return None if time_ms is None or time_ms * 1_000 >= MOST_US else time_ms * 1_000


def _bdseq(message: Payload) -> Sample:
    for metric in message.metrics:
        if metric.name == "bdSeq" and metric.value:
            try:
                return value_of(metric.datatype, metric.value)
            except WrongValue:
                return None
    return None


def _node_death(at: _At, node: _Node, message: Payload) -> list[Reading]:
    """All metrics of the node and its devices as bad, at the time of arrival; nothing if it is another session's.

    The message itself was written when the node connected, so its own time would be before the data: a host takes its
    own clock (tck-id-operational-behavior-edge-node-termination-host-action-ndeath-node-offline).
    """
    if not node.is_alive or _bdseq(message) != node.bdseq:
        return []
    node.is_alive = node.is_sure = False
    return list(_dead(at, node, sorted(node.types), at.arrived_us))


def _dead(at: _At, node: _Node, devices: list[str], time_us: int) -> Iterator[Reading]:
    for device in devices:
        for name in node.types.get(device, ()):
            if name != "bdSeq" and not name.startswith(CONTROL):
                yield Reading(at.address(device, name), time_us, None, Quality.BAD)
