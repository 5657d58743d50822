"""Releases by hand: make a key, publish one, see what there is."""

from __future__ import annotations

import getpass
import json
import time
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Raw
from rich.console import Console
from rich.table import Table

from connectors.releases import keys
from connectors.releases.registry import Registry
from models.records import Release
from models.release import Cause, Kind, Part, Role, Signature, State, decoded
from pipelines.cli.appointing import Who, Wish, appoint, said_of
from pipelines.cli.board import PATIENCE_S, ReleaseError, awaited, board_of, is_folders, listed, send, wait, why_of
from pipelines.cli.models import past_cases
from pipelines.controls.plant import names_of
from pipelines.plant_file import read_plant
from pipelines.releases.board import Board
from pipelines.releases.check import manifest_of
from pipelines.settings import Settings


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
    plant = read_plant(settings.plant, settings.site)
    files = _files(onnx)
    manifest = manifest_of(plant.plant, files, time.time_ns() // 1000, licence)
    if manifest.name not in names_of(plant):
        known = ", ".join(sorted(names_of(plant))) or "none"
        raise ReleaseError(f"no asset type of {settings.plant} has the model '{manifest.name}': there are {known}")
    there = board_of(settings).releases.get(manifest.version)
    if there is not None and decoded(bytes(there.manifest)).files != manifest.files:
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
        plant=plant.plant, name=manifest.name, version=manifest.version, manifest=Raw(content), signatures=signatures
    )
    send(settings, [release])
    console.print(f"{release.version} is offered; waiting for workers to load it", highlight=False, markup=False)
    board = wait(settings, lambda board: not awaited(board, release.version, settings.partitions))
    is_free = board.state_of(release.version) in (State.CHECKED, State.RETIRED)
    shadow = shadow and is_free and manifest.kind is Kind.FAILURE
    shadow = shadow and not is_folders(settings, board, release.name, release.version, console)
    if _told_of(board, release.version, settings.partitions, console) and shadow:
        who = Who(by or getpass.getuser(), "a candidate is looked at beside the champion")
        appoint(settings, board, Wish(release.name, Role.SHADOW, release.version, Cause.SHADOWS), who, console)


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
    if not path:
        raise ReleaseError(f"--key {signing}: write NAME:FILE, the key's name and the file of `forewarn model key`")
    try:
        private = keys.load_private(Path(path).read_bytes())
    except (OSError, keys.WrongKey) as wrong:
        raise ReleaseError(f"--key {signing}: {path}: {wrong}") from wrong
    return (keys.sign(private, name, manifest),)


def _told_of(board: Board, version: str, partitions: int, console: Console) -> bool:
    """Whether all workers have it, which is printed. Raises ReleaseError where one refuses it."""
    refused, waiting = board.refused(version), awaited(board, version, partitions)
    if refused:
        raise ReleaseError(f"{version} is refused by the workers of partitions {listed(refused)}: {why_of(refused)}")
    if waiting:
        said = (
            f"no word from the workers of partitions {listed(waiting)} after {PATIENCE_S:g} s: they load it when they "
            "run; publish it again then, to have it run beside the champion"
        )
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
    for name in sorted(names_of(read_plant(settings.plant, settings.site)) - board.appointed.keys()):
        console.print(said_of(name, Role.CHAMPION, "", ""), highlight=False, markup=False)
    for held in board.appointed.values():
        console.print(
            f"{said_of(held.name, held.role, held.version, held.asset_type)}: "
            f"change {held.number}, {held.cause} by {held.by}"
            f"{': ' if held.why else ''}{held.why}",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip


def _told(board: Board, release: Release, partitions: int) -> dict[str, object]:
    refused, state = board.refused(release.version), board.state_of(release.version)
    lacking = board.lacking(release.version, partitions)
    if state is State.CHECKED and lacking:
        state = State.REFUSED if refused else State.OFFERED
    return {
        "version": release.version, "name": release.name, "state": str(state),
        "made_us": decoded(bytes(release.manifest)).made_us,
        "not_loaded": lacking, "refused": why_of(refused) if lacking else "",
        "signed_by": [one.key for one in release.signatures],
    }  # fmt: skip
