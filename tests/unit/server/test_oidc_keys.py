"""An issuer's keys: what is read of its documents, and when it is asked again."""

import asyncio
from typing import Any

import pytest

from fairlead.domain.errors import IdentityProviderUnreachable, InvalidIdentityToken
from fairlead.server.oidc_keys import (
    KEYS_LIFETIME_S,
    REFETCH_INTERVAL_S,
    IssuerKeys,
    find_key,
    parse_discovery,
    parse_key_set,
)
from fairlead.server.oidc_settings import OidcIssuer
from tests.support.oidc_tokens import ISSUER, SigningKey, discovery, key_set

FIRST, SECOND = SigningKey("first"), SigningKey("second", number=1)


class Issuer:
    """What it publishes, and how often it was asked for its keys."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.asked = 0
        self.is_down = False

    async def fetch(self, issuer: OidcIssuer, url: str) -> bytes:
        if self.is_down:
            raise IdentityProviderUnreachable("down")
        if url == issuer.discovery_url:
            return discovery()
        self.asked += 1
        return key_set(*self.keys)


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def keys_of(issuer: Issuer, clock: Clock) -> IssuerKeys:
    return IssuerKeys(ISSUER, issuer.fetch, clock)


def test_keys_are_fetched_once() -> None:
    async def scenario() -> None:
        issuer = Issuer(FIRST, SECOND)
        keys = keys_of(issuer, Clock())
        found = await asyncio.gather(*(keys.get(name, "RS256") for name in ("first", "second") * 5))
        assert {key.key_id for key in found if key} == {"first", "second"}
        assert issuer.asked == 1

    asyncio.run(scenario())


def test_an_unknown_key_id_is_looked_for_at_most_once_a_minute() -> None:
    async def scenario() -> None:
        issuer, clock = Issuer(FIRST), Clock()
        keys = keys_of(issuer, clock)
        assert await keys.get("second", "RS256") is None
        issuer.keys = (SECOND,)
        clock.now_s += REFETCH_INTERVAL_S - 1
        assert await keys.get("second", "RS256") is None
        assert await keys.get("made-up", "RS256") is None
        assert issuer.asked == 1
        clock.now_s += 1
        assert await keys.get("second", "RS256") is not None
        assert await keys.get("first", "RS256") is None, "what the issuer withdrew is gone"
        assert issuer.asked == 2

    asyncio.run(scenario())


def test_keys_are_kept_while_the_issuer_is_away_and_not_for_ever() -> None:
    async def scenario() -> None:
        issuer, clock = Issuer(FIRST), Clock()
        keys = keys_of(issuer, clock)
        await keys.get("first", "RS256")
        issuer.is_down = True
        clock.now_s += KEYS_LIFETIME_S - 1
        assert await keys.get("first", "RS256") is not None
        assert await keys.get("second", "RS256") is None
        clock.now_s += 1
        with pytest.raises(IdentityProviderUnreachable):
            await keys.get("first", "RS256")

    asyncio.run(scenario())


def test_an_issuer_that_is_down_is_not_asked_at_each_call() -> None:
    async def scenario() -> None:
        issuer, clock = Issuer(FIRST), Clock()
        issuer.is_down = True
        keys = keys_of(issuer, clock)
        with pytest.raises(IdentityProviderUnreachable, match="down"):
            await keys.get("first", "RS256")
        issuer.is_down = False
        with pytest.raises(IdentityProviderUnreachable, match="down"):
            await keys.get("first", "RS256")
        clock.now_s += REFETCH_INTERVAL_S
        assert await keys.get("first", "RS256") is not None

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (discovery(issuer="https://login.example/realms/other"), "is that of"),
        (discovery(issuer=f"{ISSUER.url}/"), "is that of"),
        (discovery(jwks_uri=None), "jwks_uri"),
        (discovery(jwks_uri="http://login.example/keys"), "jwks_uri"),
        (discovery(jwks_uri="http://127.0.0.1/keys"), "https"),
        (discovery(jwks_uri="file:///etc/passwd"), "jwks_uri"),
        (b"[" * 100_000, "JSON"),
        (b"<html>", "JSON"),
        (b"[]", "JSON"),
    ],
)
def test_a_discovery_document_that_is_not_the_issuers_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(IdentityProviderUnreachable, match=words):
        parse_discovery(body, ISSUER)


def test_only_keys_for_signatures_count() -> None:
    jwk = FIRST.jwk
    others: list[Any] = [
        {**jwk, "use": "enc"},
        {**jwk, "d": "AQ"},
        {**jwk, "n": "A" * 1_367},
        {**jwk, "e": "A" * 7},
        {"kty": "oct", "k": "AQ"},
        "key",
        None,
    ]
    body = key_set(FIRST).replace(b'"keys": [', b'"keys": [' + _json(others) + b", ")
    assert [key["kid"] for key in parse_key_set(body, ISSUER)] == ["first"]
    with pytest.raises(IdentityProviderUnreachable, match="no keys"):
        parse_key_set(b'{"keys": {}}', ISSUER)


def test_a_key_is_for_its_own_algorithm() -> None:
    keys = parse_key_set(key_set(FIRST, SigningKey("curve", "ES256")), ISSUER)
    assert find_key(keys, "first", "RS256") is not None
    assert find_key(keys, "first", "PS256") is None
    assert find_key(keys, "first", "ES256") is None
    assert find_key(keys, None, "ES256") is not None, "the only one that fits needs no id"


def test_without_a_key_id_the_choice_must_be_plain() -> None:
    assert find_key(parse_key_set(key_set(FIRST, SECOND), ISSUER), None, "RS256") is None


def test_a_damaged_key_is_refused() -> None:
    with pytest.raises(InvalidIdentityToken):
        find_key(({"kty": "RSA", "kid": "first", "n": 7},), "first", "RS256")


def _json(values: list[Any]) -> bytes:
    import json

    return json.dumps(values)[1:-1].encode()
