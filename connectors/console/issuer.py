"""The keys that an identity provider signs with, by OpenID Connect's discovery, held for some minutes.

It blocks: 5 s at most for each of two requests. However many unknown keys are asked for, the provider is asked once in
ten seconds, by one thread; the others go by what is held.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

from jwt import PyJWK, PyJWKClient, PyJWTError

from connectors.console.callers import IssuerAway

TIMEOUT_S = 5.0
HELD_S = 300.0
"""A key that the provider took back is taken here for so long. PyJWKClient's own."""
PAUSE_S = 10.0
"""Between two questions to the provider. Our choice."""
MOST_DOCUMENT = 1024 * 1024
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class IssuerKeys:
    """Keys by their id. For many threads."""

    def __init__(self, issuer: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer, self._clock = issuer, clock
        self._client: PyJWKClient | None = None
        self._tried_s = float("-inf")
        self._lock = threading.Lock()

    def key(self, kid: str) -> PyJWK | None:
        """The key of an id; None where the provider has none. Raises IssuerAway where none are held."""
        held = self._held()
        found = _match(held, kid)
        if found is not None:
            return found
        return _match(self._asked(may_wait=held is None) or held, kid)

    def _held(self) -> list[PyJWK] | None:
        client = self._client
        known = client.jwk_set_cache.get() if client and client.jwk_set_cache else None
        return None if known is None else list(known.keys)

    def _asked(self, *, may_wait: bool) -> list[PyJWK] | None:
        """What the provider has now. With keys held, nobody waits for another thread, and a failure is nothing new."""
        if not self._lock.acquire(timeout=2 * TIMEOUT_S if may_wait else 0):
            return self._or_away(None)
        try:
            if self._clock() - self._tried_s >= PAUSE_S:
                self._tried_s = self._clock()
                self._fetch()
            return self._or_away(None)
        except (PyJWTError, OSError, ValueError) as fault:
            return self._or_away(fault)
        finally:
            self._lock.release()

    def _or_away(self, fault: Exception | None) -> list[PyJWK] | None:
        held = self._held()
        if held is None:
            raise IssuerAway(f"the issuer {self._issuer} does not tell its keys: ask again in a minute") from fault
        return held

    def _fetch(self) -> None:
        if self._client is None:
            self._client = PyJWKClient(self._jwks_uri(), lifespan=HELD_S, timeout=TIMEOUT_S)
        self._client.get_jwk_set(refresh=True)

    def _jwks_uri(self) -> str:
        """As the discovery document says. Raises OSError, ValueError."""
        return discovered(self._issuer, "jwks_uri")[0]


def discovered(issuer: str, *names: str) -> tuple[str, ...]:
    """Addresses that an issuer's discovery document has by these names. Blocks. Raises OSError, ValueError."""
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
        said = json.loads(answer.read(MOST_DOCUMENT))
    if not isinstance(said, dict) or said.get("issuer") != issuer:
        raise ValueError("its discovery document is of another issuer")
    found = tuple(str(said.get(name)) for name in names)
    if not all(map(is_safe, found)):
        raise ValueError(f"its discovery document does not name {' and '.join(names)} by https")
    return found


def is_safe(url: str) -> bool:
    """Whether nobody between can put other keys in: https, or this very machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL))


def _match(keys: list[PyJWK] | None, kid: str) -> PyJWK | None:
    signing = [key for key in keys or () if key.key_id == kid and key.public_key_use in ("sig", None)]
    return signing[0] if signing else None
