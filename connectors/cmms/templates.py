"""Templates of notifications: what a warning becomes in a maintenance system, as TOML; the shipped, and a plant's own.

A plant's own has what is other there. All is checked as it is read; what a template is filled with is in `filling`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from connectors.cmms.systems import systems
from connectors.delivery import SinkError
from connectors.files import toml
from models.records import Advice, CloseReason, Name

SHIPPED = Path(__file__).parent / "templates"
Kind = Literal["date", "time", "moment", "bool", "number"]
Length = Annotated[int, Meta(ge=1, le=1_000_000)]
Value = bool | str
MOMENTS = frozenset({"opened", "told", "act_before"})
PROSE = frozenset({"title", "text"})
"""Words that may be cut where a field is short; a name or a number that is cut is another one."""
WORDS = frozenset(
    {"reference", "alert", "plant", "asset", "mode", "advice", "severity", "level", "state", "reason", "priority"}
    | {"equipment", "location", "object", "object_kind"}
    | MOMENTS
    | PROSE
)


class Reference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The field in which a notification has our reference, and whether that is all that it has."""

    field: Name
    match: Literal["equals", "contains"] = "equals"


class ObjectKinds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the system calls an equipment and a location, where it has a field for that."""

    equipment: str = ""
    location: str = ""


class Ends(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words of a status that mean that it is over, or that it was thrown away."""

    closed: tuple[str, ...] = ()
    void: tuple[str, ...] = ()


class Template(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As the shipped files explain it; whatever a plant's own file leaves out is the shipped one's."""

    reference: Reference | None = None
    fields: dict[str, Length | Kind] = {}
    create: dict[str, Value] = {}
    update: dict[str, Value] = {}
    over: dict[str, Value] = {}
    priorities: dict[Advice, str] = {}
    severities: dict[str, Annotated[int, Meta(ge=1, le=1000)]] = {}
    objects: ObjectKinds | None = None
    tell: dict[str, str] = {}
    ends: Ends | None = None
    close: dict[str, CloseReason] = {}
    modes: dict[str, str] = {}

    @property
    def refers(self) -> Reference:
        """The reference, which a template that was checked has."""
        if self.reference is None:
            raise ValueError("a template without [reference]")
        return self.reference


def template_of(system: str, own: str | None = None) -> Template:
    """The template of a system, with a plant's own file over it. Raises SinkError."""
    shipped = SHIPPED / f"{systems()[system].__name__.rpartition('.')[2]}.toml"
    found, where = _read(shipped), str(shipped)
    if own is not None:
        found, where = merged(found, _read(Path(own))), own
    for wrong in misfits(found):
        raise SinkError(f"template {where}: {wrong}")
    return found


def merged(below: Template, above: Template) -> Template:
    """One template over another, tables key by key."""
    return Template(**{name: _over(getattr(below, name), getattr(above, name)) for name in Template.__struct_fields__})


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict):
        return below | above
    if below is None or above is None:
        return above or below
    said = {name: value for name in above.__struct_fields__ if (value := getattr(above, name))}
    return replace(below, **said)


def misfits(template: Template) -> Iterator[str]:
    """What of a template cannot work, each with its place."""
    if template.reference is None:
        yield "[reference] is missing: name the field by which a notification is found again"
        return
    for table in ("create", "update", "over"):
        values: Mapping[str, Value] = getattr(template, table)
        for name, value in values.items():
            if wrong := misfit(template, name, value):
                yield f"{table}.{name} {wrong}"
    field = template.reference.field
    holds = template.create.get(field)
    if not isinstance(holds, str) or "reference" not in names_in(holds):
        yield f"create.{field} must have {{reference}} in it: without it a double cannot be found"


def misfit(template: Template, name: str, value: Value) -> str | None:
    """What is wrong with a field's value."""
    kind = template.fields.get(name)
    if kind is None:
        return f"is no field of [fields]: use one of {', '.join(template.fields)}, or add it there with its length"
    if isinstance(value, bool) or kind == "bool":
        fits = isinstance(value, bool) and kind == "bool"
        return None if fits else f"is {value!r}, but {kind}: true and false are for fields of the kind bool"
    try:
        names = names_in(value)
    except ValueError as wrong:
        return f"is no template ({wrong}): write {{{{ for a brace"
    if unknown := sorted(names - WORDS):
        return f"has {{{unknown[0]}}}, which there is not: use one of {', '.join(sorted(WORDS))}"
    if kind in ("date", "time", "moment"):
        alone = len(names) == 1 and names <= MOMENTS and value == f"{{{next(iter(names))}}}"
        return None if alone or not value else f"is a {kind}: use one of {', '.join(sorted(MOMENTS))} in braces, alone"
    if isinstance(kind, int) and not names and size(value) > kind:
        return f"has {size(value)} characters, but there is room for {kind}"
    return None


def names_in(value: str) -> set[str]:
    """Words in braces. Raises ValueError where braces are none."""
    parts = list(Formatter().parse(value))
    if any(form or conversion for _, _, form, conversion in parts):
        raise ValueError("a word in braces stands alone")
    return {name for _, name, _, _ in parts if name is not None}


def size(text: str) -> int:
    """Characters as systems count them, that is in UTF-16: a sign beyond its first plane is two."""
    return len(text.encode("utf-16-le")) // 2


def _read(path: Path) -> Template:
    try:
        return toml.read(path, Template)
    except toml.TomlError as wrong:
        raise SinkError(f"template {wrong}. {SHIPPED} has the templates that are shipped") from wrong
