"""Releases by hand: make a key, publish one, see what there is."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from connectors.releases import keys
from connectors.releases.registry import Registry
from models.records import Release, encode
from models.release import Channel, Manifest, Part, Role, Signature, decoded
from pipelines.cli.board import now_us, offices
from pipelines.cli.models import past_cases
from pipelines.controls.plant import names_of
from pipelines.plant_file import read_plant
from pipelines.releases.about import about_release, told
from pipelines.releases.moves import ReleaseError, Who, said_of
from pipelines.releases.publish import checked, made, published, record_of
from pipelines.settings import Settings


def make_key(name: str, to: Path, console: Console) -> None:
    """Write a new private key, readable by its owner alone, and print what workers are to trust."""
    pem, public = keys.new_key(name)
    with suppress(FileNotFoundError):
        if to.stat().st_size:
            raise ReleaseError(f"{to} is there already: a key that is lost cannot be made again, name another file")
    to.touch(mode=0o600)
    to.write_bytes(pem)
    tell([f"{to}: keep it; workers trust it by FOREWARN_RELEASE_KEYS={public}"], console)


@dataclass(frozen=True)
class Signer:
    """How a manifest is signed, and under which licence: `NAME:FILE` of a key, or nobody."""

    key: str = ""
    licence: str = ""

    def __call__(self, manifest: bytes) -> tuple[Signature, ...]:
        """Signatures of its bytes. Raises ReleaseError."""
        if not self.key:
            return ()
        name, _, path = self.key.partition(":")
        if not path:
            raise ReleaseError(
                f"--key {self.key}: write NAME:FILE, the key's name and the file of `forewarn model key`"
            )
        try:
            private = keys.load_private(Path(path).read_bytes())
        except (OSError, keys.WrongKey) as wrong:
            raise ReleaseError(f"--key {self.key}: {path}: {wrong}") from wrong
        return (keys.sign(private, name, manifest),)


def sign(settings: Settings, onnx: Path, signer: Signer, to: Path, console: Console) -> None:
    """Write the record that offers a model's files, to be published from elsewhere."""
    release = _made(settings, _files(onnx), signer)
    to.write_bytes(encode(release))
    console.print(
        f"{to}: {release.version}; forewarn model publish {onnx} --signed {to}", highlight=False, markup=False,
        soft_wrap=True,
    )  # fmt: skip


def publish(
    settings: Settings, onnx: Path, signer: Signer, console: Console, *, wanted: str = "",
    channel: Channel = Channel.CANDIDATE, by: str = "", signed: Path | None = None,
) -> None:  # fmt: skip
    """Put a model's files into the registry, offer it on the topic, and wait for what workers say.

    `wanted` is NAME or NAME.KIND that it must be for. As a candidate it runs beside the champion from then on.
    """
    files, at = _files(onnx), offices(settings)
    release = checked(_read(signed), files, at.plant.plant) if signed else _made(settings, files, signer)
    _check_wanted(decoded(bytes(release.manifest)), wanted)
    console.print(f"offering {release.version}, and waiting for workers to load it", highlight=False, markup=False)
    who = Who(by or getpass.getuser(), "a candidate is looked at beside the champion")
    tell(published(at, Registry(settings.registry_url), release, files, channel, who), console)


def _made(settings: Settings, files: Mapping[Part, bytes], signer: Signer) -> Release:
    plant = read_plant(settings.plant, settings.site).plant
    return made(plant, files, now_us(), signer.licence, signer)


def _read(signed: Path) -> Release:
    try:
        return record_of(signed.read_bytes())
    except OSError as wrong:
        raise ReleaseError(f"{signed} cannot be read: {wrong.strerror}") from wrong


def _check_wanted(manifest: Manifest, wanted: str) -> None:
    if wanted not in ("", manifest.name, f"{manifest.name}.{manifest.kind}"):
        raise ReleaseError(
            f"--for {wanted}: the file is for {manifest.name}.{manifest.kind}, as its card says: publish the right "
            "file, or export it under that name"
        )


def _files(onnx: Path) -> dict[Part, bytes]:
    paths = {Part.ONNX: onnx, Part.CARD: onnx.with_suffix(".json")}
    if past_cases(onnx).is_file():
        paths[Part.CASES] = past_cases(onnx)
    try:
        return {part: path.read_bytes() for part, path in paths.items()}
    except OSError as wrong:
        raise ReleaseError(f"{wrong.filename} cannot be read: {wrong.strerror}") from wrong


def tell(lines: Iterable[str], console: Console) -> None:
    """What was done, a line each."""
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _date(time_us: int | None) -> str:
    return "-" if time_us is None else time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(time_us / 1e6))


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print releases, what names mean, and what workers say."""
    at = offices(settings)
    board = at.board()
    if as_json:
        console.out(json.dumps(told(at, board)), highlight=False)
        return
    table = Table("release", "made", "state", "loaded", "refused")
    for one in board.releases.values():
        about = about_release(at, board, one)
        loaded = f"{at.partitions - len(board.lacking(one.version, at.partitions))}/{at.partitions}"
        table.add_row(one.version, _date(about["made_us"]), str(about["state"]), loaded, str(about["refused"]))
    console.print(table)
    for name in sorted(names_of(at.plant) - board.appointed.keys()):
        tell([said_of(name, Role.CHAMPION, "", "")], console)
    for held in board.appointed.values():
        said = said_of(held.name, held.role, held.version, held.asset_type)
        why = f": {held.why}" if held.why else ""
        tell([f"{said}: change {held.number}, {held.cause} by {held.by}{why}"], console)
