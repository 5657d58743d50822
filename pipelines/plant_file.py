"""The plant file on disk, or a folder of them: read at the start, and looked at again while a worker or a feed runs.

What is found counts once it was the same in two looks, since somebody may be half way through writing it. What cannot
be used is told in the log, once, with file and line, and the plant stays as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from models.inference import ModelError
from models.plant import Plant, PlantError, parse_files

_log = structlog.get_logger()

LOOK_S = 5.0
"""Seconds between two looks."""

NAME_IT = "name a plant file, or a folder of them, as the argument or by FOREWARN_PLANT"


def read_plant(path: Path, site: str | None = None) -> Plant:
    """The plant in a file, or in all *.toml of a folder; of one site alone where it is named.

    Raises PlantError naming the file.
    """
    return _plant(path, site, texts_of(path))


def _plant(path: Path, site: str | None, texts: dict[str, str]) -> Plant:
    try:
        plant = parse_files(texts)
    except PlantError as wrong:
        raise PlantError(f"{path}: {wrong}") from wrong
    try:
        return plant.of_site(site) if site else plant
    except PlantError as wrong:
        raise PlantError(f"{path}: {wrong}: set FOREWARN_SITE") from wrong


def texts_of(path: Path) -> dict[str, str]:
    """Texts by file name; a single file has none, since whoever asked knows it. Hidden files are an editor's."""
    try:
        if not path.is_dir():
            return {"": _text(path)}
        files = [file for file in sorted(path.glob("*.toml")) if not file.name.startswith(".")]
        if not files:
            raise PlantError(f"the folder has no *.toml: {NAME_IT}")
        return {file.name: _text(file) for file in files}
    except OSError as wrong:
        raise PlantError(f"the plant file {path} cannot be read ({wrong.strerror}): {NAME_IT}") from wrong
    except PlantError as wrong:
        raise PlantError(f"{path}: {wrong}") from wrong


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")  # some editors begin a file with a mark, which TOML knows nothing of
    except UnicodeDecodeError as wrong:
        raise PlantError(f"{file.name} is not UTF-8 ({wrong.reason} at byte {wrong.start}): save it as that") from wrong


class PlantFile:
    """The plant as the file last said it in a way that can be used: `plant`. Raises PlantError where it begins wrong.

    `fits` raises PlantError or ModelError for a plant that whoever runs cannot go over to.
    """

    def __init__(self, path: Path, site: str | None = None, fits: Callable[[Plant], None] | None = None) -> None:
        self._path, self._site, self._fits = path, site, fits
        texts = texts_of(path)
        self._judged: dict[str, str] | str = texts
        self._seen: dict[str, str] | str = texts
        self.plant = _plant(path, site, texts)

    @property
    def told(self) -> dict[str, str]:
        """Which plant it is, as a line of the log has it."""
        return {"plant_file": str(self._path), "plant": self.plant.plant, "plant_version": self._version}

    def look(self) -> bool:
        """Read again; whether `plant` is another now. Blocks as long as the disk takes."""
        found = self._found()
        same_twice, self._seen = found == self._seen, found
        if not same_twice or found == self._judged:
            return False
        self._judged = found
        try:
            new = self._usable(found)
        except (PlantError, ModelError) as wrong:
            _log.error("plant-file-unusable", error=str(wrong), goes_on=self._version)
            return False
        if new == self.plant:
            return False
        before, self.plant = self._version, new
        _log.info("plant-file-changed", version=self._version, before=before)
        return True

    async def follow(self, take: Callable[[Plant], None], every_s: float = LOOK_S) -> None:
        """Look for ever, and give on each plant that is another."""
        while True:
            await asyncio.sleep(every_s)
            if await asyncio.to_thread(self.look):
                take(self.plant)

    @property
    def _version(self) -> str:
        return self.plant.version

    def _found(self) -> dict[str, str] | str:
        """The texts, or why there are none."""
        try:
            return texts_of(self._path)
        except PlantError as wrong:
            return str(wrong)

    def _usable(self, found: dict[str, str] | str) -> Plant:
        if isinstance(found, str):
            raise PlantError(found)
        new = _plant(self._path, self._site, found)
        if new.plant != self.plant.plant:
            raise PlantError(
                f"{self._path}: the plant is '{new.plant}' now, but '{self.plant.plant}' runs: a plant keeps its name, "
                "and another one needs workers and feeds of its own"
            )
        if self._fits is not None:
            self._fits(new)
        return new
