"""What a model's name means: the file of that name, until the log says that it is a release from there on.

Beside it a release may run as its shadow, which the models have under the name of that office. What a worker has loaded
is on its shelf, by version; nothing is loaded here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from models.failure.draft import Draft
from models.failure.learned import Learned, Lister
from models.inference import ModelError
from models.plant import Plant
from models.records import ModelChange, Reject
from pipelines.controls.plant import learned_of
from pipelines.parse import Rejected
from pipelines.state import Meant

Shelf = Mapping[str, Lister]


class Known(NamedTuple):
    """Models by the names that asset types give, and by office; and what is `missing`: why, by office.

    Where a champion is missing the file of that name stands in, if there is one, and says so by its confidence. Where a
    pin is, what the name means does; for a shadow nothing does.
    """

    models: dict[str, Lister]
    missing: dict[str, str]


def known(models: Mapping[str, Lister], shelf: Shelf, meant: Mapping[str, Meant]) -> Known:
    """The models that offices mean, as far as they can be loaded."""
    out = Known(dict(models), {})
    for office, one in meant.items():
        if not one.version:
            continue
        try:
            out.models[office] = shelf[one.version]
        except KeyError as missing:
            out.missing[office] = f"release {one.version} cannot be loaded here ({missing.args[0]})"
            own = models.get(office)
            if own is not None and not isinstance(own, Draft):
                out.models[office] = own.standing_in()
    return out


class Changed(NamedTuple):
    """What offices mean after a change, the models of each asset type, and why what is missing is."""

    meant: dict[str, Meant]
    learned: dict[str, Learned]
    missing: dict[str, str]


def changed(
    change: ModelChange, plant: Plant, models: Mapping[str, Lister], shelf: Shelf, meant: Mapping[str, Meant],
    missing: Collection[str] = (),
) -> Changed | None:  # fmt: skip
    """What a change does; None for one that was overtaken. What is `missing` may be told once more.

    Raises Rejected where the release cannot be loaded or does not fit.
    """
    last = meant[change.office].number if change.office in meant else 0
    if change.number < last or (change.number == last and change.office not in missing):
        return None
    after = {**meant, change.office: Meant(change.version, change.number)}
    found = known(models, shelf, after)
    try:
        if change.office in found.missing:
            raise ModelError(
                f"{found.missing[change.office]}: `forewarn model releases` says what there is, FOREWARN_REGISTRY "
                "where it is looked for"
            )
        return Changed(after, learned_of(plant, found.models), found.missing)
    except ModelError as wrong:
        raise Rejected(Reject.MODEL_REFUSED, f"'{change.office}' stays what it was: {wrong}") from wrong
