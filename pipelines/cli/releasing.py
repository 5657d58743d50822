"""Releases by hand: publish one, see what there is, have a name mean another, go back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from kafka.structs import TopicPartition
from msgspec import Raw
from rich.console import Console
from rich.table import Table

from connectors.kafka.plain import LogProducer, consumer_of
from connectors.releases import keys
from connectors.releases.registry import Registry
from models.records import Appointment, Release, ReleaseMove, encode
from models.release import Cause, Part, Role, Signature, State, decoded, moved, office
from pipelines.cli.models import past_cases
from pipelines.plant_file import read_plant
from pipelines.releases.board import PARTITION, Board, key_of
from pipelines.releases.check import manifest_of
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of

PATIENCE_S = 30.0
"""How long workers may take to load a release: under two seconds where the registry is near."""
POLL_MS = 100


class ReleaseError(Exception):
    """A release cannot be moved as asked; the message says why and what to do."""


class Who(NamedTuple):
    """Who asks for a move, and why."""

    by: str
    why: str


def make_key(name: str, to: Path, console: Console) -> None:
    """Write a new private key, readable by its owner alone, and print what workers are to trust."""
    pem, public = keys.new_key(name)
    with suppress(FileNotFoundError):
        if to.stat().st_size:
            raise ReleaseError(f"{to} is there already: a key that is lost cannot be made again, name another file")
    to.touch(mode=0o600)
    to.write_bytes(pem)
    console.print(f"{to}: keep it; workers trust it by FOREWARN_RELEASE_KEYS={public}", highlight=False, markup=False)


def publish(
    settings: Settings, onnx: Path, signing: str, licence: str, console: Console, *, by: str = "", shadow: bool = True
) -> None:
    """Put a model's files into the registry, offer it on the topic, and wait for what workers say.

    With `shadow` it runs beside the champion from then on.
    """
    plant = read_plant(settings.plant, settings.site).plant
    files = _files(onnx)
    manifest = manifest_of(plant, files, time.time_ns() // 1000, licence)
    there = board_of(settings).releases.get(manifest.version)
    if there is not None:  # offered anew: what it says stays, and it may be signed by another key
        made, manifest = manifest, decoded(bytes(there.manifest))
        if made.files != manifest.files:
            raise ReleaseError(
                f"{manifest.version} is a release already, of the same ONNX file with another card: export it anew"
            )
    content = manifest.encoded()
    signatures = _signatures(signing, content)
    registry = Registry(settings.registry_url)
    for part, file in files.items():
        if registry.put(file) != manifest.files[part]:
            raise ReleaseError(f"{onnx}: the file was changed while it was read: publish it again")
    release = Release(
        plant=plant, name=manifest.name, version=manifest.version, manifest=Raw(content), signatures=signatures
    )
    _send(settings, [release])
    console.print(f"{release.version} is offered", highlight=False, markup=False)
    board = _wait(settings, lambda board: not _awaited(board, release.version, settings.partitions))
    if _told_of(board, release.version, settings.partitions, console) and shadow:
        who = Who(by or "forewarn model publish", "a candidate is looked at beside the champion")
        _appoint(settings, board, release.name, Role.SHADOW, release.version, Cause.SHADOWS, who, console)


def _files(onnx: Path) -> dict[Part, bytes]:
    paths = {Part.ONNX: onnx, Part.CARD: onnx.with_suffix(".json")}
    if past_cases(onnx).is_file():
        paths[Part.CASES] = past_cases(onnx)
    try:
        return {part: path.read_bytes() for part, path in paths.items()}
    except OSError as wrong:
        raise ReleaseError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong


def _signatures(signing: str, manifest: bytes) -> tuple[Signature, ...]:
    if not signing:
        return ()
    name, _, path = signing.partition(":")
    try:
        private = keys.load_private(Path(path).read_bytes())
    except OSError as wrong:
        raise ReleaseError(f"--key {signing}: {path or 'no file'} cannot be read: write NAME:FILE") from wrong
    return (keys.sign(private, name, manifest),)


def promote(settings: Settings, version: str, who: Who, console: Console) -> None:
    """Have a name mean a release, once the owners of all partitions have it loaded, and wait until all have met it."""
    board = board_of(settings)
    release = board.releases.get(version)
    if release is None:
        known = ", ".join(board.releases) or "none"
        raise ReleaseError(f"no release {version}: there are {known}; `forewarn model publish` offers one")
    board = _wait(settings, lambda now: not _awaited(now, version, settings.partitions))
    _ready(board, version, settings.partitions)
    _appoint(settings, board, release.name, Role.CHAMPION, version, Cause.PROMOTED, who, console)
    beside = board.appointed.get(office(release.name, Role.SHADOW))
    if beside is not None and beside.version == version:
        _appoint(settings, board, release.name, Role.SHADOW, "", Cause.PROMOTED, who, console)


def roll_back(settings: Settings, name: str, who: Who, console: Console) -> None:
    """Have a name mean what it meant before the last change."""
    board = board_of(settings)
    champion = board.appointed.get(name)
    if champion is None:
        known = ", ".join(sorted(one.name for one in board.appointed.values() if one.role is Role.CHAMPION)) or "none"
        raise ReleaseError(f"'{name}' means the file of that name, and meant nothing before: promoted are {known}")
    if champion.before:
        _ready(board, champion.before, settings.partitions)
    _appoint(settings, board, name, Role.CHAMPION, champion.before, Cause.ROLLED_BACK, who, console)


def end_shadow(settings: Settings, name: str, who: Who, console: Console) -> None:
    """Have no release run beside a name's champion."""
    board = board_of(settings)
    if not board.version_of(name, Role.SHADOW):
        raise ReleaseError(f"no release runs beside '{name}': `forewarn model publish` has one do so")
    _appoint(settings, board, name, Role.SHADOW, "", Cause.REPLACED, who, console)


