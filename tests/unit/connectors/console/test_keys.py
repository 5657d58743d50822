"""Keys of the HTTP API: made once, kept as hashes."""

from __future__ import annotations

import pytest

from connectors.console.keys import Caller, Role, WrongApiKeys, api_keys, new_key


def test_a_key_is_known_by_its_hash_alone():
    key, told = new_key("mes-line-1", Role.ENGINEER)
    assert key not in told
    assert api_keys(f" {told} ,").caller(key) == Caller("mes-line-1", Role.ENGINEER)
    assert api_keys(told).caller(key + "x") is None
    assert new_key("mes-line-1", Role.ENGINEER)[0] != key


@pytest.mark.parametrize("text", ["secret", "a:viewer:zz", "a:boss:" + "0" * 64, ":viewer:" + "0" * 64])
def test_a_setting_that_cannot_be_read_is_not_shown(text):
    with pytest.raises(WrongApiKeys, match="key 1 of FOREWARN_API_KEYS") as wrong:
        api_keys(text)
    assert text not in str(wrong.value)


def test_a_key_told_twice_is_a_fault():
    _, told = new_key("a", Role.VIEWER)
    with pytest.raises(WrongApiKeys, match="key 2 of FOREWARN_API_KEYS is told twice"):
        api_keys(f"{told},b:admin:{told.rpartition(':')[2]}")


@pytest.mark.parametrize("name", ["", " a", "a,b", "a:b", "x" * 65])
def test_a_name_that_the_setting_could_not_hold_is_refused(name):
    with pytest.raises(WrongApiKeys):
        new_key(name, Role.VIEWER)


def test_roles_cover_those_before_them():
    assert Role.ENGINEER.covers(Role.VIEWER) and Role.ENGINEER.covers(Role.ENGINEER)
    assert not Role.OPERATOR.covers(Role.ENGINEER)
