"""Maximo: one service request for each warning, by its REST API. Tested against a stub only.

The stub is built from what is published of the API; `connectors/cmms/templates/maximo.toml` says how sure which of its
attributes is. Read at other users of the API, not at IBM: `x-method-override` and `patchtype` of changes, `%` in
`oslc.where`. Recalled, so of low grade: the shape of errors, lengths of texts, and that work orders name their request
in `origrecordid`.
"""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from msgspec import Meta

from connectors.cmms.asking import Asker, checked_url, trusted
from connectors.cmms.basis import Common, basis_of, user_of
from connectors.cmms.case import CaseSink
from connectors.cmms.filling import EPOCH
from connectors.cmms.systems.maximo import SYSTEM
from connectors.cmms.telling import Seen
from connectors.cmms.templates import Reference
from connectors.delivery import Place, SinkError, secret
from models.records import Alert

BY_CASE = True
AT_ONCE = 50
"""Numbers of one question: its address stays under 2,000 characters. Our choice."""
MOST_ORDERS = 500
"""Work orders of one answer; requests have one or two."""
SELECTED = ("ticketid", "description", "status", "statusdate", "changedate")
OF_ORDERS = ("wonum", "status", "problemcode", "origrecordid", "description")
_NUMBER = re.compile(r"[A-Za-z0-9._-]+")
"""Numbers that are asked for: a person may have given a case any text as its order."""


