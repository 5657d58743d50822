"""A stub of SAP's API_MAINTNOTIFICATION, from its published OpenAPI file (OP_API_MAINTNOTIFICATION.json, 2021).

From that file: paths, fields and their lengths, answers 201 and 204, the `d` around a change. From an answer of SAP's
sandbox that is published with it: numbers of eight digits, wire forms of days, times and changes, phase 1. From SAP
Help: tokens, and words of a status. Recalled, and so no proof that our client is right: ETags, which filters are
understood, causes in $expand, phases beyond 1.
"""

from __future__ import annotations

import base64
import re
import uuid
from typing import Any

from tests.kit.cmms_stub import Asked, Said, Stub

BASE = "/sap/opu/odata/sap/API_MAINTNOTIFICATION"
TEXTS = {
    "NotificationText": 40, "NotificationType": 2, "MaintPriority": 1, "ReportedByUser": 12, "PersonResponsible": 12,
    "TechnicalObject": 40, "TechObjIsEquipOrFuncnlLoc": 20, "MaintenancePlanningPlant": 4, "MaintenancePlannerGroup": 3,
    "MaintenancePlant": 4, "PlantSection": 3, "AssetLocation": 10, "AssetRoom": 8, "LocationDescription": 50,
    "MainWorkCenter": 8, "MainWorkCenterPlant": 4, "MalfunctionEffect": 1, "MaintNotificationCodeGroup": 8,
    "MaintNotificationCode": 4, "MaintNotifDetectionCodeGroup": 8, "MaintNotifDetectionCode": 4,
    "MaintNotifLongTextForEdit": 1333, "MaintNotifExtReferenceNumber": 20, "MaintenanceOrder": 12,
    "MaintenanceActivityType": 3,
}  # fmt: skip
DATES = (
    "MalfunctionStartDate",
    "MalfunctionEndDate",
    "RequiredStartDate",
    "RequiredEndDate",
    "LatestAcceptableCompletionDate",
)
TIMES = ("MalfunctionStartTime", "MalfunctionEndTime", "RequiredStartTime", "RequiredEndTime")
FORMS = dict.fromkeys(DATES, r"/Date\(-?\d+\)/") | dict.fromkeys(TIMES, r"PT\d\dH\d\dM\d\dS")
USER = ("FOREWARN", "pass")
PHASES = {"1": "OSNO", "3": "NOPR", "4": "NOCO"}


