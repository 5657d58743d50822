"""Whether a process lives and whether it is ready, as answers for Kubernetes and systemd.

What is asked is given as checks by name; each says what is wrong, or None. This asks them and knows none of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple

Check = Callable[[], str | None]
"""What is wrong, in words without secrets; None for nothing. Asked from threads of its own."""


class Reply(NamedTuple):
    """A status and a body of JSON."""

    status: HTTPStatus
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`alive`: where one fails the process should be started anew. `ready`: where one fails it does not do its work."""

    alive: Mapping[str, Check] = field(default_factory=dict)
    ready: Mapping[str, Check] = field(default_factory=dict)

    def is_alive(self) -> bool:
        """Whether nothing says that the process is dead."""
        return not reasons(self.alive)

    def reply(self, path: str) -> Reply | None:
        """The answer to a path; None for one that is not ours."""
        if path == "/healthz":
            return _reply("alive", self.alive)
        if path == "/readyz":
            return _reply("ready", {**self.alive, **self.ready})
        return None


def reasons(checks: Mapping[str, Check]) -> dict[str, str]:
    """What is wrong, by check."""
    return {name: wrong for name, check in checks.items() if (wrong := check()) is not None}


def _reply(what: str, checks: Mapping[str, Check]) -> Reply:
    wrong = reasons(checks)
    body = json.dumps({what: not wrong, "reasons": wrong, "checks": list(checks)}).encode() + b"\n"
    return Reply(HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK, body)
