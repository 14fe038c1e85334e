"""Open a TCP or TLS connection to an endpoint, through a proxy where one is named.

Pure decisions first (`interleave`, `lookup_names`; proxies and addresses have modules of their own), so that
the asyncio side decides alike; then the blocking part, `dial`, which uses no asyncio. Several addresses are
tried as in RFC 8305, simplified: families take turns, a further attempt starts every 250 ms or at once when
one failed, the first that connects wins. The system's resolver has its own time limit; the named limits here
start when it has answered.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import ssl
import time

from fairlead.transport.addresses import Endpoint, bracketed, is_loopback, packed_address
from fairlead.transport.errors import (
    ConnectError,
    HandshakeLostError,
    ProxyError,
    RefusedError,
    ResolveError,
    TlsError,
    UntrustedError,
)
from fairlead.transport.proxies import Proxy, check_connect_response, connect_request, proxy_for
from fairlead.transport.tcp import new_socket
from fairlead.transport.tls import Trust, client_context, explain_tls_failure, likely_context
from fairlead.transport.tls_stream import TlsStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fairlead.transport.tls_stream import Connection

    Address = tuple[int, tuple[object, ...]]
    """Address family and socket address, as `socket.getaddrinfo` gives them."""

ATTEMPT_DELAY_S = 0.25
"""Head start of one connection attempt over the next (RFC 8305 §5)."""

CONNECT_TIMEOUT_S = 10.0
"""For TCP to come up, over all addresses together."""

PROXY_TIMEOUT_S = 10.0
"""For the proxy's answer to CONNECT."""

TLS_TIMEOUT_S = 10.0
"""For the TLS handshake."""

_NOBODY_LISTENS = (errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED)

MAX_ADDRESSES = 16
"""Most addresses of one name that are tried."""


def lookup_names(host: str) -> Sequence[str]:
    """What to ask the resolver for: `localhost` is ::1 and 127.0.0.1, whatever a hosts file says."""
    return ("::1", "127.0.0.1") if host.rstrip(".") == "localhost" else (host,)


def literal_address(name: str, port: int) -> Address | None:
    """What a resolver says of an address that is written out; None for a name, and for one with a zone."""
    packed = None if "%" in name else packed_address(name)
    if packed is None:
        return None
    return (socket.AF_INET, (name, port)) if len(packed) == 4 else (socket.AF_INET6, (name, port, 0, 0))


def interleave(addresses: Sequence[Address]) -> list[Address]:
    """The resolver's order, families taking turns (RFC 8305 §4); without repeats, at most MAX_ADDRESSES."""
    unique = list(dict.fromkeys(addresses))
    if not unique:
        return []
    first_family = unique[0][0]
    preferred = [address for address in unique if address[0] == first_family]
    others = [address for address in unique if address[0] != first_family]
    ordered: list[Address] = []
    for position in range(max(len(preferred), len(others))):
        ordered += preferred[position : position + 1] + others[position : position + 1]
    return ordered[:MAX_ADDRESSES]


class Dialer:
    """What a connection needs to know besides its endpoint; one per process. Makes the TLS context once, with
    the roots that are likely to do, and another one with all of them only where those did not."""

    def __init__(self, trust: Trust, environ: Mapping[str, str]) -> None:
        self.trust = trust
        self._environ = environ
        self._context: ssl.SSLContext | None = None
        self._has_all_roots = False

    @property
    def context(self) -> ssl.SSLContext:
        """Raises `TlsError` when the CA file is no good."""
        if self._context is None:
            self._context = likely_context(self.trust) or self._context_with_all_roots()
        return self._context

    def _context_with_all_roots(self) -> ssl.SSLContext:
        self._has_all_roots = True
        return client_context(self.trust)

    def dial(self, endpoint: Endpoint) -> Connection:
        """A connection with TCP_NODELAY, TLS where the endpoint's scheme says so; blocking.

        Raises `ResolveError`, `ConnectError`, `ProxyError` or `TlsError`, whose text names the hop.
        """
        if not endpoint.uses_tls:
            return self._dial(endpoint, None)
        try:
            return self._dial(endpoint, self.context)
        except UntrustedError:
            if self._has_all_roots:
                raise
            self._context = self._context_with_all_roots()
            return self._dial(endpoint, self._context)

    def _dial(self, endpoint: Endpoint, context: ssl.SSLContext | None) -> Connection:
        proxy = proxy_for(endpoint, self._environ)
        if proxy is None:
            sock = connect(endpoint.host, endpoint.port)
        else:
            sock = connect(proxy.host, proxy.port, via=f"the proxy {proxy.shown}")
        try:
            if proxy is not None:
                open_tunnel(sock, endpoint, proxy)
            return sock if context is None else start_tls(sock, context, endpoint, self.trust)
        except BaseException:
            sock.close()
            raise


