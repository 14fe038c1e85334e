"""Where a URL leads: scheme, host, port and path of an endpoint, and which of them may go without TLS. Pure.

Names are not resolved here; `transport.dialer` does that.
"""

from __future__ import annotations

import socket

from fairlead.transport.errors import AddressError, printable

DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
TLS_SCHEMES = ("https", "wss")
MAX_URL_LENGTH = 4096
"""Longest URL we take, in characters."""


class Endpoint:
    """One parsed URL. `host` is lower case and without brackets; `target` is path and query, at least `/`."""

    __slots__ = ("host", "port", "scheme", "target")

    def __init__(self, scheme: str, host: str, port: int, target: str) -> None:
        self.scheme = scheme
        self.host = host
        self.port = port
        self.target = target

    @property
    def uses_tls(self) -> bool:
        return self.scheme in TLS_SCHEMES

    @property
    def host_header(self) -> str:
        """The value of `Host`: with the port only when it is not the scheme's own (RFC 9110 §7.2)."""
        host = bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        """Host and port, always both: what a person reads and what CONNECT takes."""
        return f"{bracketed(self.host)}:{self.port}"

    def same_server(self, other: Endpoint) -> bool:
        """Whether a connection to one can serve the other too: same name, port and kind of connection."""
        return (self.uses_tls, self.host, self.port) == (other.uses_tls, other.host, other.port)


def bracketed(host: str) -> str:
    """An IPv6 literal in brackets, anything else as it is."""
    return f"[{host}]" if ":" in host else host


def parse_endpoint(url: str) -> Endpoint:
    """Parse an `http`, `https`, `ws` or `wss` URL.

    Raises `AddressError` when it is none, carries user information or a character that would break a
    request line, or leads to something else than loopback without TLS.
    """
    shown = printable(url, 200)
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in DEFAULT_PORTS:
        raise AddressError(f"not a usable address: {shown!r} (expected https://HOST[:PORT])")
    if len(url) > MAX_URL_LENGTH or any(not "!" <= char <= "~" for char in url):
        raise AddressError(f"the address {shown!r} is too long or has characters that a URL cannot carry")
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, target = rest[:end], rest[end:].partition("#")[0]
    if "@" in authority:
        raise AddressError(f"the address {scheme}://…@… must not carry a user name or password")
    host, port = split_host_port(authority, DEFAULT_PORTS[scheme])
    if not target.startswith("/"):
        target = "/" + target
    endpoint = Endpoint(scheme, host, port, target)
    if not endpoint.uses_tls and not is_loopback(host):
        raise AddressError(
            f"refusing to talk to {endpoint.authority} without TLS: only loopback addresses may use"
            f" {scheme}://; use {'https' if scheme == 'http' else 'wss'}://"
        )
    return endpoint


def split_host_port(authority: str, default_port: int) -> tuple[str, int]:
    """Cut `HOST`, `HOST:PORT` or `[IPv6]:PORT`; the host comes back lower case and without brackets.

    Raises `AddressError` for an empty host or a port outside 1…65535.
    """
    if authority.startswith("["):
        host, closing, port_text = authority[1:].partition("]")
        well_formed = bool(closing) and (not port_text or port_text.startswith(":")) and is_ip_literal(host)
        port_text = port_text[1:]
    else:
        host, _, port_text = authority.partition(":")
        well_formed = bool(host) and ":" not in port_text
    port = default_port if not port_text else int(port_text) if is_number(port_text) else 0
    if not well_formed or not 1 <= port <= 65535:
        raise AddressError(f"not a host with an optional port: {printable(authority, 200)!r}")
    return host.lower(), port


def is_number(text: str) -> bool:
    """Whether `text` is a number of one to five digits, such as a port."""
    return text.isascii() and text.isdigit() and len(text) <= 5


def packed_address(host: str) -> bytes | None:
    """The 4 or 16 bytes of an IP literal, or None when `host` is a name. A zone (`%eth0`) is left out."""
    for family, text in ((socket.AF_INET, host), (socket.AF_INET6, host.partition("%")[0])):
        try:
            return socket.inet_pton(family, text)
        except (OSError, ValueError):  # the latter: text that no C string can hold
            continue
    return None


def is_ip_literal(host: str) -> bool:
    return packed_address(host) is not None


def is_loopback(host: str) -> bool:
    """Whether `host` is `localhost`, in 127.0.0.0/8 or ::1. Other names are not, whatever they resolve to."""
    if host in ("localhost", "localhost."):
        return True
    packed = packed_address(host)
    if packed is None:
        return False
    return packed[0] == 127 if len(packed) == 4 else packed == bytes(15) + b"\x01"
