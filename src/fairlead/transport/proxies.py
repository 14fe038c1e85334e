"""Which HTTP proxy a connection goes through, and what is said to it. Pure: the environment is an argument.

The variables are the usual ones: `https_proxy`, then `all_proxy`, each in lower case before upper case, and
`no_proxy`. Loopback never goes through a proxy; neither does anything without TLS, since we allow that on
loopback only. The tunnel is `CONNECT` (RFC 9110 §9.3.6) with Basic authentication where the proxy's URL
carries a user name.
"""

from __future__ import annotations

import os
from binascii import b2a_base64

from fairlead.transport.addresses import (
    Endpoint,
    bracketed,
    is_loopback,
    is_number,
    packed_address,
    parse_endpoint,
    split_host_port,
)
from fairlead.transport.errors import AddressError, ProxyError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PROXY_PORT = 80
MAX_PROXY_RESPONSE_BYTES = 16 * 1024
"""Longest answer to CONNECT that we read, header lines included."""


class Proxy:
    """One HTTP proxy. `authorization` is the value of `Proxy-Authorization`, or None."""

    __slots__ = ("authorization", "host", "port", "variable")

    def __init__(self, host: str, port: int, authorization: str | None, variable: str) -> None:
        self.host = host
        self.port = port
        self.authorization = authorization
        self.variable = variable

    def __repr__(self) -> str:
        """Without the password: this may end up in a log."""
        return f"Proxy({self.shown})"

    @property
    def shown(self) -> str:
        """The proxy as a person should read it: address and the variable that named it."""
        return f"{bracketed(self.host)}:{self.port} (named by {self.variable})"


def proxy_for(url: str | Endpoint, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for a connection to `url`, or None for a direct one.

    Raises `ProxyError` when the variable that applies names something that is no HTTP proxy, `AddressError`
    when `url` is not usable.
    """
    endpoint = parse_endpoint(url) if isinstance(url, str) else url
    if not endpoint.uses_tls or is_loopback(endpoint.host):
        return None
    no_proxy = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if is_exempt(endpoint.host, endpoint.port, no_proxy):
        return None
    for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        value = environ.get(variable, "").strip()
        if value:
            return parse_proxy(value, variable)
    return None


def parse_proxy(value: str, variable: str) -> Proxy:
    """Parse `[http://][USER[:PASSWORD]@]HOST[:PORT]`; user and password may be percent-encoded."""
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "http", value
    if scheme.lower() != "http":
        raise ProxyError(
            f"{variable} names a proxy of type {printable(scheme, 20)!r}; only http:// proxies are supported"
            " (or exempt the host with NO_PROXY)"
        )
    userinfo, _, authority = rest.partition("/")[0].rpartition("@")
    try:
        host, port = split_host_port(authority, DEFAULT_PROXY_PORT)
    except AddressError:
        raise ProxyError(
            f"{variable} is not a proxy address: expected http://[USER:PASSWORD@]HOST:PORT"
        ) from None
    return Proxy(host, port, _basic(userinfo) if userinfo else None, variable)


def _basic(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    credentials = _percent_decoded(user) + b":" + _percent_decoded(password)
    return "Basic " + b2a_base64(credentials, newline=False).decode("ascii")


def _percent_decoded(text: str) -> bytes:
    pieces = os.fsencode(text).split(b"%")
    decoded = [pieces[0]]
    for piece in pieces[1:]:
        digits = piece[:2]
        is_escape = len(digits) == 2 and not digits.strip(b"0123456789abcdefABCDEF")
        decoded.append(bytes((int(digits, 16),)) + piece[2:] if is_escape else b"%" + piece)
    return b"".join(decoded)


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Whether `no_proxy` exempts the host.

    Entries are separated by commas or blanks and are `*`, a name (which covers its subdomains; a leading dot
    or `*.` changes nothing), an address or a CIDR range, each with an optional `:port`.
    """
    packed = packed_address(host)
    name = host.rstrip(".").lower()
    for entry in no_proxy.replace(",", " ").lower().split():
        if entry == "*":
            return True
        pattern, wanted_port = _split_entry(entry)
        if wanted_port is not None and wanted_port != port:
            continue
        if packed is not None:
            if _in_range(packed, pattern):
                return True
        elif _covers_name(pattern, name):
            return True
    return False


def _split_entry(entry: str) -> tuple[str, int | None]:
    if "/" in entry or (entry.count(":") > 1 and not entry.startswith("[")):
        return entry, None
    if entry.startswith("["):
        host, _, port = entry[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = entry.partition(":")
    return host, int(port) if is_number(port) else None


def _covers_name(pattern: str, name: str) -> bool:
    suffix = pattern.removeprefix("*").strip(".")
    return bool(suffix) and (name == suffix or name.endswith("." + suffix))


def _in_range(packed: bytes, pattern: str) -> bool:
    network_text, slash, length_text = pattern.partition("/")
    network = packed_address(network_text)
    if network is None or len(network) != len(packed):
        return False
    bits = len(packed) * 8
    if slash and not (is_number(length_text) and int(length_text) <= bits):
        return False
    shift = bits - int(length_text) if slash else 0
    return int.from_bytes(packed, "big") >> shift == int.from_bytes(network, "big") >> shift


def connect_request(endpoint: Endpoint, proxy: Proxy) -> bytes:
    """The bytes that ask `proxy` for a tunnel to `endpoint`."""
    lines = [f"CONNECT {endpoint.authority} HTTP/1.1", f"Host: {endpoint.authority}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def check_connect_response(received: bytes, endpoint: Endpoint, proxy: Proxy) -> bool:
    """Look at what the proxy has answered so far: True when the tunnel stands, False when more must be read.

    Raises `ProxyError` for a refusal, for an answer that is not HTTP or too long, and for bytes behind the
    answer: in a TLS tunnel the client speaks first.
    """
    head, end, behind = received.partition(b"\r\n\r\n")
    if not end:
        if len(received) > MAX_PROXY_RESPONSE_BYTES:
            raise ProxyError(
                f"the proxy {proxy.shown} answered with more than {MAX_PROXY_RESPONSE_BYTES} bytes"
            )
        return False
    status_line = head.partition(b"\r\n")[0].decode("latin-1")
    version, _, rest = status_line.partition(" ")
    code = rest[:3]
    if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
        raise ProxyError(f"{proxy.shown} does not answer as an HTTP proxy")
    if code.startswith("2"):
        if behind:
            raise ProxyError(f"the proxy {proxy.shown} sent data of its own into the tunnel")
        return True
    remedy = {
        "407": f"put USER:PASSWORD@ into {proxy.variable}",
        "403": f"ask for {endpoint.authority} to be allowed, or exempt the host with NO_PROXY",
    }.get(code, "ask its operator, or exempt the host with NO_PROXY")
    raise ProxyError(
        f"the proxy {proxy.shown} refuses a connection to {endpoint.authority}:"
        f" {printable(rest, 100)}; {remedy}"
    )
