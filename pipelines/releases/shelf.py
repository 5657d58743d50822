"""The releases that a worker has loaded, by version: fetched, checked and tried before they are here.

One is here whole or not at all. What a heart meets in the log without its having been prepared, as after a long
absence, is loaded in its step, without a trial: it was champion here before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

import structlog

from models.failure.learned import Model
from models.inference import ModelError
from models.records import Release
from models.release import Cause, Manifest, Part, Refusal, Refused, State, decoded, moved
from pipelines.releases.board import Board

_log = structlog.get_logger()

AGAIN_S = 5.0
"""Pause before a release whose files could not be fetched is tried again. Our choice."""
Files = Mapping[Part, bytes]
Told = Callable[[Release, State, State, Cause, Refused | None], Awaitable[None]]
"""Of each move: a release, from where, to where, why, and what it was refused for."""


class Loader(Protocol):
    """The steps from a release to a model. All raise Refused, and block but for `tried`."""

    def trusted(self, release: Release) -> Manifest:
        """Its manifest, if somebody signed it whose releases are taken."""
        ...

    def fetched(self, manifest: Manifest) -> Files:
        """Its files, as the manifest has them."""
        ...

    def checked(self, manifest: Manifest, files: Files, newer_than_us: int | None) -> None:
        """Look at bytes, and that it is newer than a time, if one is told."""
        ...

    async def tried(self, files: Files) -> None:
        """Load and run them in a process of its own."""
        ...

    def loaded(self, files: Files) -> Model:
        """The model of them."""
        ...


class Shelf(Mapping[str, Model]):
    """Belongs to one event loop; only `__getitem__` is called by steps, in the same thread."""

    def __init__(self, board: Board, loader: Loader, told: Told) -> None:
        self._board, self._loader, self._told = board, loader, told
        self._models: dict[str, Model] = {}
        self.refused: dict[str, str] = {}
        """Why, by version, of those that are wanted and were refused."""
        self._refused: dict[str, tuple[Release, Refusal]] = {}
        self._again_s: dict[str, float] = {}

    def __getitem__(self, version: str) -> Model:
        """The model of a version, loaded now where it is not here. Raises KeyError with the reason."""
        if version not in self._models:
            release = self._board.releases.get(version)
            if release is None:
                raise KeyError("no such release is known")
            self._check_tried(version)
            try:
                self._models[version] = self._at_once(release)
            except (Refused, ModelError) as wrong:
                raise KeyError(str(wrong)) from wrong
            _log.warning("release-loaded-late", version=version, why="the log named it before it was prepared")
        return self._models[version]

    def _check_tried(self, version: str) -> None:
        """Raise KeyError for what was looked at and is not to be loaded; one too old to be a candidate is fine."""
        if version in self.refused and self._refused[version][1] is not Refusal.OLDER_THAN_CHAMPION:
            raise KeyError(self.refused[version])

    def _at_once(self, release: Release) -> Model:
        """All but the trial."""
        manifest = self._loader.trusted(release)
        files = self._loader.fetched(manifest)
        self._loader.checked(manifest, files, None)
        return self._loader.loaded(files)

    def __contains__(self, version: object) -> bool:
        """Whether it is here, without loading it."""
        return version in self._models

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    async def keep(self, wanted: Sequence[Release]) -> None:
        """Load what is wanted and not here, one after the other, and drop what is not wanted any more."""
        versions = {one.version for one in wanted}
        self._models = {version: model for version, model in self._models.items() if version in versions}
        same = {one.version for one in wanted if one.version in self.refused and self._refused[one.version][0] == one}
        for version in set(self.refused) - same:
            del self.refused[version]  # not wanted any more, or offered anew
        now_s = asyncio.get_running_loop().time()
        for release in wanted:
            version = release.version
            if version in self._models or version in self.refused or self._again_s.get(version, now_s) > now_s:
                continue
            await self._prepare(release)

    async def _prepare(self, release: Release) -> None:
        """From offered to checked, or refused; what could not be fetched is tried again later."""
        state, loader = State.OFFERED, self._loader
        try:
            manifest = await asyncio.to_thread(loader.trusted, release)
            files = await asyncio.to_thread(loader.fetched, manifest)
            state = await self._moved(release, state, Cause.FILES_HERE)
            await asyncio.to_thread(loader.checked, manifest, files, self._newer_than(release))
            await loader.tried(files)
            model = await asyncio.to_thread(loader.loaded, files)
        except Refused as refused:
            if refused.reason is Refusal.NOT_FETCHED:
                self._again_s[release.version] = asyncio.get_running_loop().time() + AGAIN_S
                _log.warning("release-not-fetched", version=release.version, error=str(refused), again_s=AGAIN_S)
                return
            await self._refuse(release, state, refused)
            return
        except Exception as wrong:  # a hostile file must not end the worker, whatever it brings about in Python
            _log.error("release-not-foreseen", version=release.version, exc_info=wrong)
            await self._refuse(release, state, Refused(Refusal.CRASHED, f"{type(wrong).__name__}: {wrong}"))
            return
        self._again_s.pop(release.version, None)
        self._models[release.version] = model
        await self._moved(release, state, Cause.PASSED)

    async def _refuse(self, release: Release, state: State, refused: Refused) -> None:
        self.refused[release.version], self._refused[release.version] = str(refused), (release, refused.reason)
        await self._moved(release, state, Cause.FAILED, refused)

    def _newer_than(self, release: Release) -> int | None:
        """When the champion was made, of a release that is to take its place some day: one that has no office."""
        champion = self._board.appointed.get(release.name)
        held = self._board.releases.get(champion.version) if champion else None
        if held is None or release.version in self._board.held(release.name):
            return None
        return decoded(bytes(held.manifest)).made_us

    async def _moved(self, release: Release, state: State, cause: Cause, refused: Refused | None = None) -> State:
        to = moved(state, cause)
        said = {"version": release.version, "to": str(to)} | ({"why": str(refused)} if refused else {})
        (_log.warning if refused else _log.info)("release", **said)
        await self._told(release, state, to, cause, refused)
        return to
