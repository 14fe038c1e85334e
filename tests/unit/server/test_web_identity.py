"""From a token to who its holder is, over issuers that answer from memory."""

import asyncio

import pytest

from fairlead.domain.errors import (
    IdentityProviderUnreachable,
    IdentityTokenExpired,
    InvalidIdentityToken,
    WebIdentityRefused,
)
from fairlead.domain.web_identity import WebIdentity
from fairlead.server.oidc_settings import OidcIssuer
from fairlead.server.web_identity import WebIdentityVerifier, fetch
from tests.support.factories import NOW
from tests.support.oidc_tokens import ISSUER, SigningKey, claims, discovery, key_set, raw_token

KEY = SigningKey()


def verify(
    token: str, issuer: OidcIssuer = ISSUER, *, is_down: bool = False
) -> WebIdentity | WebIdentityRefused:
    async def answer(issuer: OidcIssuer, url: str) -> bytes:
        if is_down:
            raise IdentityProviderUnreachable("down")
        return discovery() if url == issuer.discovery_url else key_set(KEY)

    async def scenario() -> WebIdentity | WebIdentityRefused:
        verifier = WebIdentityVerifier([issuer], answer, now=lambda: NOW, clock=lambda: 0.0)
        return await verifier.verify(token)

    return asyncio.run(scenario())


def test_a_token_of_a_known_issuer_is_believed() -> None:
    identity = verify(KEY.sign(claims()))
    assert isinstance(identity, WebIdentity)
    assert identity.name == "login.example/realms/staff:fairlead:ada-0001"


@pytest.mark.parametrize(
    ("token", "kind", "words"),
    [
        ("nonsense", InvalidIdentityToken, "malformed"),
        (KEY.sign(claims(iss="https://evil.example")), InvalidIdentityToken, "No OpenIDConnect provider"),
        (KEY.sign(claims(), kid="second"), InvalidIdentityToken, "does not publish"),
        (SigningKey("curve", "ES256").sign(claims()), InvalidIdentityToken, "algorithm"),
        (raw_token({"alg": "none"}, claims()), InvalidIdentityToken, "algorithm"),
        (raw_token({"alg": "HS256"}, claims(), KEY.public_pem), InvalidIdentityToken, "algorithm"),
        (KEY.sign(claims(0)), IdentityTokenExpired, "expired"),
    ],
)
def test_a_refusal_is_a_value(token: str, kind: type[WebIdentityRefused], words: str) -> None:
    refusal = verify(token)
    assert isinstance(refusal, kind)
    assert words in str(refusal)


def test_algorithms_are_pinned_for_each_issuer() -> None:
    issuer = OidcIssuer(url=ISSUER.url, audiences=ISSUER.audiences, algorithms=("ES256",))
    assert isinstance(verify(KEY.sign(claims()), issuer), InvalidIdentityToken)


def test_an_issuer_that_is_down_is_no_verdict_on_the_token() -> None:
    assert isinstance(verify(KEY.sign(claims()), is_down=True), IdentityProviderUnreachable)


def test_nothing_is_fetched_without_tls() -> None:
    with pytest.raises(IdentityProviderUnreachable, match="without TLS"):
        fetch(ISSUER, "http://login.example/keys")
