"""Plain content to structs; what does not fit is told with its exact place and with what there is to choose from.

What the content means is checked elsewhere. Nothing here knows of files or lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")

_STEP = re.compile(r"\[\.\.\.\]|\[\d+\]|[^.\[\]]+")
_FIELD = re.compile(r"Object (missing required|contains unknown) field `(.+)`")


class Misfit(ValueError):
    """What does not fit, and its place by names, empty for the content as a whole."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}" if place else what)
        self.place, self.what = place, what


def fit(content: Any, kind: type[T]) -> T:
    """The content as a struct. Raises Misfit."""
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as wrong:
        what, _, at = str(wrong).partition(" - at `")
        at, is_key = at.rstrip("`"), at.startswith("key`")
        template = at.rpartition("`")[2].removeprefix("$")
        place = _exact(content, template, kind)
        field = _FIELD.fullmatch(what)
        if field and field[1] == "contains unknown":
            place = f"{place}.{field[2]}".lstrip(".")
        offered = ", ".join(dict.fromkeys(map(str, _offered(what, field, template, kind, is_key))))
        raise Misfit(place, f"{what}: use one of {offered}" if offered else what) from wrong


def _exact(content: Any, template: str, kind: type) -> str:
    """The place with its names: msgspec writes `types[...].signals[...]` for types.pump.signals.flow_m3_h."""
    steps: list[str | int] = []
    place = ""
    here: Any = content
    for step in _STEP.findall(template):
        if step == "[...]":
            name = next(name for name in here if not _fits(_with_only(content, steps, name), kind))
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


def _fits(content: Any, kind: type) -> bool:
    try:
        msgspec.convert(content, kind)
    except msgspec.ValidationError:
        return False
    return True


def _offered(what: str, field: re.Match[str] | None, template: str, kind: type, is_key: bool) -> Iterator[Any]:
    """What could stand where the words say that something is missing, unknown or none of the choices."""
    here = list(_alternatives(inspect.type_info(kind)))
    for step in _STEP.findall(template):
        here = [inner for one in here for inner in _within(one, step)]
    if field and field[1] == "contains unknown":
        for one in here:
            yield from (known.encode_name for known in getattr(one, "fields", ()))
    elif field:
        here = [inner for one in here for inner in _within(one, field[2])]
    elif not what.startswith("Invalid"):
        return
    elif is_key:
        here = [inner for one in here if isinstance(one, inspect.DictType) for inner in _alternatives(one.key_type)]
    for one in here:
        if isinstance(one, inspect.EnumType):
            yield from (member.value for member in one.cls)
        elif isinstance(one, inspect.LiteralType):
            yield from one.values


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for one in kind.types:
            yield from _alternatives(one)
    else:
        yield kind


def _within(kind: inspect.Type, step: str) -> Iterator[inspect.Type]:
    """What a step into a type leads to."""
    if isinstance(kind, inspect.StructType):
        if step == kind.tag_field:
            yield inspect.LiteralType((kind.tag,))
        for field in kind.fields:
            if field.encode_name == step:
                yield from _alternatives(field.type)
    elif isinstance(kind, inspect.DictType):
        yield from _alternatives(kind.value_type)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        yield from _alternatives(kind.item_type)