def resolve(host: str, port: int, via: str) -> list[Address]:
    """The addresses of `host` in the order to try them. Raises `ResolveError`."""
    found: list[Address] = []
    failure: OSError | None = None
    for name in lookup_names(host):
        try:
            answers = socket.getaddrinfo(_for_resolver(name), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            failure = exc if isinstance(exc, OSError) else None
            continue
        found += [(int(family), sockaddr) for family, _, _, _, sockaddr in answers]
    if not found:
        reason = failure.strerror if failure is not None and failure.strerror else "not a host name"
        raise ResolveError(f"cannot resolve {via}: {reason}; check the name and the network")
    return interleave(found)


def _for_resolver(name: str) -> str | bytes:
    """As bytes where that does: for text Python loads its tables of international names, for 2 ms."""
    return name.encode() if name.isascii() else name


def connect(host: str, port: int, via: str | None = None, timeout_s: float | None = None) -> socket.socket:
    """Connect to the first address of `host` that answers. `via` is how an error calls the other end; the
    time limit is CONNECT_TIMEOUT_S unless another is given.

    Raises `ResolveError`, or `ConnectError` with the reason of the first address.
    """
    shown = via or f"{bracketed(host)}:{port}"
    timeout_s = CONNECT_TIMEOUT_S if timeout_s is None else timeout_s
    race = _Race(resolve(host, port, via or host))
    try:
        sock = race.run(time.monotonic() + timeout_s)
    finally:
        race.close_losers()
    if sock is None:
        reason = os.strerror(race.first_error) if race.first_error else f"no answer in {timeout_s:g} s"
        hint = "is it running?" if is_loopback(host) else "check the address, the network and HTTPS_PROXY"
        failure = RefusedError if race.first_error in _NOBODY_LISTENS else ConnectError
        raise failure(f"cannot connect to {shown}: {reason}; {hint}")
    sock.setblocking(True)
    return sock


class _Race:
    """Connection attempts under way, staggered."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._waiting = list(addresses)
        self._running: dict[int, socket.socket] = {}
        self.first_error = 0

    def run(self, deadline: float) -> socket.socket | None:
        """The first socket that connects; None when all failed or `deadline` (monotonic) passed."""
        poll = select.poll()
        next_start = 0.0
        while self._waiting or self._running:
            now = time.monotonic()
            if now >= deadline:
                return None
            if self._waiting and (now >= next_start or not self._running):
                self._start(self._waiting.pop(0), poll)
                next_start = now + ATTEMPT_DELAY_S
                continue
            until = min(deadline, next_start) if self._waiting else deadline
            for descriptor, _ in poll.poll(max(1, (until - now) * 1000)):
                poll.unregister(descriptor)
                sock = self._running.pop(descriptor)
                error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error == 0:
                    return sock
                self._failed(sock, error)
                next_start = 0.0
        return None

    def _start(self, address: Address, poll: select.poll) -> None:
        family, sockaddr = address
        try:
            sock = new_socket(family, str(sockaddr[0]))
        except OSError as exc:
            self.first_error = self.first_error or exc.errno or 0
            return
        try:
            sock.connect(sockaddr)
        except BlockingIOError:
            pass
        except OSError as exc:
            self._failed(sock, exc.errno or 0)
            return
        self._running[sock.fileno()] = sock
        poll.register(sock.fileno(), select.POLLOUT)

    def _failed(self, sock: socket.socket, error: int) -> None:
        self.first_error = self.first_error or error
        sock.close()

    def close_losers(self) -> None:
        for sock in self._running.values():
            sock.close()


def open_tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy) -> None:
    """Ask the proxy at the other end of `sock` for a tunnel to `endpoint`. Raises `ProxyError`."""
    deadline = time.monotonic() + PROXY_TIMEOUT_S
    received = b""
    try:
        sock.settimeout(PROXY_TIMEOUT_S)
        sock.sendall(connect_request(endpoint, proxy))
        while not check_connect_response(received, endpoint, proxy):
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            chunk = sock.recv(4096)
            if not chunk:
                raise ProxyError(f"the proxy {proxy.shown} closed the connection instead of opening a tunnel")
            received += chunk
    except TimeoutError:
        raise ProxyError(f"the proxy {proxy.shown} gave no answer in {PROXY_TIMEOUT_S:.0f} s") from None
    except OSError as exc:
        raise ProxyError(f"the connection to the proxy {proxy.shown} failed: {exc.strerror}") from None


def start_tls(sock: socket.socket, context: ssl.SSLContext, endpoint: Endpoint, trust: Trust) -> TlsStream:
    """TLS over a connected socket, certificate and host name checked. Raises `TlsError`, as
    `HandshakeLostError` when the other end let the handshake down without saying why."""
    try:
        stream = TlsStream(sock, context, endpoint.host)
        stream.handshake(TLS_TIMEOUT_S)
    except TimeoutError:
        raise HandshakeLostError(
            f"{endpoint.authority} did not finish the TLS handshake in {TLS_TIMEOUT_S:.0f} s"
        ) from None
    except ssl.SSLCertVerificationError as exc:
        raise UntrustedError(explain_tls_failure(exc, endpoint.authority, trust), exc.verify_code) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as exc:
        raise HandshakeLostError(explain_tls_failure(exc, endpoint.authority, trust)) from None
    except (ssl.SSLError, ValueError) as exc:
        raise TlsError(explain_tls_failure(exc, endpoint.authority, trust)) from None
    except OSError as exc:
        raise HandshakeLostError(explain_tls_failure(exc, endpoint.authority, trust)) from None
    return stream
