"""Pseudonyms of operators: stable under one key, other under another, and no hash of the name alone."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from models.tuning.masking import is_masked, masked

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
NAMES = ["Ada", "Grace", "Edsger", "Barbara", "名前", "ada"]


def test_a_name_is_the_same_pseudonym_each_time_and_no_two_names_are_one():
    assert masked("Ada", KEY) == masked("Ada", KEY)
    assert len({masked(name, KEY) for name in NAMES}) == len(NAMES)


def test_another_plants_key_gives_another_pseudonym():
    assert not {masked(name, KEY) for name in NAMES} & {masked(name, OTHER) for name in NAMES}


def test_hashing_the_list_of_names_without_the_key_finds_nobody():
    seen = {masked(name, KEY).removeprefix("op-") for name in NAMES}
    keys = [b"", bytes(16), bytes(32), b"fw-operator", *(bytes([one]) * 32 for one in range(256))]
    digests = {hashlib.new(kind, name.encode()).hexdigest() for name in NAMES for kind in ("md5", "sha1", "sha256")}
    for name in NAMES:
        digests |= {hmac.new(key, name.encode(), "sha256").hexdigest() for key in keys}
        digests |= {hashlib.blake2b(name.encode(), key=key, digest_size=8).hexdigest() for key in keys}
        digests |= {
            hashlib.blake2b(name.encode(), key=key, digest_size=8, person=b"fw-operator").hexdigest() for key in keys
        }
        digests |= {hashlib.blake2b(name.encode()).hexdigest()}
    assert not any(digest.startswith(one) or one in digest for digest in digests for one in seen)


def test_what_is_masked_is_told_by_its_form():
    assert is_masked(masked("Ada", KEY))
    assert not any(
        map(is_masked, ["Ada", "", "op-", "op-123", "op-" + "g" * 16, "op-" + "a" * 17, "op-" + "a" * 16 + "\n"])
    )


@pytest.mark.parametrize("key", [b"", b"short", bytes(15), bytes(65)])
def test_a_key_too_short_or_too_long_raises(key):
    with pytest.raises(ValueError, match="key"):
        masked("Ada", key)


def test_no_name_raises():
    with pytest.raises(ValueError, match="name"):
        masked("", KEY)
