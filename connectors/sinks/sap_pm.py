"""SAP PM: one notification for each warning, by API_MAINTNOTIFICATION (OData V2). Tested against a stub only.

The stub is built from the API's published description, as far as that goes: `connectors/cmms/templates/sap_pm.toml`
says how sure which field is. Not in it, and taken as usual of OData V2 and SAP Gateway: causes in `$expand` of items,
and ETags. Not known: what a long text that is sent again does to the one before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from msgspec import Meta

from connectors.cmms.asking import Answer, Asker, checked_url, trusted
from connectors.cmms.basis import Common, basis_of, user_of
from connectors.cmms.case import CaseSink
from connectors.cmms.systems.sap_pm import SYSTEM
from connectors.cmms.telling import Seen
from connectors.delivery import Place, SinkError
from models.records import Alert

BY_CASE = True
ENTITY = "MaintenanceNotification"
EXPANDED = "to_Item,to_Item/to_ItemCause"
AT_ONCE = 20
"""References of one question: its address stays under 2,000 characters. Our choice."""
CODES = (
    ("MaintNotificationCodeGroup", "MaintNotificationCode"),
    ("MaintNotifDamageCodeGroup", "MaintNotificationDamageCode"),
    ("MaintNotifCauseCodeGroup", "MaintNotificationCauseCode"),
)
"""Of a notification, its items and their causes, in the order in which they are asked for a reason."""
_MS = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")


class Config(Common, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The service's address, up to API_MAINTNOTIFICATION, and who we are: a user and password, or a certificate."""

    client_cert: str | None = None
    client_key_file: str | None = None
    client: Annotated[str, Meta(pattern=r"^\d{0,3}$")] = ""


class SapPm:
    """A `connectors.cmms.case.System`."""

    def __init__(self, asker: Asker, field: str, client: str = "") -> None:
        self._asker, self._field, self._client = asker, field, client
        self._token = ""

    async def find(self, reference: str) -> Sequence[Seen]:
        """By a filter on the reference."""
        found = await self._filtered([reference])
        return sorted((seen_of(row) for row in found), key=lambda one: one.number)

    async def make(self, reference: str, fields: Mapping[str, Any]) -> Seen:  # noqa: ARG002 - it is among the fields
        """Post it."""
        return seen_of(self._asker.content(await self._told("POST", ENTITY, dict(fields)))["d"])

    async def change(self, seen: Seen, fields: Mapping[str, Any]) -> None:
        """Patch what is as it was seen; where somebody changed it meanwhile, once more on what is there now."""
        path = f"{ENTITY}({_literal(seen.number)})"
        for _ in range(2):
            now = await self._get(path)
            self._asker.judged(now)
            answer = await self._told("PATCH", path, {"d": dict(fields)}, If_Match=now.headers.get("ETag", "*"))
            if answer.status_code != 412:
                break
        self._asker.judged(answer)

    async def see(self, cases: Mapping[str, Alert]) -> Mapping[str, Seen]:
        """By filters on some references each."""
        found: dict[str, Seen] = {}
        references = sorted(cases)
        for at in range(0, len(references), AT_ONCE):
            for row in await self._filtered(references[at : at + AT_ONCE]):
                found.setdefault(str(row.get(self._field, "")).upper(), seen_of(row))
        return {reference: found[reference] for reference in references if reference in found}

    async def close(self) -> None:
        """Close the connections."""
        await self._asker.close()

    async def _filtered(self, references: Sequence[str]) -> list[dict[str, Any]]:
        wanted = " or ".join(f"{self._field} eq {_literal(one)}" for one in references)
        query = {"$filter": wanted, "$expand": EXPANDED, "$orderby": ENTITY}
        rows = self._asker.content(await self._get(ENTITY, query))["d"]["results"]
        return list(rows)

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """A reading question, which brings a token for the writing ones that follow."""
        answer = await self._asker.ask("GET", path, self._for_client(query), X_CSRF_Token="Fetch")
        self._token = answer.headers.get("X-CSRF-Token", self._token)
        return answer

    async def _told(self, method: str, path: str, body: dict[str, Any], **headers: str) -> Answer:
        """A writing question; where the token is not taken, once more with a new one."""
        query = self._for_client(None)
        answer = await self._asker.ask(method, path, query, body, X_CSRF_Token=self._token, **headers)
        if answer.status_code == 403:
            self._asker.judged(await self._get(""))
            answer = await self._asker.ask(method, path, query, body, X_CSRF_Token=self._token, **headers)
        return answer

    def _for_client(self, query: Mapping[str, str] | None) -> dict[str, str]:
        return dict(query or {}) | ({"sap-client": self._client} if self._client else {})


def open_sink(config: Config, place: Place) -> CaseSink:
    """Raises SinkError for an address, a file or a template that cannot be used, and secrets that are not there."""
    basis, user = basis_of(SYSTEM, config), user_of(config, place)
    if user is None and config.client_cert is None:
        raise SinkError("user is missing: give user and password_env, or client_cert and client_key_file")
    asker = Asker(
        checked_url(config.url),
        {"Accept": "application/json", "Accept-Language": "en"},
        timeout_s=config.timeout_s,
        verify=trusted(config.ca_file, config.client_cert, config.client_key_file),
        auth=user,
        words_of=words_of_error,
        passing=frozenset(config.passing),
    )
    system = SapPm(asker, basis.template.refers.field, config.client)
    return CaseSink(system, SYSTEM, basis, config.timeout_s)


def words_of_error(body: Any) -> str:
    """Code and message of an error."""
    return f"{body['error']['code']}: {body['error']['message']['value']}"


def seen_of(row: Mapping[str, Any]) -> Seen:
    """A notification as the API says it."""
    items = _rows(row.get("to_Item"))
    causes = [cause for item in items for cause in _rows(item.get("to_ItemCause"))]
    damages = _coded(items, *CODES[1])
    texts = [str(one) for one in (*(item.get("MaintNotifItemText") for item in items),
                                  *(cause.get("MaintNotifCauseText") for cause in causes)) if one]  # fmt: skip
    changed = _MS.fullmatch(str(row.get("LastChangeDateTime")))
    order = row.get("MaintenanceOrder")
    return Seen(
        number=str(row[ENTITY]),
        words=tuple(str(row.get("ConcatenatedActiveSystStsName") or "").split()),
        codes=(*_coded([row], *CODES[0]), *damages, *_coded(causes, *CODES[2])),
        damages=damages,
        orders=(str(order),) if order else (),
        found="; ".join(texts),
        changed_us=int(changed[1]) * 1000 if changed else None,
    )


def _rows(table: Any) -> list[Mapping[str, Any]]:
    """Rows that came with it and were not deleted; where they were not expanded, a link is in their place."""
    every = table["results"] if isinstance(table, Mapping) and "results" in table else []
    return [row for row in every if not row.get("IsDeleted")]


def _coded(rows: Sequence[Mapping[str, Any]], group: str, code: str) -> tuple[str, ...]:
    return tuple("-".join(filter(None, (row.get(group), row[code]))) for row in rows if row.get(code))


def _literal(text: str) -> str:
    """A text in a filter or a key, OData V2."""
    return "'" + text.replace("'", "''") + "'"
