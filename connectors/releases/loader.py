"""From a release to a model, as a worker goes: whose it is, its files, their bytes, a trial in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import structlog

from connectors.releases import keys
from connectors.releases.registry import Cached
from models.failure.learned import Lister, Model, load, warm
from models.figures.model import FigureModel
from models.records import Release
from models.release import Kind, Manifest, Part, Refusal, Refused, decoded
from pipelines.releases import trial
from pipelines.releases.check import Wanted, examine
from pipelines.releases.measure import BATCH
from pipelines.releases.shelf import Files

_log = structlog.get_logger()

WARM_ROWS = (1, BATCH)
"""Rows of the runs before a model counts: a lone machine's, and a whole batch's."""
Load = Callable[[bytes, bytes, bytes], Model]


class ReleaseLoader:
    """A `pipelines.releases.shelf.Loader`.

    Releases of hazards and health models look at what the folder's model of that name looks at; those that give figures
    bring their own list of inputs.
    """

    def __init__(
        self,
        files: Cached,
        trusted: keys.Keys,
        models: Mapping[str, Lister],
        *,
        unsigned: bool,
        kinds: Callable[[], Mapping[str, Kind]],
        load: Load = load,
    ) -> None:
        """`trusted` are keys whose releases are taken, with `unsigned` those that nobody signed, too.

        `kinds` gives the kind of model that each name of the plant is of.
        """
        self._files, self._keys, self._models, self._unsigned = files, trusted, models, unsigned
        self._kinds, self._load = kinds, load

    def trusted(self, release: Release) -> Manifest:
        """Its manifest. Raises Refused."""
        content = bytes(release.manifest)
        keys.check(content, release.signatures, self._keys, self._unsigned)
        manifest = decoded(content)
        if (manifest.plant, manifest.name, manifest.version) != (release.plant, release.name, release.version):
            raise Refused(
                Refusal.REPLAYED,
                f"its manifest was made for {manifest.version} of plant '{manifest.plant}': publish it for this one",
            )
        return manifest

    def fetched(self, manifest: Manifest) -> Files:
        """Its files, from the cache or the registry. Raises Refused."""
        return {part: self._files.get(file) for part, file in manifest.files.items()}

    def checked(self, manifest: Manifest, files: Files, newer_than_us: int | None) -> None:
        """Raise Refused where its bytes are not what they must be, or it is older than it may be."""
        own = self._models.get(manifest.name)
        kind = self._kinds().get(manifest.name, manifest.kind)  # of a name that the plant has no more, nothing is asked
        features = None if own is None or isinstance(own, FigureModel) else own.spec.sha256
        examine(manifest, files, Wanted(kind, features), newer_than_us)

    async def tried(self, files: Files) -> None:
        """Raise Refused where a process that loads and runs it ends badly."""
        with TemporaryDirectory(prefix="forewarn-trial-") as folder:
            await asyncio.to_thread(trial.lay, Path(folder), files)
            found = await trial.tried(Path(folder))
        _log.info("release-tried", **msgspec.structs.asdict(found))

    def loaded(self, files: Files) -> Model:
        """The model, which ran before. Raises ModelError."""
        model = self._load(files[Part.ONNX], files[Part.CARD], files.get(Part.CASES, b""))
        warm(model, WARM_ROWS)
        return model
