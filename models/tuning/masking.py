"""Names of operators under a plant's key: the same person is the same pseudonym, and without the key nobody is one.

Only the keyed hash lives here; where the key is kept is not its business. Whoever has the key and the list of names can
tell who is who, so that this is pseudonymous and not anonymous (GDPR, Article 4(5)).
"""

from __future__ import annotations

import re
from hashlib import blake2b

LEAST_KEY, MOST_KEY = 16, 64
"""Bytes of a key: 128 bits at least, and what BLAKE2b takes at most (RFC 7693)."""
_MASKED = re.compile(r"op-[0-9a-f]{16}", re.ASCII)


def masked(operator: str, key: bytes) -> str:
    """The operator's pseudonym, "op-" and 16 hex digits of BLAKE2b under the plant's key (RFC 7693).

    Raises ValueError for an empty name, and for a key of fewer than 16 or more than 64 bytes.
    """
    if not LEAST_KEY <= len(key) <= MOST_KEY:
        raise ValueError(
            f"the key has {len(key)} bytes: it needs {LEAST_KEY} to {MOST_KEY}, drawn at random, per plant"
        )
    if not operator:
        raise ValueError("an operator without a name cannot be masked")
    return f"op-{blake2b(operator.encode(), digest_size=8, key=key, person=b'fw-operator').hexdigest()}"


def is_masked(name: str) -> bool:
    """Whether a name has the form of a pseudonym."""
    return _MASKED.fullmatch(name) is not None
