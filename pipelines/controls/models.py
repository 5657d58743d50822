"""What a model's name means: the file of that name, until the log says that it is a release from there on.

A release that a worker has loaded is on its shelf, by version; nothing is loaded here.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.failure.learned import Learned, Lister
from models.inference import ModelError
from models.plant import Plant
from models.records import ModelChange, Reject
from pipelines.controls.plant import learned_of
from pipelines.parse import Rejected
from pipelines.state import Meant

Shelf = Mapping[str, Lister]


def known(models: Mapping[str, Lister], shelf: Shelf, meant: Mapping[str, Meant]) -> dict[str, Lister]:
    """Models by the names that asset types give. Raises ModelError for a release that is not on the shelf."""
    out = dict(models)
    for name, one in meant.items():
        if not one.version:
            continue
        try:
            out[name] = shelf[one.version]
        except KeyError as missing:
            raise ModelError(
                f"release {one.version} cannot be loaded here ({missing.args[0]}): `forewarn model releases` says what "
                "there is, FOREWARN_REGISTRY where it is looked for"
            ) from missing
    return out


def changed(
    change: ModelChange, plant: Plant, models: Mapping[str, Lister], shelf: Shelf, meant: Mapping[str, Meant]
) -> tuple[dict[str, Meant], dict[str, Learned]] | None:
    """What names mean after a change, and the models of each type; None for a change that was overtaken.

    Raises Rejected where the release is not loaded or does not fit.
    """
    if change.name in meant and change.number <= meant[change.name].number:
        return None
    after = {**meant, change.name: Meant(change.version, change.number)}
    try:
        return after, learned_of(plant, known(models, shelf, after))
    except ModelError as wrong:
        raise Rejected(Reject.MODEL_REFUSED, f"'{change.name}' stays what it was: {wrong}") from wrong
