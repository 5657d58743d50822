"""What TOML said to structs, with the exact place where it does not fit. What the structs mean is checked elsewhere."""

from __future__ import annotations

from typing import Any

from models.misfits import Misfit, fit
from models.plant.errors import PlantError
from models.plant.plant import Plant


def fitted(content: dict[str, Any]) -> Plant:
    """The plant of a TOML content. Raises PlantError that begins with the place."""
    content = _with_times(content)
    try:
        return fit(content, Plant)
    except Misfit as wrong:
        raise PlantError(f"{wrong.place or 'the plant file does not fit'}: {wrong.what}") from wrong


def _with_times(text: dict[str, Any]) -> dict[str, Any]:
    """`valid_from` and `valid_to` of tags as microseconds; raises PlantError for a time without a zone."""
    tags = text.get("tags", [])
    if not isinstance(tags, list):
        return text
    return text | {"tags": [_with_times_of(number, tag) for number, tag in enumerate(tags)]}


def _with_times_of(number: int, tag: Any) -> Any:
    if not isinstance(tag, dict):
        return tag
    made = dict(tag)
    for said, meant in (("valid_from", "from_us"), ("valid_to", "to_us")):
        if said in tag:
            when = made.pop(said)
            if getattr(when, "tzinfo", None) is None:
                raise PlantError(
                    f"tags[{number}].{said} is {when}: write a time with its zone, as 2026-01-31T06:00:00Z"
                )
            made[meant] = round(when.timestamp() * 1_000_000)
    return made
