"""ID tokens: the good ones, and everything that somebody who has none may try."""

import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm
from jwt.warnings import InsecureKeyLengthWarning

from fairlead.domain.errors import IdentityTokenExpired, InvalidIdentityToken
from fairlead.domain.web_identity import WebIdentity
from fairlead.server.oidc_tokens import MAX_TOKEN_CHARACTERS, look, verify
from tests.support.factories import NOW
from tests.support.oidc_tokens import ISSUER, SigningKey, claims, raw_token

KEY = SigningKey()
RS_HEADER = {"alg": "RS256", "kid": "first"}
NOW_S = int(NOW.timestamp())


def verified(token: str, key: SigningKey = KEY) -> WebIdentity:
    look(token)
    return verify(token, ISSUER, PyJWK(key.jwk), NOW)


def test_a_good_token_says_who_its_holder_is() -> None:
    identity = verified(KEY.sign(claims(azp="fairlead", amr=["pwd", "otp"])))
    assert identity == WebIdentity(
        provider="login.example/realms/staff",
        subject="ada-0001",
        audience="fairlead",
        authorized_party="fairlead",
        methods=("pwd", "otp"),
    )


def test_before_it_is_believed_a_token_names_its_issuer_and_key() -> None:
    claim = look(KEY.sign(claims()))
    assert (claim.issuer, claim.algorithm, claim.key_id) == (ISSUER.url, "RS256", "first")


def test_elliptic_curves_are_served() -> None:
    key = SigningKey("curve", "ES256")
    assert verified(key.sign(claims()), key).subject == "ada-0001"


@pytest.mark.parametrize(
    "token",
    [
        SigningKey("first", number=1).sign(claims()),
        SigningKey("first", "ES256").sign(claims()),
        raw_token({"alg": "none", "kid": "first"}, claims()),
        raw_token({"alg": "HS256", "kid": "first"}, claims(), KEY.public_pem),
        raw_token({"alg": "HS256", "kid": "first"}, claims(), json.dumps(KEY.jwk).encode()),
        raw_token(RS_HEADER, claims(), KEY.public_pem),
        ".".join([*KEY.sign(claims()).split(".")[:2], KEY.sign(claims(sub="eve")).split(".")[2]]),
    ],
    ids=[
        "another key",
        "another algorithm",
        "none",
        "public key as secret",
        "jwk as secret",
        "hmac",
        "spliced",
    ],
)
def test_a_signature_that_is_not_the_issuers_is_refused(token: str) -> None:
    with pytest.raises(InvalidIdentityToken, match="signature"):
        verified(token)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"iss": "https://login.example/realms/other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 256}, "sub"),
        ({"sub": "a\nb"}, "sub"),
        ({"sub": 7}, "sub"),
        ({"aud": None}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": [["fairlead"]]}, "aud"),
        ({"aud": {"fairlead": 1}}, "aud"),
        ({"aud": "another"}, "audience"),
        ({"aud": ["fairlead"] * 33}, "aud"),
        ({"aud": ["fairlead", "another"]}, "audience"),
        ({"aud": ["fairlead", "another"], "azp": "another"}, "audience"),
        ({"aud": ["another"], "azp": "fairlead"}, "audience"),
        ({"azp": "another"}, "audience"),
        ({"iat": None}, "iat"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 10**30}, "exp"),
        ({"nbf": -1}, "nbf"),
        ({"nbf": NOW_S + 90}, "not valid yet"),
        ({"iat": NOW_S + 90, "exp": NOW_S + 300}, "not valid yet"),
        ({"amr": "pwd"}, "amr"),
        ({"amr": [1]}, "amr"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidIdentityToken, match=words):
        verified(
            KEY.sign(claims(**changes))
            if changes.get("iss", "") is not None
            else raw_token(RS_HEADER, claims(iss=None))
        )


def test_a_key_that_is_too_short_proves_nothing() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.warns(InsecureKeyLengthWarning):
        token = jwt.encode(claims(), short, "RS256", headers={"kid": "first"})
    jwk = {**json.loads(RSAAlgorithm.to_jwk(short.public_key())), "kid": "first", "alg": "RS256"}
    with pytest.raises(InvalidIdentityToken, match="signature"):
        verify(token, ISSUER, PyJWK(jwk), NOW)


def test_of_several_audiences_the_authorized_party_counts() -> None:
    identity = verified(KEY.sign(claims(aud=["another", "fairlead"], azp="fairlead")))
    assert identity.audience == "fairlead"


@pytest.mark.parametrize(("exp_s", "iat_s"), [(-61, -300), (300, -86_401)])
def test_a_token_that_was_good_once_has_expired(exp_s: int, iat_s: int) -> None:
    with pytest.raises(IdentityTokenExpired):
        verified(KEY.sign(claims(exp=NOW_S + exp_s, iat=NOW_S + iat_s)))


def test_clocks_may_differ_a_little() -> None:
    late = claims(iat=NOW_S - 300, exp=NOW_S - 50)
    early = claims((NOW + timedelta(seconds=50)).timestamp())
    assert {verified(KEY.sign(members)).subject for members in (late, early)} == {"ada-0001"}


def test_a_token_whose_expiry_is_not_reached_at_a_fraction_is_not_refused_for_its_type() -> None:
    assert verified(KEY.sign(claims(exp=NOW_S + 0.5, iat=NOW_S - 0.5))).subject == "ada-0001"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "é.b.c",
        "a..c",
        "x" * (MAX_TOKEN_CHARACTERS + 1),
        raw_token(RS_HEADER, b"[]"),
        raw_token(RS_HEADER, b"[" * 9_000),
        raw_token(RS_HEADER, b'{"iss":"a","iss":"b"}'),
        raw_token(RS_HEADER, b'{"iss":"a","exp":NaN}'),
        raw_token(RS_HEADER, b"\xff"),
        raw_token(RS_HEADER, {"iss": ["a"]}),
        raw_token({"kid": "first"}, claims()),
        raw_token({"alg": ["RS256"]}, claims()),
        raw_token({"alg": "RS256", "kid": 7}, claims()),
        raw_token({"alg": "RS256", "kid": "k" * 513}, claims()),
        raw_token({"alg": "RS256", "crit": ["exp"], "exp": 1}, claims()),
        raw_token({"alg": "RS256", "b64": False}, claims()),
    ],
)
def test_what_is_no_token_is_refused_before_any_key_is_fetched(token: str) -> None:
    with pytest.raises(InvalidIdentityToken, match="malformed"):
        look(token)


def test_a_token_in_a_token_is_only_text() -> None:
    inner = KEY.sign(claims())
    with pytest.raises(InvalidIdentityToken):
        look(raw_token({**RS_HEADER, "cty": "JWT"}, inner.encode()))
