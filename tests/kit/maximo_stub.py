"""A stub of Maximo's REST API for service requests, from what is published of it.

From IBM: the path with lean=1 (note 7026304), an API key as a header or in the query, keys of a request, the answer
201. Read elsewhere: maxauth, `member`, oslc.where with in and %, oslc.select, the Location header, ids in base64 with
- for =, x-method-override and patchtype, words of a status. Recalled, and so no proof that our client is right: the
shape of errors, lengths, origrecordid of work orders.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from tests.kit.cmms_stub import Asked, Said, Stub

TEXTS = {
    "description": 100, "description_longdescription": 32_000, "reportedby": 30, "affectedperson": 30,
    "affectedpersonid": 30, "assetnum": 25, "location": 12, "siteid": 8, "orgid": 8, "owner": 30, "ownergroup": 8,
    "classstructureid": 20, "reportdate": 40,
}  # fmt: skip
KEY, USER = "maximo-key", ("forewarn", "pass")
WAYS = ("/maximo/api/os/", "/maximo/oslc/os/")


class MaximoStub(Stub):
    """`requests` and `orders` by number. Where `is_quiet`, a created request is not told in the answer."""

    def __init__(self, port: int = 0, is_quiet: bool = False) -> None:
        super().__init__(port)
        self.requests: dict[str, dict[str, Any]] = {}
        self.orders: dict[str, dict[str, Any]] = {}
        self.is_quiet, self.minute = is_quiet, 0

    @property
    def url(self) -> str:
        """Up to /maximo."""
        return f"http://127.0.0.1:{self.port}/maximo"

    def moves(self, number: str, status: str) -> None:
        """What somebody did in the system."""
        self.requests[number] |= {"status": status} | self._now()

    def orders_work(self, request: str, wonum: str, **said: Any) -> None:
        """A work order made of a request."""
        self.orders[wonum] = {
            "wonum": wonum,
            "origrecordid": request,
            "origrecordclass": "SR",
            "status": "WAPPR",
        } | said

    def _now(self) -> dict[str, str]:
        self.minute += 1
        moment = f"2026-01-01T{self.minute // 60:02d}:{self.minute % 60:02d}:00+00:00"
        return {"statusdate": moment, "changedate": moment}

    def answer(self, asked: Asked) -> Said:
        way = next((way for way in WAYS if asked.path.startswith(way)), None)
        if way is None:
            return Said(404)
        maxauth = base64.b64encode(":".join(USER).encode()).decode()
        given = asked.headers.get("apikey") or asked.query.get("apikey")
        if (given != KEY) if way == WAYS[0] else (asked.headers.get("maxauth") != maxauth):
            return error(401, "BMXAA0021E", "User name and password combination are not valid")
        if asked.query.get("lean") != "1":
            return error(400, "BMXAA8727E", "this stub speaks lean=1 alone")
        structure, _, key = asked.path.removeprefix(way).partition("/")
        table = {"mxapisr": self.requests, "mxapiwodetail": self.orders}.get(structure)
        if table is None:
            return error(404, "BMXAA7901E", f"object structure {structure} is not there")
        if asked.method == "GET":
            return self._read(table, key, asked)
        return self._write(key, asked) if structure == "mxapisr" else error(405, "BMXAA0000E", "read only")

    def _read(self, table: dict[str, dict[str, Any]], key: str, asked: Asked) -> Said:
        wanted = asked.query.get("oslc.select", "*").split(",")
        if key:
            row = table.get(number_of(key))
            return Said(200, self._shown(row, wanted)) if row else error(404, "BMXAA4191E", "not found")
        try:
            fits = where(asked.query.get("oslc.where", ""))
        except ValueError as wrong:
            return error(400, "BMXAA8744E", f"oslc.where: {wrong}")
        members = [self._shown(row, wanted) for row in table.values() if fits(row)]
        return Said(200, {"member": members, "responseInfo": {"totalCount": len(members)}})

    def _write(self, key: str, asked: Asked) -> Said:
        if wrong := misfit(asked.body):
            return wrong
        if not key:
            number = str(1173 + len(self.requests))
            self.requests[number] = {"ticketid": number, "class": "SR", "status": "NEW"} | asked.body | self._now()
            told = asked.headers.get("properties") == "*" and not self.is_quiet
            location = f"{self.url}{'/api' if 'api' in asked.path else '/oslc'}/os/mxapisr/{id_of(number)}"
            return Said(201, self._shown(self.requests[number], ["*"]) if told else None, {"Location": location})
        row = self.requests.get(number_of(key))
        if row is None:
            return error(404, "BMXAA4191E", "not found")
        if asked.headers.get("x-method-override") != "PATCH" or asked.headers.get("patchtype") != "MERGE":
            return error(400, "BMXAA8730E", "a change is a POST with x-method-override: PATCH and patchtype: MERGE")
        row |= asked.body | {"changedate": self._now()["changedate"]}
        return Said(204)

    def _shown(self, row: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
        """What was selected, and the link, which names a host that only the inside knows."""
        number = row.get("ticketid") or row["wonum"]
        told = row if wanted == ["*"] else {name: row[name] for name in wanted if name in row}
        return told | {"href": f"http://maximo.inside.invalid/maximo/api/os/mxapisr/{id_of(number)}", "_rowstamp": "1"}


def id_of(number: str) -> str:
    """`_U1IvMTE3Mw--` of 1173."""
    return "_" + base64.b64encode(f"SR/{number}".encode()).decode().replace("=", "-")


def number_of(key: str) -> str:
    """1173 of `_U1IvMTE3Mw--`."""
    try:
        return base64.b64decode(key.removeprefix("_").replace("-", "=")).decode().removeprefix("SR/")
    except ValueError:
        return ""


def error(status: int, code: str, text: str) -> Said:
    """In the lean shape."""
    return Said(status, {"Error": {"message": text, "reasonCode": code, "statusCode": str(status)}})


def misfit(body: dict[str, Any]) -> Said | None:
    """What is wrong with attributes."""
    for name, value in body.items():
        if name == "reportedpriority":
            if not isinstance(value, int):
                return error(400, "BMXAA4176E", f"{name} is not a valid integer")
        elif name not in TEXTS:
            return error(400, "BMXAA1234E", f"{name} is no attribute")
        elif not isinstance(value, str) or len(value) > TEXTS[name]:
            return error(400, "BMXAA4195E", f"{name} is too long")
    return None


def where(text: str) -> Any:
    """The condition of `a="x" and b in ["y","z"]`, with % for any letters. Raises ValueError."""
    tests: list[tuple[str, list[str]]] = []
    for part in filter(None, text.split(" and ")):
        one = re.fullmatch(r'(\w+)="([^"]*)"', part)
        many = re.fullmatch(r'(\w+) in \[((?:"[^"]*",?)+)\]', part)
        if one:
            tests.append((one[1], [".*".join(map(re.escape, one[2].split("%")))]))
        elif many:
            tests.append((many[1], [re.escape(each) for each in re.findall(r'"([^"]*)"', many[2])]))
        else:
            raise ValueError(part)
    return lambda row: all(any(re.fullmatch(form, str(row.get(name, ""))) for form in forms) for name, forms in tests)