class Config(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address, up to /maximo, and who we are: an API key, or a user and password (`maxauth`).

    `requests` and `workorders` are object structures; without the latter no codes come back.
    """

    api_key_env: str | None = None
    api_key_file: str | None = None
    requests: Annotated[str, Meta(pattern=r"^\w+$")] = "mxapisr"
    workorders: Annotated[str, Meta(pattern=r"^\w*$")] = "mxapiwodetail"


class Maximo:
    """A `connectors.cmms.case.System`."""

    def __init__(self, asker: Asker, reference: Reference, config: Config) -> None:
        self._asker, self._reference, self._zone = asker, reference, ZoneInfo(config.zone)
        self._requests, self._orders = config.requests, config.workorders

    async def find(self, reference: str) -> Sequence[Seen]:
        """By a filter on the reference."""
        some = f"%{reference}%" if self._reference.match == "contains" else reference
        rows = await self._members(self._requests, f'{self._reference.field}="{some}"', self._selected)
        return sorted((self._seen(row) for row in rows if self._is_of(row, reference)), key=_age)

    async def make(self, reference: str, fields: Mapping[str, Any]) -> Seen:  # noqa: ARG002 - it is among the fields
        """Post it; where the answer has no number, ask what was made."""
        answer = self._asker.judged(
            await self._asker.ask("POST", self._requests, {"lean": "1"}, dict(fields), properties="*")
        )
        if answer.content:
            return self._seen(self._asker.content(answer))
        made = answer.headers.get("Location", "").rpartition("/")[2]
        query = {"lean": "1", "oslc.select": ",".join(self._selected)}
        return self._seen(self._asker.content(await self._asker.ask("GET", f"{self._requests}/{made}", query)))

    async def change(self, seen: Seen, fields: Mapping[str, Any]) -> None:
        """Merge the fields into it; others stay as they are."""
        path = f"{self._requests}/{seen.handle}"
        headers = {"x_method_override": "PATCH", "patchtype": "MERGE"}
        self._asker.judged(await self._asker.ask("POST", path, {"lean": "1"}, dict(fields), **headers))

    async def see(self, cases: Mapping[str, Alert]) -> Mapping[str, Seen]:
        """By number, of cases that have one; a request of that number that is not of the case says nothing of it."""
        by_number: dict[str, list[str]] = defaultdict(list)
        for reference, one in cases.items():
            if _NUMBER.fullmatch(one.order):
                by_number[one.order].append(reference)
        found: dict[str, Seen] = {}
        numbers = sorted(by_number)
        for at in range(0, len(numbers), AT_ONCE):
            for row in await self._numbered(numbers[at : at + AT_ONCE]):
                for reference in by_number.get(str(row["ticketid"]), ()):
                    if self._is_of(row, reference):
                        found[reference] = self._seen(row)
        return await self._with_orders(found)

    async def close(self) -> None:
        """Close the connections."""
        await self._asker.close()

    @property
    def _selected(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*SELECTED, self._reference.field)))

    async def _numbered(self, numbers: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        return await self._members(self._requests, f"ticketid in [{_listed(numbers)}]", self._selected)

    async def _with_orders(self, found: Mapping[str, Seen]) -> Mapping[str, Seen]:
        """Requests with what their work orders say."""
        numbers = sorted({one.number for one in found.values()}) if self._orders else []
        rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for at in range(0, len(numbers), AT_ONCE):
            where = f'origrecordclass="SR" and origrecordid in [{_listed(numbers[at : at + AT_ONCE])}]'
            for row in await self._members(self._orders, where, OF_ORDERS):
                rows[str(row["origrecordid"])].append(row)
        return {reference: _with_orders(one, rows[one.number]) for reference, one in found.items()}

    async def _members(self, structure: str, where: str, selected: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        query = {"lean": "1", "oslc.where": where, "oslc.select": ",".join(selected), "oslc.pageSize": str(MOST_ORDERS)}
        found = self._asker.content(await self._asker.ask("GET", structure, query))["member"]
        return list(found)

    def _is_of(self, row: Mapping[str, Any], reference: str) -> bool:
        """Whether it has our reference, whatever the filter took for that."""
        text = str(row.get(self._reference.field) or "").upper()
        return reference in text.split() if self._reference.match == "contains" else text == reference

    def _seen(self, row: Mapping[str, Any]) -> Seen:
        return Seen(
            number=str(row["ticketid"]),
            words=(str(row.get("status") or ""),),
            changed_us=_time_us(row.get("statusdate") or row.get("changedate"), self._zone),
            handle=str(row.get("href") or "").rpartition("/")[2],
        )


def open_sink(config: Config, place: Place) -> CaseSink:
    """Raises SinkError for an address, a file or a template that cannot be used, and secrets that are not there."""
    basis = basis_of(SYSTEM, config)
    headers, way = _known_by(config, place)
    asker = Asker(
        f"{checked_url(config.url).rstrip('/')}/{way}",
        {"Accept": "application/json"} | headers,
        timeout_s=config.timeout_s,
        verify=trusted(config.ca_file),
        words_of=words_of_error,
        passing=frozenset(config.passing),
    )
    return CaseSink(Maximo(asker, basis.template.refers, config), SYSTEM, basis, config.timeout_s)


def _known_by(config: Config, place: Place) -> tuple[dict[str, str], str]:
    """Headers that say who we are, and the way that goes with them: `api` with a key, `oslc` with a password."""
    key = secret("api_key", config.api_key_env, config.api_key_file, place.environ)
    user = user_of(config, place)
    if (key is None) == (user is None):
        raise SinkError("api_key_env or api_key_file, or user and password_env: give one of both")
    if user is not None:
        return {"maxauth": base64.b64encode(":".join(user).encode()).decode()}, "oslc/os"
    return {"apikey": key or ""}, "api/os"


def words_of_error(body: Any) -> str:
    """Code and message of an error; with prefixes where the answer is not lean. R."""
    plain = {name.rpartition(":")[2]: value for name, value in body.items()}["Error"]
    its = {name.rpartition(":")[2]: value for name, value in plain.items()}
    return f"{its.get('reasonCode', '')} {its['message']}".strip()


def _with_orders(seen: Seen, orders: Sequence[Mapping[str, Any]]) -> Seen:
    """A request with what its work orders say."""
    codes = tuple(str(one["problemcode"]) for one in orders if one.get("problemcode"))
    return seen._replace(
        codes=codes,
        damages=codes,
        orders=tuple(f"{one['wonum']} {one.get('status') or ''}".strip() for one in orders),
        found="; ".join(str(one["description"]) for one in orders if one.get("description")),
    )


def _listed(numbers: Sequence[str]) -> str:
    return ",".join(f'"{one}"' for one in numbers)


def _age(seen: Seen) -> tuple[int, str]:
    """Numbers that are longer are newer."""
    return len(seen.number), seen.number


def _time_us(text: Any, zone: ZoneInfo) -> int | None:
    """A moment in ISO 8601; None for none."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    moment = found if found.tzinfo else found.replace(tzinfo=zone)
    return round((moment - EPOCH).total_seconds() * 1e6)
