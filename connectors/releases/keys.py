"""Who may release models: ed25519 keys, signatures of manifests, and the list of those that a worker trusts.

A private key is in no message and no repr.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from models.release import Refusal, Refused, Signature

PREFIX = b"forewarn-release-v1\0"
"""Before what is signed: a signature of a release counts for nothing else, nor another one for a release."""
MOST_SIGNATURES = 16
"""Keys are changed by two at a time. Our choice."""
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
SETTING = "FOREWARN_RELEASE_KEYS"
Keys = Mapping[str, Ed25519PublicKey]


class WrongKey(ValueError):
    """A text is no key; the message says what is wrong with it and what to do."""


def new_key(name: str) -> tuple[bytes, str]:
    """A private key as PEM (PKCS 8, not encrypted), and what workers are told of it: `name:base64`."""
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, public_text(private, name)


def public_text(private: Ed25519PrivateKey, name: str) -> str:
    """What workers are told of a key. Raises WrongKey."""
    if not NAME.fullmatch(name):
        raise WrongKey("a key's name is made of at most 64 letters, digits and . _ -: give another")
    return f"{name}:{base64.b64encode(private.public_key().public_bytes_raw()).decode()}"


def load_private(pem: bytes) -> Ed25519PrivateKey:
    """A private key from its file. Raises WrongKey."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # the first of no key, the second of one with a password; neither is shown
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise WrongKey("the file holds no ed25519 private key in PEM without a password: make one anew")
    return private


def public_keys(text: str) -> Keys:
    """Keys by name, of `name:base64` parted by commas or white space. Raises WrongKey."""
    found: dict[str, Ed25519PublicKey] = {}
    for at, each in enumerate(filter(None, re.split(r"[,\s]+", text)), start=1):
        name, colon, encoded = each.partition(":")
        if not colon or not NAME.fullmatch(name):  # what was put there by mistake may be secret: it is not shown
            raise WrongKey(f"key {at} of {SETTING} is not `name:base64`: copy what was told when the key was made")
        if name in found:
            raise WrongKey(f"the key '{name}' is told twice in {SETTING}: give each a name of its own")
        found[name] = _public(name, encoded)
    return found


def sign(private: Ed25519PrivateKey, key: str, manifest: bytes) -> Signature:
    """The signature of a manifest's bytes by a key of that name."""
    return Signature(key, base64.b64encode(private.sign(PREFIX + manifest)).decode())


def check(manifest: bytes, signatures: Sequence[Signature], keys: Keys, unsigned_allowed: bool = False) -> str:
    """The name of a trusted key that signed a manifest's bytes, empty where none did and none needs to.

    Raises Refused. One good signature is enough, so that a key may be changed for another.
    """
    if len(signatures) > MOST_SIGNATURES:
        raise Refused(Refusal.BAD_SIGNATURE, f"{len(signatures)} signatures, at most {MOST_SIGNATURES} are looked at")
    known = [one for one in signatures if one.key in keys]
    for one in known:
        if _signed(manifest, one, keys[one.key]):
            return one.key
    if known:
        raise Refused(
            Refusal.BAD_SIGNATURE,
            f"the manifest is not what the key '{known[0].key}' signed: it was changed, or the key of that name is "
            f"another here; publish the release anew, or put the right key into {SETTING}",
        )
    if unsigned_allowed:
        return ""
    raise _untrusted(signatures, keys)


def _untrusted(signatures: Sequence[Signature], keys: Keys) -> Refused:
    if not signatures:
        return Refused(Refusal.UNSIGNED, "no signature: publish the release with a key that workers trust")
    names = ", ".join(f"'{one.key}'" for one in signatures)
    trusted = ", ".join(f"'{name}'" for name in sorted(keys)) or "no key"
    return Refused(
        Refusal.UNKNOWN_KEY,
        f"signed by {names}, while this worker trusts {trusted}: sign it by one of those, or add the key to {SETTING}",
    )


def _signed(manifest: bytes, signature: Signature, public: Ed25519PublicKey) -> bool:
    try:
        public.verify(base64.b64decode(signature.value, validate=True), PREFIX + manifest)
    except (InvalidSignature, ValueError):  # ValueError: no base64
        return False
    return True


def _public(name: str, encoded: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded, validate=True))
    except ValueError as wrong:
        raise WrongKey(f"the key '{name}' in {SETTING} is not the base64 of 32 bytes: copy what was told") from wrong