def _appoint(
    settings: Settings, board: Board, name: str, role: Role, version: str, cause: Cause, who: Who, console: Console
) -> None:  # fmt: skip
    last = board.appointed.get(office(name, role))
    said = _said(name, role, version)
    if last is not None and last.version == version:
        raise ReleaseError(f"{said} already: nothing was changed")
    one = Appointment(
        plant=board.plant, name=name, role=role, version=version, number=last.number + 1 if last else 1,
        before=last.version if last else "", cause=cause, by=who.by, why=who.why, time_us=time.time_ns() // 1000,
    )  # fmt: skip
    _send(settings, [one, *moves_of(one, board)])
    board = _wait(settings, lambda now: not now.behind(one, settings.partitions))
    behind = board.behind(one, settings.partitions)
    if behind:
        raise ReleaseError(
            f"{said} from now on, but partitions {_listed(behind)} have not met it after {PATIENCE_S:g} s: do workers "
            "run (`forewarn doctor`)? They go over by themselves"
        )
    console.print(f"{said} on all {settings.partitions} partitions", highlight=False, markup=False)


def _said(name: str, role: Role, version: str) -> str:
    if role is Role.SHADOW:
        return f"{version or 'no release'} runs beside '{name}'"
    return f"'{name}' means {version or 'the file of that name'}"


def moves_of(one: Appointment, board: Board) -> Iterator[ReleaseMove]:
    """Of the release that is appointed, and of the one whose place it takes."""
    last = board.appointed.get(one.office)
    if one.version:
        yield _move(one, one.version, board.state_of(one.version), one.cause)
    if last and last.version and not (one.role is Role.SHADOW and one.cause is Cause.PROMOTED):
        going = Cause.ROLLED_BACK if one.cause is Cause.ROLLED_BACK else Cause.REPLACED
        yield _move(one, last.version, State.CHAMPION if one.role is Role.CHAMPION else State.SHADOW, going)


def _move(one: Appointment, version: str, begin: State, cause: Cause) -> ReleaseMove:
    return ReleaseMove(
        plant=one.plant, name=one.name, version=version, begin=begin, to=moved(begin, cause), cause=cause, by=one.by,
        why=one.why, time_us=one.time_us,
    )  # fmt: skip


def _ready(board: Board, version: str, partitions: int) -> None:
    """Raise ReleaseError where a partition's owner has not loaded a release."""
    refused = board.refused(version)
    if refused:
        raise ReleaseError(f"{version} is refused by the workers of partitions {_listed(refused)}: {_why(refused)}")
    lacking = board.lacking(version, partitions)
    if lacking:
        raise ReleaseError(
            f"{version} is not loaded by the workers of partitions {_listed(lacking)} after {PATIENCE_S:g} s: do they "
            "run (`forewarn doctor`), and do they reach the registry (FOREWARN_REGISTRY)? Nothing was changed"
        )


