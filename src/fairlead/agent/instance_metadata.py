"""What a cloud says about the machine it runs: its signed instance identity document, by IMDSv2.

A session token first (a PUT, which a request forged by way of another program can seldom make), then the
document and its signature (EC2 User Guide, "Retrieve instance metadata" and "Verify the instance identity
document"). The service is one hop away on a link-local address and speaks plain HTTP: no proxy is asked, no
redirect followed, and an answer that does not come at once does not come.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fairlead.agent.errors import MetadataError, SettingsError
from fairlead.transport.addresses import DEFAULT_PORTS, bracketed, split_host_port
from fairlead.transport.errors import AddressError, TransportError, printable
from fairlead.transport.http import Response, exchange, request_bytes

DEFAULT_ENDPOINT = "http://169.254.169.254"
DEFAULT_TIMEOUT_S = 1.0
"""For each request, from connecting to the last byte of the answer."""
MAX_TIMEOUT_S = 60.0
TIMEOUT_VARIABLE = "AWS_METADATA_SERVICE_TIMEOUT"
"""The environment variable with which the AWS SDKs are given another one, in seconds."""
TOKEN_LIFETIME_S = 60
MAX_TOKEN_CHARACTERS = 1024
MAX_DOCUMENT_BYTES = 4096
MAX_SIGNATURE_BYTES = 8192
"""What the server takes; EC2's have some 500 and 1,800 bytes."""

PKCS7, RSA_SHA256 = "Pkcs7", "RsaSha256"
"""Kinds of signature, as the server's API calls them."""

_AUTHORITY = re.compile(r"[A-Za-z0-9.:\[\]%_-]+")
_TOKEN_PATH = "/latest/api/token"  # noqa: S105  # a path, no password
_IDENTITY_PATH = "/latest/dynamic/instance-identity"
_LIFETIME_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
_TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105  # a header's name


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """A document and its signature in base64. `document` is the text that was signed, to the last byte."""

    document: str
    signature: str
    signature_type: str


class MetadataService:
    """The metadata service of this machine. Its methods block, and may raise `MetadataError`."""

    def __init__(
        self, endpoint: str = DEFAULT_ENDPOINT, environ: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Raises `SettingsError` for another URL than `http://HOST[:PORT]`, or an impossible timeout."""
        scheme, _, authority = endpoint.rstrip("/").partition("://")
        try:
            if scheme != "http" or not _AUTHORITY.fullmatch(authority):
                raise AddressError("not http://HOST[:PORT]")
            self._host, self._port = split_host_port(authority, DEFAULT_PORTS["http"])
        except AddressError as error:
            raise SettingsError(
                "--metadata-endpoint must be http://HOST[:PORT] and nothing behind it"
            ) from error
        self._authority = f"{bracketed(self._host)}:{self._port}"
        self._timeout_s = timeout_s(environ)

    def signed_document(self) -> SignedDocument:
        """The identity document with the best signature that the service has: PKCS #7 by a key of 2,048 bits,
        else a bare one."""
        token = self._token()
        document = self._get(token, "document", MAX_DOCUMENT_BYTES)
        signature, signature_type = self._get(token, "rsa2048", MAX_SIGNATURE_BYTES), PKCS7
        if signature is None:
            signature, signature_type = self._get(token, "signature", MAX_SIGNATURE_BYTES), RSA_SHA256
        if document is None or signature is None:
            raise self._failure("has no signed instance identity document")
        return SignedDocument(document, signature, signature_type)

    def _token(self) -> str:
        response = self._exchange("PUT", _TOKEN_PATH, [(_LIFETIME_HEADER, str(TOKEN_LIFETIME_S))])
        if response.head.status != 200:
            raise self._unexpected(response, "the request for a session token (IMDSv2)")
        token = response.body.decode("ascii", "replace").strip()
        if not token or len(token) > MAX_TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()):
            raise self._failure("gave a session token that cannot be one")
        return token

    def _get(self, token: str, name: str, max_bytes: int) -> str | None:
        """A text of the identity category; None where there is none of this name."""
        response = self._exchange("GET", f"{_IDENTITY_PATH}/{name}", [(_TOKEN_HEADER, token)])
        if response.head.status == 404:
            return None
        if response.head.status != 200:
            raise self._unexpected(response, f"the request for {name}")
        try:
            text = response.body.decode()
        except UnicodeDecodeError:
            text = ""
        if not text or len(response.body) > max_bytes:
            raise self._failure(f"gave a {name} that is no text of 1 to {max_bytes} bytes")
        return text

    def _exchange(self, method: str, path: str, headers: list[tuple[str, str]]) -> Response:
        host = bracketed(self._host) if self._port == DEFAULT_PORTS["http"] else self._authority
        request = request_bytes(method, path, [("Host", host), ("Connection", "close"), *headers])
        deadline = time.monotonic() + self._timeout_s
        try:
            with socket.create_connection((self._host, self._port), self._timeout_s) as connected:
                return exchange(connected, request, max(0.0, deadline - time.monotonic()), self._authority)
        except TimeoutError:
            raise self._failure(f"gave no answer in {self._timeout_s:g} s") from None
        except OSError as error:
            raise self._failure(f"cannot be reached: {error.strerror or error}") from error
        except TransportError as error:
            raise MetadataError(f"the instance metadata service: {error}") from error

    def _unexpected(self, response: Response, what: str) -> MetadataError:
        status = response.head.status
        advice = "; redirects are not followed" if 300 <= status < 400 else ""
        reason = printable(response.head.reason, 60)
        return self._failure(f"answered {what} with HTTP status {status} {reason}".rstrip() + advice)

    def _failure(self, what: str) -> MetadataError:
        return MetadataError(
            f"the instance metadata service at {self._authority} {what}; is this machine an instance of a "
            "cloud, with its metadata service switched on?"
        )


def timeout_s(environ: Mapping[str, str]) -> float:
    """How long a request may take. Raises `SettingsError`."""
    text = environ.get(TIMEOUT_VARIABLE)
    if text is None:
        return DEFAULT_TIMEOUT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds <= MAX_TIMEOUT_S:
        raise SettingsError(f"{TIMEOUT_VARIABLE} must be a number of seconds up to {MAX_TIMEOUT_S:g}")
    return seconds
