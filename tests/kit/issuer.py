"""An identity provider on loopback: its discovery document, its keys, and tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

AUDIENCE = "forewarn"


@cache
def private(kind: str) -> Any:
    """A key of a kind, such as `rsa`, `rsa-other` or `ec`; the same each time, since RSA takes a while."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65_537, 1024 if "short" in kind else 2048)
    return ed25519.Ed25519PrivateKey.generate() if kind.startswith("ed") else ec.generate_private_key(ec.SECP256R1())


def public(kind: str, kid: str, alg: str) -> dict[str, Any]:
    found: dict[str, Any] = get_default_algorithms()[alg].to_jwk(private(kind).public_key(), as_dict=True)
    return found | {"kid": kid, "use": "sig"}


class Issuer:
    """What it serves can be changed; it counts what it was asked."""

    def __init__(self) -> None:
        self.keys = [public("rsa", "k1", "RS256"), public("ec", "k2", "ES256"), public("ed", "k3", "EdDSA")]
        self.asked: list[str] = []
        self.said: dict[str, Any] = {}
        self.status = 200
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                is_keys = self.path == "/keys"
                body = {"keys": issuer.keys} if is_keys else {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"}
                self.send_response(issuer.status)
                self.end_headers()
                self.wfile.write(json.dumps(body | issuer.said).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def claims(self, **more: Any) -> dict[str, Any]:
        """What a good token says, but for what is given; None takes a claim out."""
        usual = {
            "iss": self.url, "aud": AUDIENCE, "exp": time.time() + 300, "sub": "u-1", "preferred_username": "kim",
            "roles": ["forewarn-engineer"], "sites": ["*"],
        }  # fmt: skip
        return {name: value for name, value in (usual | more).items() if value is not None}

    def token(self, kind: str = "rsa", kid: str = "k1", alg: str = "RS256", **more: Any) -> str:
        return jwt.encode(self.claims(**more), private(kind), algorithm=alg, headers={"kid": kid})


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    thread = threading.Thread(target=issuer.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        issuer.server.server_close()
        thread.join()