class SapStub(Stub):
    """`notifications` by number. A token is of one session, and `forget_sessions` ends all."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.notifications: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, str] = {}
        self.now_ms = 1_767_225_600_000
        self.meddling = 0
        """So many patches find that somebody else changed the notification just before."""

    @property
    def url(self) -> str:
        """Of the service."""
        return f"http://127.0.0.1:{self.port}{BASE}"

    def forget_sessions(self) -> None:
        """As after a restart."""
        self.sessions.clear()

    def moves(self, number: str, phase: str, **said: Any) -> None:
        """What somebody did in the system: its phase, and fields such as codes and items."""
        self.now_ms += 60_000
        self._touched(
            number, NotifProcessingPhase=phase, ConcatenatedActiveSystStsName=PHASES.get(phase, phase), **said
        )

    def _touched(self, number: str, **said: Any) -> None:
        row = self.notifications[number]
        row |= said | {"LastChangeDateTime": f"/Date({self.now_ms}+0000)/", "(etag)": f"W/\"'{uuid.uuid4().hex}'\""}

    def answer(self, asked: Asked) -> Said:
        credentials = base64.b64encode(":".join(USER).encode()).decode()
        if asked.headers.get("authorization") != f"Basic {credentials}":
            return error(401, "SY/530", "Logon failed")
        if not asked.path.startswith(BASE):
            return Said(404)
        path = asked.path.removeprefix(BASE)
        if asked.method == "GET":
            return self._with_token(asked, self._read(path, asked))
        if not self._is_known(asked):
            return Said(403, None, {"X-CSRF-Token": "Required"})
        return self._write(path, asked)

    def _with_token(self, asked: Asked, said: Said) -> Said:
        if asked.headers.get("x-csrf-token", "").lower() != "fetch":
            return said
        session = self._session(asked)
        if session not in self.sessions:
            session = uuid.uuid4().hex
            self.sessions[session] = uuid.uuid4().hex
        headers = {"X-CSRF-Token": self.sessions[session], "Set-Cookie": f"SAP_SESSIONID={session}; path=/"}
        return said._replace(headers=dict(said.headers) | headers)

    def _session(self, asked: Asked) -> str:
        found = re.search(r"SAP_SESSIONID=(\w+)", asked.headers.get("cookie", ""))
        return found[1] if found else ""

    def _is_known(self, asked: Asked) -> bool:
        token = self.sessions.get(self._session(asked))
        return token is not None and asked.headers.get("x-csrf-token") == token

    def _read(self, path: str, asked: Asked) -> Said:
        if path in ("", "/"):
            return Said(200, {"d": {"EntitySets": ["MaintenanceNotification"]}})
        if path == "/MaintenanceNotification":
            try:
                wanted = filtered(asked.query.get("$filter", ""))
            except ValueError:
                return error(400, "005056A509B11EE1B9A8FEC11C21D78E", "Invalid token detected in $filter")
            rows = [row for row in self.notifications.values() if any(row.get(name) == value for name, value in wanted)]
            return Said(200, {"d": {"results": [shown(row, asked.query.get("$expand", "")) for row in rows]}})
        row = self.notifications.get(number_in(path))
        if row is None:
            return error(404, "IM/001", "Resource not found")
        return Said(200, {"d": shown(row, "")}, {"ETag": row["(etag)"]})

    def _write(self, path: str, asked: Asked) -> Said:
        if asked.method == "POST" and path == "/MaintenanceNotification":
            return self._create(asked.body)
        if asked.method == "POST" and path in ("/SetMaintNotifToInProcess", "/CompleteMaintNotification"):
            number = asked.query.get("MaintenanceNotification", "").strip("'")
            if number not in self.notifications:
                return error(404, "IM/001", "Resource not found")
            self.moves(number, "3" if path.startswith("/Set") else "4")
            return Said(200, {"d": shown(self.notifications[number], "")})
        row = self.notifications.get(number_in(path))
        if asked.method != "PATCH" or row is None:
            return error(404, "IM/001", "Resource not found")
        if self.meddling:
            self.meddling -= 1
            self._touched(row["MaintenanceNotification"])
        if "if-match" not in asked.headers:
            return error(428, "/IWBEP/CM_MGW_RT/021", "Precondition required")
        if asked.headers["if-match"] != row["(etag)"]:
            return error(412, "/IWBEP/CM_MGW_RT/022", "Precondition failed")
        if set(asked.body) != {"d"} or "NotificationType" in asked.body["d"]:
            return error(400, "/IWBEP/CM_MGW_RT/002", "A change is an object d, and the type stays")
        if wrong := misfit(asked.body["d"]):
            return wrong
        if row["ConcatenatedActiveSystStsName"] == "NOCO":
            return error(400, "IM/400", "Notification is completed")
        self.now_ms += 1000
        self._touched(row["MaintenanceNotification"], **asked.body["d"])
        return Said(204)

    def _create(self, body: dict[str, Any]) -> Said:
        if wrong := misfit(body):
            return wrong
        if not body.get("NotificationText"):
            return error(400, "IM/452", "Enter a short text")
        number = str(10_000_000 + len(self.notifications))
        self.notifications[number] = body | {"MaintenanceNotification": number, "to_Item": []}
        self.moves(number, "1")
        return Said(201, {"d": shown(self.notifications[number], "")})


def error(status: int, code: str, text: str) -> Said:
    """As the description has it."""
    return Said(status, {"error": {"code": code, "message": {"lang": "en", "value": text}, "innererror": {}}})


def misfit(body: dict[str, Any]) -> Said | None:
    """What is wrong with fields."""
    for name, value in body.items():
        if name in TEXTS:
            if not isinstance(value, str) or len(value) > TEXTS[name]:
                return error(400, "/IWBEP/CM_MGW_RT/002", f"Property '{name}' has invalid value")
        elif name in FORMS:
            if not re.fullmatch(FORMS[name], str(value)):
                return error(400, "/IWBEP/CM_MGW_RT/002", f"Property '{name}' has invalid value")
        elif name == "MaintenanceObjectIsDown":
            if not isinstance(value, bool):
                return error(400, "/IWBEP/CM_MGW_RT/002", f"Property '{name}' has invalid value")
        else:
            return error(400, "/IWBEP/CM_MGW_RT/002", f"Property '{name}' is invalid")
    return None


def filtered(text: str) -> list[tuple[str, str]]:
    """Names and values of `Name eq 'value' or ...`. Raises ValueError."""
    found = [re.fullmatch(r"(\w+) eq '((?:[^']|'')*)'", part) for part in text.split(" or ")]
    if not all(found):
        raise ValueError(text)
    return [(one[1], one[2].replace("''", "'")) for one in found if one]


def number_in(path: str) -> str:
    """The key of `/MaintenanceNotification('...')`."""
    found = re.fullmatch(r"/MaintenanceNotification\('(\d+)'\)", path)
    return found[1] if found else ""


def shown(row: dict[str, Any], expand: str) -> dict[str, Any]:
    """A row as it is told: items only where they were asked for."""
    items = row["to_Item"]
    expanded = [
        one | {"to_ItemCause": rows(one.get("to_ItemCause", []), "to_Item/to_ItemCause" in expand)} for one in items
    ]
    return {name: value for name, value in row.items() if name != "(etag)"} | {
        "to_Item": rows(expanded, "to_Item" in expand)
    }


def rows(some: list[dict[str, Any]], are_asked_for: bool) -> dict[str, Any]:
    """A collection, or the link to it."""
    return {"results": some} if are_asked_for else {"__deferred": {"uri": "..."}}
