"""Tokens of an identity provider: whose are taken, what they give, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.console.callers import IssuerAway, KeysAndTokens, NoRole
from connectors.console.issuer import PAUSE_S, IssuerKeys, is_safe
from connectors.console.keys import Caller, Role, api_keys, new_key
from connectors.console.tokens import LEEWAY_S, Rules, Tokens
from tests.kit.issuer import AUDIENCE, issuing, private, public


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def issuer():
    with issuing() as found:
        yield found


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tokens(issuer, clock):
    return Tokens(Rules(issuer.url, AUDIENCE), IssuerKeys(issuer.url, clock))


KIM = Caller("kim", Role.ENGINEER)


def lasting(caller: Caller | None) -> Caller | None:
    """The caller but for when his token ends."""
    return caller._replace(until_s=None) if caller else None


@pytest.mark.parametrize(
    ("kind", "kid", "alg"),
    [
        ("rsa", "k1", "RS256"),
        ("rsa", "k1", "RS512"),
        ("rsa", "k1", "PS256"),
        ("ec", "k2", "ES256"),
        ("ed", "k3", "EdDSA"),
    ],
)
def test_a_good_token_is_its_bearer_s(tokens, issuer, kind, kid, alg):
    assert lasting(tokens.caller(issuer.token(kind, kid, alg))) == KIM


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "http://127.0.0.1:1"},
        {"iss": None},
        {"exp": time.time() - 31},
        {"exp": None},
        {"nbf": time.time() + 3600},
        {"preferred_username": None, "sub": None},
        {"preferred_username": "a\nb", "sub": "\x1b[2J"},
    ],
)
def test_a_token_that_is_not_for_us_now_is_nobody_s(tokens, issuer, claims):
    assert tokens.caller(issuer.token(**claims)) is None


def test_for_a_token_of_another_issuer_ours_is_not_even_asked(tokens, issuer):
    assert tokens.caller(issuer.token(iss="https://evil.example")) is None
    assert issuer.asked == []


def test_clocks_may_differ_by_half_a_minute(tokens, issuer):
    assert lasting(tokens.caller(issuer.token(exp=time.time() - 20))) == KIM


def test_a_token_that_nobody_signed_is_nobody_s(tokens, issuer):
    unsigned = jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "k1"})
    assert tokens.caller(unsigned) is None
    assert issuer.asked == []


def test_a_token_signed_with_the_public_key_as_a_secret_is_nobody_s(tokens, issuer):
    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    secret = private("rsa").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "k1"}).encode())
    signed = head + b"." + part(json.dumps(issuer.claims()).encode())
    forged = signed + b"." + part(hmac.new(secret, signed, hashlib.sha256).digest())
    assert tokens.caller(forged.decode()) is None


@pytest.mark.parametrize(
    ("kind", "kid", "alg"), [("rsa-other", "k1", "RS256"), ("rsa", "k2", "RS256"), ("ec", "k1", "ES256")]
)
def test_a_token_signed_by_another_key_is_nobody_s(tokens, issuer, kind, kid, alg):
    assert tokens.caller(issuer.token(kind, kid, alg)) is None


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits")
def test_a_key_that_is_too_short_opens_nothing(tokens, issuer):
    issuer.keys = [public("rsa-short", "k1", "RS256")]
    assert tokens.caller(issuer.token("rsa-short")) is None


def test_a_changed_token_is_nobody_s(tokens, issuer):
    head, _, signature = issuer.token().split(".")
    _, body, _ = issuer.token(roles=["admin"]).split(".")
    assert tokens.caller(f"{head}.{body}.{signature}") is None


@pytest.mark.parametrize("text", ["..", "a.b.c", "e30.e30.", "x" * 3_000 + "..", "eyJhbGciOiJSUzI1NiJ9.W10.AA"])
def test_rubbish_is_nobody_s(tokens, issuer, text):
    assert tokens.caller(text) is None
    assert issuer.asked == []


def test_keys_are_asked_for_once_however_many_tokens_come(tokens, issuer):
    for _ in range(5):
        assert tokens.caller(issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_keys_that_rotate_are_asked_for_again_but_not_for_each_unknown_one(tokens, issuer, clock):
    assert tokens.caller(issuer.token())
    issuer.keys = [public("rsa-other", "new", "RS256")]
    asked = len(issuer.asked)
    for _ in range(5):
        assert tokens.caller(issuer.token("rsa-other", "new")) is None
    assert len(issuer.asked) == asked
    clock.now_s += PAUSE_S
    assert lasting(tokens.caller(issuer.token("rsa-other", "new"))) == KIM
    assert tokens.caller(issuer.token()) is None
    assert len(issuer.asked) == asked + 1


def test_an_issuer_that_is_away_is_told_as_that_at_once_and_asked_again_later(tokens, issuer, clock):
    issuer.status = 500
    for _ in range(3):
        with pytest.raises(IssuerAway, match=issuer.url):
            tokens.caller(issuer.token())
    assert len(issuer.asked) == 1
    issuer.status = 200
    clock.now_s += PAUSE_S
    assert lasting(tokens.caller(issuer.token())) == KIM


def test_keys_that_are_held_are_good_while_the_issuer_is_away(tokens, issuer, clock):
    assert tokens.caller(issuer.token())
    issuer.status = 500
    clock.now_s += PAUSE_S
    assert tokens.caller(issuer.token(kid="unknown")) is None
    assert lasting(tokens.caller(issuer.token())) == KIM


@pytest.mark.parametrize(
    "said",
    [{"issuer": "https://evil"}, {"jwks_uri": "http://evil/keys"}, {"jwks_uri": "file:///etc/passwd"}, {"keys": 5}],
)
def test_an_issuer_that_says_something_else_is_not_believed(tokens, issuer, said):
    issuer.said = said
    with pytest.raises(IssuerAway):
        tokens.caller(issuer.token())


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["viewer"], Role.VIEWER),
        (["forewarn:operator", "viewer"], Role.OPERATOR),
        (["offline_access", "forewarn-admin", "viewer"], Role.ADMIN),
        ("openid engineer", Role.ENGINEER),
    ],
)
def test_the_highest_of_our_roles_holds(tokens, issuer, roles, role):
    found = tokens.caller(issuer.token(roles=roles))
    assert found is not None and found.role is role


@pytest.mark.parametrize("roles", [None, [], ["administrator"], ["other-admin"], [["admin"]], 5, {"admin": True}])
def test_whoever_has_no_role_here_is_told_so(tokens, issuer, roles):
    with pytest.raises(NoRole, match="'kim' has no role here"):
        tokens.caller(issuer.token(roles=roles))


@pytest.mark.parametrize(
    ("sites", "role", "found"),
    [
        (None, "engineer", frozenset()),
        (None, "admin", None),
        (["north"], "admin", {"north"}),
        ([], "admin", frozenset()),
        (["*"], "viewer", None),
        ("north, Werk Süd", "viewer", {"north", "Werk Süd"}),
        (5, "viewer", frozenset()),
        (["", "a\nb", "\ud800", "x" * 201, "north"], "viewer", {"north"}),
    ],
)
def test_sites_that_are_not_said_are_none_but_for_admins(tokens, issuer, sites, role, found):
    caller = tokens.caller(issuer.token(sites=sites, roles=[role]))
    assert caller is not None and caller.sites == found


def test_claims_within_others_are_named_with_dots(issuer):
    rules = Rules(issuer.url, AUDIENCE, "realm_access.roles", "https://forewarn/sites", "email")
    tokens = Tokens(rules, IssuerKeys(issuer.url))
    claims = {"realm_access": {"roles": ["operator"]}, "https://forewarn/sites": "north", "email": "kim@example.org"}
    found = tokens.caller(issuer.token(**claims, roles=["admin"]))
    assert lasting(found) == Caller("kim@example.org", Role.OPERATOR, frozenset({"north"}))


def test_a_caller_by_token_is_known_until_it_ends_by_a_clock_that_may_be_late(tokens, issuer):
    found = tokens.caller(issuer.token(exp=4_000_000_000))
    assert found is not None and found.until_s == 4_000_000_000 + LEEWAY_S


def test_a_name_that_is_not_there_is_the_subject(tokens, issuer):
    found = tokens.caller(issuer.token(preferred_username=None))
    assert found is not None and found.name == "u-1"


@pytest.mark.parametrize(
    "url", ["http://idp", "ftp://idp", "idp", "", "file:///x", "https://", "http://127.0.0.1.evil"]
)
def test_keys_are_not_taken_where_somebody_between_could_change_them(url):
    assert not is_safe(url)
    assert is_safe("https://idp/realms/plant") and is_safe("http://127.0.0.1:8080")


async def _ask(callers: KeysAndTokens, credential: str) -> Caller | None:
    return await callers.caller(credential)


def test_a_key_is_asked_of_keys_and_a_token_of_the_issuer(tokens, issuer):
    key, told = new_key("mes", Role.VIEWER)
    both, keys_alone = KeysAndTokens(api_keys(told), tokens), KeysAndTokens(api_keys(told))
    assert asyncio.run(_ask(both, key)) == Caller("mes", Role.VIEWER)
    assert issuer.asked == []
    assert lasting(asyncio.run(_ask(both, issuer.token()))) == KIM
    assert asyncio.run(_ask(keys_alone, issuer.token())) is None
    assert asyncio.run(_ask(both, f"{'x' * 20_000}..")) is None
