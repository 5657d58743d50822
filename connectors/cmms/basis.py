"""What sinks of maintenance systems have in common as they are opened: template, objects, zone, a user's password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from connectors.cmms.objects import Object, objects_of
from connectors.cmms.templates import Template, template_of
from connectors.delivery import Place, SinkError, secret
from connectors.files.texts import zone_misfit

Unmapped = Literal["refuse", "without"]


class Common(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the configs of such sinks have in common.

    `template` and `objects` are files; `unmapped` says what becomes of machines that `objects` lacks. `zone` is the
    time zone of the system's days, and of times that come without an offset; `passing` are codes of errors that pass by
    themselves, such as a lock.
    """

    url: str
    user: str | None = None
    password_env: str | None = None
    password_file: str | None = None
    template: str | None = None
    objects: str | None = None
    unmapped: Unmapped = "refuse"
    zone: str = "UTC"
    passing: tuple[str, ...] = ()
    timeout_s: Annotated[float, Meta(gt=0, le=120)] = 30.0
    ca_file: str | None = None


class Basis(NamedTuple):
    """What notifications are made by. `unmapped` says what becomes of machines that `objects` lacks."""

    template: Template
    objects: Mapping[str, Object]
    unmapped: Unmapped
    zone: ZoneInfo


def basis_of(system: str, config: Common) -> Basis:
    """Template and objects, read and checked. Raises SinkError."""
    template = template_of(system, config.template)
    objects = objects_of(config.objects, template)
    if not objects and config.unmapped == "refuse":
        raise SinkError("objects is missing or has no machines: name one, or write unmapped = 'without'")
    if wrong := zone_misfit(config.zone):
        raise SinkError(f"zone: {wrong}")
    return Basis(template, objects, config.unmapped, ZoneInfo(config.zone))


def user_of(config: Common, place: Place) -> tuple[str, str] | None:
    """User and password, None where neither is given. Raises SinkError."""
    password = secret("password", config.password_env, config.password_file, place.environ)
    if config.user is not None and password is not None:
        return config.user, password
    if config.user is not None or password is not None:
        raise SinkError("user and password_env or password_file: give both or neither")
    return None
