"""What people do about a failure mode of a machine: where they look first, with what, what follows if nobody does."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from models.plant.durations import check_duration
from models.plant.errors import PlantError
from models.plant.rules import ANY_MODE


class Care(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plant's own words about a failure mode; what it does not say is empty, and nothing stands in for it.

    `spare_lead` is how long its spare takes to come, as a duration.
    """

    first_check: str = ""
    tools: tuple[str, ...] = ()
    consequence: str = ""
    safe_to_run: str = ""
    spare: str = ""
    spare_lead: str | None = None


def care_of(known: Mapping[str, Care], mode: str) -> Care:
    """What is said of a mode, and where that is silent, of any."""
    own, general = known.get(mode, Care()), known.get(ANY_MODE, Care())
    said = {name: getattr(own, name) or getattr(general, name) for name in Care.__struct_fields__}
    if own.spare:  # the lead of another spare says nothing of this one
        said["spare_lead"] = own.spare_lead
    return msgspec.structs.replace(Care(), **said)


def check_care(where: str, known: Mapping[str, Care]) -> None:
    """Raise PlantError with the place for a lead that is no duration, and for one of no spare."""
    for mode, care in known.items():
        check_duration(f"{where}.{mode}.spare_lead", care.spare_lead)
        if care.spare_lead is not None and not care.spare:
            raise PlantError(f"{where}.{mode}.spare_lead is of no spare: name it as spare, or take it out")
        if any(not tool.strip() for tool in care.tools):
            raise PlantError(f"{where}.{mode}.tools has an empty name: take it out")
