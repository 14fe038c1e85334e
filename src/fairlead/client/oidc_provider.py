"""An OpenID Connect provider as a public client sees it: its endpoints, and requests to them.

What the tokens say is for the server to judge; here they are passed on. Nothing is sent to an endpoint that
the issuer's own discovery document does not name (OpenID Connect Discovery §4).
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from fairlead.client.errors import CredentialsError
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import TransportError, printable
from fairlead.transport.http import exchange, request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.transport.dialer import Dialer

REQUEST_TIMEOUT_S = 20.0
MAX_TOKEN_CHARACTERS = 20_000
"""Longest token that is kept; STS takes no longer one."""


class LoginError(CredentialsError):
    """There was no sign-in; the text says what to do."""


class GrantError(LoginError):
    """The provider answered with an OAuth error; `code` is its name (RFC 6749 §5.2)."""

    def __init__(self, text: str, code: str) -> None:
        super().__init__(text)
        self.code = code


class Tokens:
    """What a grant gave. The refresh token is None where the provider gives none. No secret is in `repr`."""

    __slots__ = ("id_token", "refresh_token")

    def __init__(self, id_token: str, refresh_token: str | None) -> None:
        self.id_token = id_token
        self.refresh_token = refresh_token


class Provider:
    """The provider with the issuer URL `issuer`, for the client id `client_id`."""

    def __init__(self, issuer: str, client_id: str, dialer: Dialer) -> None:
        """Fetches the discovery document. Raises `LoginError` or a `TransportError`."""
        self.issuer = issuer
        self.client_id = client_id
        self._dialer = dialer
        status, document = self._request("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if status != 200 or document.get("issuer") != issuer:
            raise LoginError(f"{issuer} is not an OpenID Connect issuer of that name: check --issuer")
        self._document = document

    def endpoint(self, name: str) -> str | None:
        """The address of an endpoint, such as `token_endpoint`; None if the provider has none.

        Raises `LoginError` if it is not as safe as the issuer's own.
        """
        address = self._document.get(name)
        if not isinstance(address, str):
            return None
        try:
            uses_tls = parse_endpoint(address).uses_tls
        except TransportError:
            uses_tls = False
        if not uses_tls and self.issuer.startswith("https:"):
            raise LoginError(f"{self.issuer} names a {name} without TLS: {printable(address, 200)}")
        return address

    def required_endpoint(self, name: str) -> str:
        """As `endpoint`; raises `LoginError` if there is none."""
        address = self.endpoint(name)
        if address is None:
            raise LoginError(f"{self.issuer} has no {name}: use another --grant")
        return address

    def post(self, address: str, fields: Mapping[str, str]) -> dict[str, object]:
        """The members of a good answer to a form. Raises `GrantError` with the provider's own words."""
        form = urlencode({"client_id": self.client_id, **fields}).encode()
        status, answer = self._request("POST", address, form)
        if status == 200:
            return answer
        code = printable(str(answer.get("error") or f"HTTP {status}"), 60)
        words = printable(str(answer.get("error_description") or ""), 300)
        raise GrantError(f"{self.issuer} refused ({code})" + (f": {words}" if words else ""), code)

    def tokens(self, fields: Mapping[str, str]) -> Tokens:
        """Exchange a grant for tokens. Raises `GrantError`, or `LoginError` if there is no ID token."""
        answer = self.post(self.required_endpoint("token_endpoint"), fields)
        id_token, refresh_token = answer.get("id_token"), answer.get("refresh_token")
        if not _is_token(id_token):
            raise LoginError(f"{self.issuer} gave no ID token: the scope must have `openid`")
        return Tokens(str(id_token), str(refresh_token) if _is_token(refresh_token) else None)

    def _request(self, method: str, url: str, form: bytes = b"") -> tuple[int, dict[str, object]]:
        endpoint = parse_endpoint(url)
        headers = [("Host", endpoint.host_header), ("Accept", "application/json"), ("Connection", "close")]
        if form:
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
        sock = self._dialer.dial(endpoint)
        try:
            message = request_bytes(method, endpoint.target, headers, form)
            response = exchange(sock, message, REQUEST_TIMEOUT_S, endpoint.authority)
        finally:
            sock.close()
        try:
            answer = json.loads(response.body)
        except (ValueError, RecursionError):
            answer = None
        return response.head.status, answer if isinstance(answer, dict) else {}


def _is_token(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TOKEN_CHARACTERS