def _awaited(board: Board, version: str, partitions: int) -> list[int]:
    """Partitions whose owners have neither loaded nor refused it."""
    refused = board.refused(version)
    return [at for at in board.lacking(version, partitions) if at not in refused]


def _told_of(board: Board, version: str, partitions: int, console: Console) -> bool:
    """Whether all workers have it, which is printed. Raises ReleaseError where one refuses it."""
    refused, waiting = board.refused(version), _awaited(board, version, partitions)
    if refused:
        raise ReleaseError(f"{version} is refused by the workers of partitions {_listed(refused)}: {_why(refused)}")
    if waiting:
        said = f"no word from the workers of partitions {_listed(waiting)} yet: they load it when they run"
    else:
        said = f"loaded by the workers of all {partitions} partitions: forewarn model promote {version} --by NAME"
    console.print(said, highlight=False, markup=False, soft_wrap=True)
    return not waiting


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print releases, what names mean, and what workers say."""
    board = board_of(settings)
    if as_json:
        said = {
            "releases": [_told(board, one, settings.partitions) for one in board.releases.values()],
            "appointed": {office: msgspec.to_builtins(one) for office, one in sorted(board.appointed.items())},
        }
        console.out(json.dumps(said), highlight=False)
        return
    table = Table("release", "made", "state", "loaded", "refused")
    for one in board.releases.values():
        told = _told(board, one, settings.partitions)
        loaded = f"{settings.partitions - len(board.lacking(one.version, settings.partitions))}/{settings.partitions}"
        made = time.strftime("%Y-%m-%d %H:%M", time.gmtime(decoded(bytes(one.manifest)).made_us / 1e6))
        table.add_row(one.version, f"{made} UTC", str(told["state"]), loaded, str(told["refused"]))
    console.print(table)
    for held in board.appointed.values():
        console.print(
            f"{_said(held.name, held.role, held.version)}: change {held.number}, {held.cause} by {held.by}"
            f"{': ' if held.why else ''}{held.why}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _told(board: Board, release: Release, partitions: int) -> dict[str, object]:
    refused, state = board.refused(release.version), board.state_of(release.version)
    if state is State.CHECKED and board.lacking(release.version, partitions):
        state = State.REFUSED if refused else State.OFFERED
    return {
        "version": release.version, "name": release.name, "state": str(state),
        "made_us": decoded(bytes(release.manifest)).made_us,
        "not_loaded": board.lacking(release.version, partitions), "refused": _why(refused),
        "signed_by": [one.key for one in release.signatures],
    }  # fmt: skip


def _why(refused: Mapping[int, str]) -> str:
    return "; ".join(sorted(set(refused.values())))


def _listed(partitions: Iterable[int]) -> str:
    return ", ".join(map(str, partitions))


def _send(settings: Settings, records: Sequence[Release | Appointment | ReleaseMove]) -> None:
    with LogProducer(settings.kafka) as producer:
        for one in records:
            if isinstance(one, ReleaseMove):
                key = f"{one.plant}/{one.name}".encode()
                place = partition_of(key, settings.partitions)
                producer.send(named(settings.topic_prefix, Topic.AUDIT), key, encode(one), place)
            else:
                producer.send(named(settings.topic_prefix, Topic.RELEASES), key_of(one), encode(one), PARTITION)


def board_of(settings: Settings) -> Board:
    """What the topic says now."""
    return next(_boards(settings))


def _wait(settings: Settings, done: Callable[[Board], bool]) -> Board:
    """The board once it is as asked, or as it is after PATIENCE_S."""
    until_s = time.monotonic() + PATIENCE_S
    for board in _boards(settings):
        if done(board) or time.monotonic() > until_s:
            return board
    raise AssertionError("the topic has no end")


def _boards(settings: Settings) -> Iterator[Board]:
    """The board as it is, and again whenever something may have come."""
    board = Board(read_plant(settings.plant, settings.site).plant)
    place = TopicPartition(named(settings.topic_prefix, Topic.RELEASES), PARTITION)
    with consumer_of(settings.kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        while True:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    board.take(record.key or b"", record.value)
            if consumer.position(place) >= end:
                yield board
