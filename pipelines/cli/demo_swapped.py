"""The demo's swap: a signed release takes the champion's place while rows stream in, and nothing restarts.

The release is the starter's own trees under another version, so that warnings before and after can be held against
each other: what is shown is the swap, and no better model.
"""

from __future__ import annotations

import json
import shutil
import time
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

from rich.console import Console

from connectors.kafka.clients import KafkaUnreachable
from connectors.kafka.plain import NotSent
from connectors.releases.keys import new_key
from connectors.releases.registry import RegistryError
from models.release import Channel, Refused
from pipelines.cli.board import offices
from pipelines.cli.releasing import Signer, publish
from pipelines.releases.moves import ReleaseError, Who
from pipelines.settings import STARTER, Settings

NAME, KEY = "pump", "demo"
WHO = Who("demo", "to show a swap on a running plant")
_DOC_STRING = 6 << 3 | 2
"""ModelProto.doc_string, of a length (onnx.proto): what is written again at the end of a message takes its place."""


class Swapped(NamedTuple):
    """Versions before and after, and how long loading and promoting took, workers and all; or why it was not done."""

    before: str = ""
    after: str = ""
    loaded_s: float = 0.0
    promoted_s: float = 0.0
    why: str = ""


class Swap:
    """Prepared before the worker starts, which is told whose releases to take; then done once, beside the stream."""

    def __init__(self, settings: Settings, build: Path) -> None:
        self._folder = build / "release"
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        pem, public = new_key(KEY)
        self._key = self._folder / "key.pem"
        self._key.touch(mode=0o600)
        self._key.write_bytes(pem)
        self.settings = settings.model_copy(
            update={"release_keys": public, "registry": str((self._folder / "registry").absolute())}
        )
        self._found = Swapped(why="the stream ended before it")
        self._thread: Thread | None = None
        self._may_promote = Event()

    def offer(self) -> None:
        """Begin it, once: workers are to load the release."""
        if self._thread is None:
            self._thread = Thread(target=self._do)
            self._thread.start()

    def promote(self) -> None:
        """Now, or as soon as it is loaded."""
        self._may_promote.set()

    def wait(self) -> Swapped:
        """What came of it."""
        self.promote()
        if self._thread is not None:
            self._thread.join()
        return self._found

    def _do(self) -> None:
        try:
            self._found = self._swapped()
        except (ReleaseError, Refused, RegistryError, KafkaUnreachable, NotSent, OSError) as fault:
            self._found = Swapped(why=str(fault))

    def _swapped(self) -> Swapped:
        before, onnx = json.loads((STARTER / f"{NAME}.json").read_text())["sha256"], self._renamed()
        after = _version(sha256(onnx.read_bytes()).hexdigest())
        began_s = time.monotonic()
        signer, quiet = Signer(f"{KEY}:{self._key}"), Console(quiet=True)
        publish(self.settings, onnx, signer, quiet, channel=Channel.SPARE, by=WHO.by)
        loaded_s = time.monotonic() - began_s
        self._may_promote.wait()
        began_s = time.monotonic()
        offices(self.settings).promote(after, WHO)
        return Swapped(_version(before), after, loaded_s, time.monotonic() - began_s)

    def _renamed(self) -> Path:
        """The starter's files with another text of what they are, so another version."""
        told = b"the starter's own trees, offered again to show a swap"
        made = (STARTER / f"{NAME}.onnx").read_bytes() + bytes([_DOC_STRING, len(told)]) + told
        card = json.loads((STARTER / f"{NAME}.json").read_text()) | {"sha256": sha256(made).hexdigest()}
        (self._folder / f"{NAME}.json").write_text(json.dumps(card))
        shutil.copy(STARTER / f"{NAME}.cases.json", self._folder)
        onnx = self._folder / f"{NAME}.onnx"
        onnx.write_bytes(made)
        return onnx


def _version(digest: str) -> str:
    return f"{NAME}@{digest[:12]}"


def line(found: Swapped, forecasts: int) -> str:
    """In words; `forecasts` are those made by the new version."""
    if found.why:
        return f"[red]no swap:[/] {found.why}"
    return (
        f"a model was swapped in while rows came: {found.before} to {found.after}, the same trees, signed; loaded by "
        f"all in {found.loaded_s:.1f} s, promoted in {found.promoted_s:.1f} s; {forecasts:,} forecasts are its own"
    )
