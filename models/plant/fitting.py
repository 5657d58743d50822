"""What TOML said to structs, with the exact place where it does not fit. What the structs mean is checked elsewhere."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from models.plant.errors import PlantError
from models.plant.plant import Plant

_STEP = re.compile(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+")
_UNKNOWN = re.compile(r"Object contains unknown field `(.+)`")


def fitted(content: dict[str, Any]) -> Plant:
    """The plant of a TOML content. Raises PlantError that begins with the place."""
    content = _with_times(content)
    try:
        return msgspec.convert(content, Plant)
    except msgspec.ValidationError as wrong:
        what, _, at = str(wrong).partition(" - at `")
        template = at.rstrip("`").rpartition("`")[2].removeprefix("$")
        place = _exact(content, template)
        if unknown := _UNKNOWN.fullmatch(what):
            place = f"{place}.{unknown[1]}".lstrip(".")
        raise PlantError(f"{place or 'the plant file does not fit'}: {what}") from wrong


def _exact(content: dict[str, Any], template: str) -> str:
    """The place with its names: msgspec writes `types[...].signals[...]` for types.pump.signals.flow_m3_h."""
    steps: list[str | int] = []
    place = ""
    here: Any = content
    for step in _STEP.findall(template):
        if step == "[...]":
            name = next(name for name in here if not _fits(_with_only(content, steps, name)))
            content = _with_only(content, steps, name)
            steps.append(name)
            place += f".{name}"
        elif step.startswith("["):
            steps.append(int(step[1:-1]))
            place += step
        else:
            steps.append(step)
            place += f".{step}" if place else step
        here = here[steps[-1]]
    return place


def _with_only(content: Any, steps: list[str | int], name: str) -> Any:
    """The content, but with one name alone in the table that the steps lead to."""
    if not steps:
        return {name: content[name]}
    inner = _with_only(content[steps[0]], steps[1:], name)
    if isinstance(content, list):
        return [inner if at == steps[0] else one for at, one in enumerate(content)]
    return content | {steps[0]: inner}


def _fits(content: dict[str, Any]) -> bool:
    try:
        msgspec.convert(content, Plant)
    except msgspec.ValidationError:
        return False
    return True


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
