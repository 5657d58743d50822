"""Whose releases are taken: signatures are checked against keys that a worker is told, and secrets stay secret."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from connectors.releases.keys import WrongKey, check, load_private, new_key, public_keys, public_text, sign
from models.release import Refusal, Refused, Signature

MANIFEST = b'{"name":"pump"}'
PEM, TEXT = new_key("plant")
PRIVATE, KEYS = load_private(PEM), public_keys(TEXT)
GOOD = sign(PRIVATE, "plant", MANIFEST)
SECRET = base64.b64encode(PRIVATE.private_bytes_raw()).decode()


def refused(*signatures: Signature, manifest: bytes = MANIFEST, keys=KEYS, unsigned_allowed: bool = False) -> Refused:
    with pytest.raises(Refused) as found:
        check(manifest, signatures, keys, unsigned_allowed)
    return found.value


def test_what_a_trusted_key_signed_is_taken_and_the_key_is_named() -> None:
    assert check(MANIFEST, [GOOD], KEYS) == "plant"


def test_keys_of_rfc_8032_sign_as_it_says() -> None:
    """Test 2 of section 7.1, which signs the byte 0x72 without a prefix."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    assert public_text(private, "rfc") == f"rfc:{base64.b64encode(public).decode()}"
    assert private.sign(b"\x72").hex().startswith("92a009a9f0d4cab8720e820b5f642540")


@pytest.mark.parametrize("manifest", [b"", MANIFEST + b" ", MANIFEST.replace(b"pump", b"fan")])
def test_a_manifest_that_was_changed_is_refused(manifest: bytes) -> None:
    found = refused(GOOD, manifest=manifest)
    assert found.reason is Refusal.BAD_SIGNATURE
    assert "'plant'" in found.detail


@pytest.mark.parametrize(
    "value",
    ["", "???", "AAAA", GOOD.value[:-4], GOOD.value + "AAAA", "é"],
    ids=["empty", "no base64", "short", "cut off", "longer", "no ASCII"],
)
def test_a_signature_that_cannot_be_read_is_a_bad_one(value: str) -> None:
    assert refused(Signature("plant", value)).reason is Refusal.BAD_SIGNATURE


def test_a_signature_without_the_prefix_counts_for_nothing() -> None:
    bare = Signature("plant", base64.b64encode(PRIVATE.sign(MANIFEST)).decode())
    assert refused(bare).reason is Refusal.BAD_SIGNATURE


def test_another_key_of_the_same_name_is_refused() -> None:
    other = sign(Ed25519PrivateKey.generate(), "plant", MANIFEST)
    assert refused(other, unsigned_allowed=True).reason is Refusal.BAD_SIGNATURE


def test_a_key_that_is_not_trusted_is_refused_and_those_that_are_get_named() -> None:
    found = refused(sign(PRIVATE, "stranger", MANIFEST))
    assert found.reason is Refusal.UNKNOWN_KEY
    assert "'stranger'" in found.detail and "'plant'" in found.detail and "FOREWARN_RELEASE_KEYS" in found.detail


def test_what_nobody_signed_is_refused_unless_that_is_allowed() -> None:
    assert refused().reason is Refusal.UNSIGNED
    assert check(MANIFEST, [], {}, unsigned_allowed=True) == ""


def test_a_stranger_counts_as_nobody_where_nobody_needs_to_sign() -> None:
    assert check(MANIFEST, [sign(PRIVATE, "stranger", MANIFEST)], {}, unsigned_allowed=True) == ""


def test_one_good_signature_beside_others_is_enough() -> None:
    others = [sign(PRIVATE, "stranger", MANIFEST), Signature("plant", "AAAA")]
    assert check(MANIFEST, [*others, GOOD], KEYS) == "plant"


def test_more_signatures_than_keys_are_changed_by_are_not_looked_at() -> None:
    assert refused(*[GOOD] * 17).reason is Refusal.BAD_SIGNATURE


def test_keys_are_parted_by_commas_and_white_space() -> None:
    other = new_key("other")[1]
    assert set(public_keys(f" {TEXT},\n\t{other} ,")) == {"plant", "other"}
    assert public_keys("") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SECRET, "key 1 of FOREWARN_RELEASE_KEYS is not `name:base64`"),
        (f"{TEXT} {PEM.decode()}", "key 2 of FOREWARN_RELEASE_KEYS"),
        ("a b:" + SECRET, "key 1"),
        ("plant:", "'plant'.* 32 bytes"),
        (f"plant:{SECRET[:-8]}", "'plant'.* 32 bytes"),
        (f"{TEXT},{TEXT}", "'plant' is told twice"),
    ],
    ids=["a secret", "a secret file", "no name", "no key", "cut off", "twice"],
)
def test_a_text_that_is_no_list_of_keys_is_refused_and_not_shown(text: str, said: str) -> None:
    with pytest.raises(WrongKey, match=said) as found:
        public_keys(text)
    assert SECRET[:16] not in str(found.value) and PEM.decode().split("\n")[1][20:] not in str(found.value)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a,b", "x" * 65])
def test_a_key_has_a_name_that_the_setting_can_hold(name: str) -> None:
    with pytest.raises(WrongKey, match="name"):
        new_key(name)


def pem_of(private, encryption=NoEncryption()) -> bytes:  # noqa: B008
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        PEM[:-40],
        TEXT.encode(),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        pem_of(PRIVATE, BestAvailableEncryption(b"x")),
    ],
    ids=["empty", "cut off", "public", "another kind", "with a password"],
)
def test_a_file_that_is_no_private_key_is_refused(pem: bytes) -> None:
    with pytest.raises(WrongKey, match="no ed25519 private key"):
        load_private(pem)


def test_a_private_key_is_in_no_repr() -> None:
    shown = f"{PRIVATE!r} {KEYS!r} {GOOD!r}"
    assert SECRET[:12] not in shown and PRIVATE.private_bytes_raw().hex()[:12] not in shown
