"""What `forewarn api` makes of settings."""

from __future__ import annotations

import asyncio

import pytest

from connectors.console.gate import LOCAL_HOSTS, WrongGate
from connectors.console.keys import Role, WrongApiKeys, new_key
from pipelines.cli.serving import gate_of, tokens_of
from pipelines.settings import Settings
from tests.unit.pipelines.test_cli import forewarn

KEY, TOLD = new_key("kim", Role.VIEWER, ["north"])
OIDC = {"oidc_issuer": "https://idp.example/realms/plant", "oidc_audience": "forewarn"}


def test_the_gate_is_as_the_settings_say():
    settings = Settings(
        api_keys=TOLD, api_rate="5/second", api_origins="https://wall.example", api_hosts="forewarn.plant"
    )
    gate = gate_of(settings, "127.0.0.1", "tiny")
    caller = asyncio.run(gate.callers.caller(KEY))
    assert caller is not None and caller.sites == {"north"}
    assert (gate.limits.api_rate, gate.limits.wrong_keys) == ("5/second", "30/minute")
    assert (gate.origins, gate.hosts) == ({"https://wall.example"}, {"forewarn.plant"})
    assert gate.audit is not None


def test_by_itself_it_answers_to_its_address_and_to_no_other_site():
    gate = gate_of(Settings(api_keys=TOLD, api_audit=False), "10.0.0.5", "tiny")
    assert gate.hosts == {"10.0.0.5", *LOCAL_HOSTS} and gate.origins == frozenset()
    assert gate.audit is None


def test_without_keys_an_issuer_has_to_be_set():
    with pytest.raises(WrongApiKeys, match="nobody could ask"):
        gate_of(Settings(api_keys=""), "localhost", "tiny")
    assert gate_of(Settings(api_keys="", **OIDC), "localhost", "tiny").callers


def test_without_an_issuer_no_token_is_read():
    assert tokens_of(Settings()) is None and tokens_of(Settings(**OIDC)) is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"oidc_audience": ""}, "FOREWARN_OIDC_AUDIENCE"),
        ({"oidc_issuer": "http://idp.example"}, "https://"),
        ({"api_rate": "often"}, "FOREWARN_API_RATE"),
        ({"api_wrong_keys": ""}, "FOREWARN_API_WRONG_KEYS"),
        ({"api_origins": "*"}, "FOREWARN_API_ORIGINS"),
        ({"api_hosts": "a:80"}, "FOREWARN_API_HOSTS"),
    ],
)
def test_a_setting_that_leads_to_no_gate_is_named(wrong, said):
    with pytest.raises(WrongGate, match=said):
        gate_of(Settings(**{"api_keys": TOLD, **OIDC, **wrong}), "localhost", "tiny")


def test_a_key_of_some_sites_is_made_by_the_command():
    shown = forewarn("api", "key", "kim", "--role", "operator", "--site", "south", "--site", "north")
    assert shown.returncode == 0 and "FOREWARN_API_KEYS=kim:operator@north+south:" in shown.stdout
    assert forewarn("api", "key", "kim", "--site", "a+b").returncode == 1
