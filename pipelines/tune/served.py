"""The models of defects in charge: the release that is champion of a name, else the file of that name in the folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog

from models.failure.learned import Model
from models.figures.model import FigureModel
from models.inference import ModelError
from models.release import Kind, Role
from models.tuning.tuner import Served
from pipelines.releases.follower import ReleaseFollower

_log = structlog.get_logger()


class ServedModels:
    """Belongs to one event loop; `of` may be called from another thread.

    A champion that is not loaded yet leaves the one before in charge, as for workers.
    """

    def __init__(self, follower: ReleaseFollower, in_folder: Callable[[str], Model | None]) -> None:
        self._follower, self._in_folder = follower, in_folder
        self._served: dict[str, Served] = {}
        self._wrong: dict[str, str] = {}

    async def catch_up(self) -> None:
        """Load what is released."""
        await self._follower.catch_up()

    async def follow(self) -> None:
        """Go on loading for ever."""
        await self._follower.follow()

    async def stop(self) -> None:
        """Load no more."""
        await self._follower.stop()

    def of(self, name: str) -> Served | None:
        """The model that a name means now; None where it means none yet."""
        version = self._follower.board.version_of(name, Role.CHAMPION)
        known = self._served.get(name)
        if known is not None and known.version == version:
            return known
        if not version:
            return known if known is not None and not self._was_released(known.version) else self._of_folder(name)
        if version in self._follower.shelf:
            return self._take(name, self._follower.shelf[version])
        return known

    def _was_released(self, version: str) -> bool:
        return version in self._follower.board.releases

    def _of_folder(self, name: str) -> Served | None:
        try:
            model = self._in_folder(name)
        except ModelError as wrong:
            if self._wrong.get(name) != str(wrong):
                self._wrong[name] = str(wrong)
                _log.error("model-wrong", model=name, error=str(wrong), doing="suggests nothing by it")
            return None
        return None if model is None else self._take(name, model)

    def _take(self, name: str, model: Model) -> Served | None:
        if not isinstance(model, FigureModel) or model.card.kind is not Kind.DEFECT:
            said = f"a {model.card.kind} model" if hasattr(model.card, "kind") else "no defect model"
            if self._wrong.get(name) != said:
                self._wrong[name] = said
                _log.error("model-wrong", model=name, error=said, doing="suggests nothing by it")
            return None
        inputs = tuple(one.name for one in model.card.inputs)
        served = self._served[name] = Served(model.card.version, asked(model), inputs)
        _log.info("model-serves", model=name, version=served.version)
        return served


def asked(model: FigureModel) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Chance and spread, float64 [rows] each, of float32 rows."""

    def ask(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        said = model.run(rows)
        return said["defect"][:, 0], said["spread"][:, 0]

    return ask
