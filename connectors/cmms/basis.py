"""What sinks of maintenance systems have in common as they are opened: template, objects, zone, a user's password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from connectors.cmms.objects import Object, objects_of
from connectors.cmms.templates import Template, template_of
from connectors.delivery import Place, SinkError, secret
from connectors.files.texts import zone_misfit

Unmapped = Literal["refuse", "without"]


class Common(Protocol):
    """What the configs of such sinks have in common."""

    @property
    def user(self) -> str | None: ...  # noqa: D102 - a config's own words say what its fields are
    @property
    def password_env(self) -> str | None: ...  # noqa: D102
    @property
    def password_file(self) -> str | None: ...  # noqa: D102
    @property
    def template(self) -> str | None: ...  # noqa: D102
    @property
    def objects(self) -> str | None: ...  # noqa: D102
    @property
    def unmapped(self) -> Unmapped: ...  # noqa: D102
    @property
    def zone(self) -> str: ...  # noqa: D102


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
