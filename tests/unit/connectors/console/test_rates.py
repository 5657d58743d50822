"""How often somebody may ask: callers by name, wrong credentials by address."""

from __future__ import annotations

import pytest
from limits.storage import MemoryStorage

from connectors.console import rates as of_rates
from connectors.console.rates import Limits, Rates, place_of
from tests.unit.connectors.console.test_gate import KEY, Known, client, status_of


def test_a_caller_who_asks_too_often_is_told_how_long_to_wait():
    fast = client(limits=Limits("3/minute", "30/minute"))
    found = [fast.get("/api/v1/x", headers=KEY) for _ in range(4)]
    assert [one.status_code for one in found] == [200, 200, 200, 429]
    assert 1 <= int(found[-1].headers["retry-after"]) <= 60 and "'kim'" in found[-1].json()["detail"]
    assert fast.get("/x").status_code == 200


def test_wrong_keys_from_an_address_are_not_even_looked_up_once_they_are_too_many():
    known = Known()
    wrong = client(known, limits=Limits("600/minute", "3/minute"))
    bad = {"Authorization": "Bearer bad"}
    assert [wrong.get("/api/v1/x", headers=bad).status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert known.asked == 3
    assert wrong.get("/api/v1/x", headers=KEY).status_code == 429
    assert int(wrong.get("/api/v1/x", headers=bad).headers["retry-after"]) <= 60
    good = [(b"host", b"localhost"), (b"authorization", b"Bearer good")]
    assert status_of(wrong.app, good, path="/api/v1/x", peer="10.0.0.2") == 200


def test_whoever_sends_no_key_is_no_guesser():
    none = client(limits=Limits("600/minute", "2/minute"))
    assert {none.get("/api/v1/x").status_code for _ in range(5)} == {401}
    assert none.get("/api/v1/x", headers=KEY).status_code == 200


def test_however_many_addresses_there_are_few_are_kept_and_no_key_is_kept_out(monkeypatch):
    monkeypatch.setattr(of_rates, "MOST_PLACES", 50)
    rates = Rates(Limits("600/minute", "3/minute"))
    waits = [rates.wrong(f"10.0.{at // 250}.{at % 250}") for at in range(500)]
    assert len(rates._places.events) <= 51
    assert waits[:50] == [0] * 50 and waits[-1] > 0
    assert rates.blocked("10.0.1.249") == 0 and rates.blocked("172.16.0.1") == 0


def test_addresses_of_which_nothing_is_in_the_window_any_more_make_room(monkeypatch):
    monkeypatch.setattr(of_rates, "MOST_PLACES", 2)
    rates = Rates(Limits("600/minute", "1/second"))
    for address in ("10.0.0.1", "10.0.0.2"):
        rates.wrong(address)
    assert isinstance(rates._places, MemoryStorage)
    for key in rates._places.events:
        rates._places.events[key] = []
    assert [rates.wrong("10.0.0.3"), rates.blocked("10.0.0.3") > 0] == [0, True]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("x" * 99, "x" * 64),
        ("", ""),
    ],
)
def test_a_net_of_ipv6_is_one_place(address, place):
    assert place_of(address) == place
