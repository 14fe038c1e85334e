"""Two ways to sign in from a terminal: by a code on another device (RFC 8628), or in a browser on this one
(RFC 6749 §4.1 with PKCE, RFC 7636, and a redirect to loopback, RFC 8252 §7.3).

What the user is to do is told through `tell`, a line at a time; nothing of it is secret but the user code,
which is meant to be typed.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from urllib.parse import urlencode

from fairlead.client.oidc_provider import GrantError, LoginError, Provider, Tokens
from fairlead.transport.errors import TransportError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S = 5.0
MAX_INTERVAL_S = 60.0
SLOW_DOWN_S = 5.0
"""Added to the interval when the provider asks for it, or cannot be reached (RFC 8628 §3.5)."""
MAX_WAIT_S = 1800.0
"""Longest time a user gets, whatever the provider says."""
VERIFIER_BYTES = 32
STATE_BYTES = 16


def sign_in_by_device(
    provider: Provider,
    scope: str,
    *,
    tell: Callable[[str], None],
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Tokens:
    """Show a code, and poll until the user has entered it elsewhere. Raises `LoginError`."""
    address = provider.required_endpoint("device_authorization_endpoint")
    answer = provider.post(address, {"scope": scope})
    device_code, user_code = answer.get("device_code"), answer.get("user_code")
    where = answer.get("verification_uri")
    if not (isinstance(device_code, str) and isinstance(user_code, str) and isinstance(where, str)):
        raise LoginError(f"{provider.issuer} gave no device code")
    complete = answer.get("verification_uri_complete")
    tell(f"To sign in, open {printable(where, 500)} and enter the code {printable(user_code, 60)}")
    if isinstance(complete, str):
        tell(f"or open {printable(complete, 1000)}")
    interval_s = min(MAX_INTERVAL_S, _seconds(answer.get("interval"), DEFAULT_INTERVAL_S))
    deadline = clock() + min(MAX_WAIT_S, _seconds(answer.get("expires_in"), MAX_WAIT_S))
    while clock() < deadline:
        sleep(interval_s)
        try:
            return provider.tokens({"grant_type": DEVICE_GRANT, "device_code": device_code})
        except GrantError as error:
            if error.code == "slow_down":
                interval_s = min(MAX_INTERVAL_S, interval_s + SLOW_DOWN_S)
            elif error.code != "authorization_pending":
                raise
        except TransportError:
            interval_s = min(MAX_INTERVAL_S, interval_s + SLOW_DOWN_S)
    raise LoginError("the code was not entered in time: run fairlead login again")


def sign_in_by_browser(
    provider: Provider,
    scope: str,
    redirect_uri: str,
    wait_for_redirect: Callable[[str], Mapping[str, str]],
    *,
    tell: Callable[[str], None],
    random: Callable[[int], bytes],
) -> Tokens:
    """Show an address to open, and take the code that comes back to `redirect_uri`.

    `wait_for_redirect` gives the parameters of the redirect that has the given state. Raises `LoginError`.
    """
    address = provider.required_endpoint("authorization_endpoint")
    verifier, state = _text(random(VERIFIER_BYTES)), _text(random(STATE_BYTES))
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": _text(sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
    }
    tell(f"To sign in, open {address}{'&' if '?' in address else '?'}{urlencode(query)}")
    answer = wait_for_redirect(state)
    if "code" not in answer:
        words = printable(answer.get("error_description") or answer.get("error") or "no code", 300)
        raise LoginError(f"{provider.issuer} refused: {words}")
    # RFC 9207: a provider that names itself must be the one that was asked.
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise LoginError("another provider answered than the one that was asked")
    return provider.tokens(
        {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
    )


def refresh(provider: Provider, refresh_token: str) -> Tokens:
    """New tokens; where the provider gives no new refresh token, the old one goes on. Raises `LoginError`."""
    tokens = provider.tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
    return Tokens(tokens.id_token, tokens.refresh_token or refresh_token)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _seconds(value: object, default: float) -> float:
    """A positive number of the provider's, or the default."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return default
    return value if value < MAX_WAIT_S else MAX_WAIT_S
