"""What a model's name means: the file of that name, until the log says that it is a release from there on.

Beside it a release may run as its shadow, which the models have under the name of that office. What a worker has loaded
is on its shelf, by version; nothing is loaded here.
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
    """Models by the names that asset types give, and by office. Raises ModelError for a release not on the shelf."""
    out = dict(models)
    for office, one in meant.items():
        if not one.version:
            continue
        try:
            out[office] = shelf[one.version]
        except KeyError as missing:
            raise ModelError(
                f"release {one.version} cannot be loaded here ({missing.args[0]}): `forewarn model releases` says what "
                "there is, FOREWARN_REGISTRY where it is looked for"
            ) from missing
    return out


def changed(
    change: ModelChange, plant: Plant, models: Mapping[str, Lister], shelf: Shelf, meant: Mapping[str, Meant]
) -> tuple[dict[str, Meant], dict[str, Learned]] | None:
    """What offices mean after a change, and the models of each type; None for a change that was overtaken.

    Raises Rejected where the release is not loaded or does not fit.
    """
    if change.office in meant and change.number <= meant[change.office].number:
        return None
    after = {**meant, change.office: Meant(change.version, change.number)}
    try:
        return after, learned_of(plant, known(models, shelf, after))
    except ModelError as wrong:
        raise Rejected(Reject.MODEL_REFUSED, f"'{change.office}' stays what it was: {wrong}") from wrong
