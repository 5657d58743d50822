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


def test_a_key_of_some_sites_is_read_with_them():
    key, told = new_key("kim", Role.OPERATOR, ["south", "north", "south"])
    assert told.startswith("kim:operator@north+south:")
    assert api_keys(told).caller(key) == Caller("kim", Role.OPERATOR, frozenset({"north", "south"}))


@pytest.mark.parametrize("sites", ["", "+", "north+", " north", "n:s", "\n"])
def test_sites_that_cannot_be_read_are_a_fault_and_never_all_sites(sites):
    with pytest.raises(WrongApiKeys, match="key 1 of"):
        api_keys(f"a:viewer@{sites}:" + "0" * 64)


@pytest.mark.parametrize("site", ["", "a,b", "a:b", "a+b", " a", "a\n", "x" * 201])
def test_a_site_that_the_setting_could_not_hold_is_refused(site):
    with pytest.raises(WrongApiKeys, match="cannot be told"):
        new_key("kim", Role.VIEWER, [site])


@pytest.mark.parametrize("site", ["Werk Süd", "a@b", "north/1"])
def test_a_site_is_named_as_in_the_plant_file(site):
    key, told = new_key("kim", Role.VIEWER, [site])
    caller = api_keys(told).caller(key)
    assert caller is not None and caller.sees(site) and not caller.sees(site + "x")


def test_what_has_no_site_is_for_callers_of_all_sites_alone():
    assert Caller("a", Role.VIEWER).sees(None) and Caller("a", Role.VIEWER).is_of_all
    some, none = Caller("a", Role.ADMIN, frozenset({"north"})), Caller("a", Role.ADMIN, frozenset())
    assert some.sees("north") and not some.sees("south") and not some.sees(None) and not some.is_of_all
    assert not none.sees("north") and not none.sees(None) and not none.is_of_all
