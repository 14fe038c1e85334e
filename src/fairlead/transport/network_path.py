"""The hops from this machine to an endpoint, each tried by itself: from its name to the clock behind it.

For `fairlead doctor`. What is tried is what the dialer does, by the dialer's own functions and in its order,
so that a diagnosis and a session agree; only the steps are apart. Blocking, and one connection for all.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING

from fairlead.transport.diagnosis import Broken, Check, NotKnown, split_remedy
from fairlead.transport.dialer import connect, open_tunnel, resolve, start_tls
from fairlead.transport.errors import ProxyError, TlsError, UntrustedError
from fairlead.transport.http import exchange, request_bytes
from fairlead.transport.proxies import proxy_for
from fairlead.transport.tls import client_context

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.http import Response
    from fairlead.transport.proxies import Proxy
    from fairlead.transport.tls import Trust
    from fairlead.transport.tls_stream import Connection

ANSWER_TIMEOUT_S = 15.0
"""For the answer to one request without a signature."""

ALLOWED_SKEW_S = 300.0
"""Signatures further from the server's clock are refused (SigV4)."""

HEALTH_TARGET = "/healthz"
"""What is asked for: a page of our server. Others answer as well, with an error, and with the date."""

_NOT_YET_VALID, _HAS_EXPIRED = 9, 10
_WRONG_NAME = (62, 64)
"""X509_V_ERR_… of OpenSSL's x509_vfy.h: times, and a host name or address that the certificate lacks."""


class NetworkPath:
    """The way to an endpoint. `destination` gives it, and whom to trust, when the first hop is tried;
    `ca_remedy` says how this side is told whom to trust, `clock` gives epoch seconds; `asked` is the page
    that is asked for."""

    def __init__(
        self,
        destination: Callable[[], tuple[Endpoint, Trust]],
        environ: Mapping[str, str],
        ca_remedy: str,
        *,
        clock: Callable[[], float] = time.time,
        connect_timeout_s: float | None = None,
        asked: str = HEALTH_TARGET,
    ) -> None:
        self._destination = destination
        self._environ = environ
        self._ca_remedy = ca_remedy
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._proxy: Proxy | None = None
        self._socket: socket.socket | None = None
        self._connection: Connection | None = None
        self._asked = asked
        self.answer: Response | None = None
        """The answer to one request without a signature, once there is one."""

    @cached_property
    def endpoint(self) -> Endpoint:
        """Where the path leads."""
        return self._destination()[0]

    @cached_property
    def _trust(self) -> Trust:
        return self._destination()[1]

    def checks(self) -> list[Check]:
        """All hops in their order."""
        return [
            Check("name resolution", self._resolve),
            Check("proxy", self._pass_proxy),
            Check("connection", self._connect),
            Check("TLS", self._secure),
            Check("answer", self._ask),
            Check("clock", self._compare_clocks),
        ]

    def close(self) -> None:
        """Let go of the connection."""
        for each in (self._connection, self._socket):
            if each is not None:
                each.close()
        self._connection = self._socket = None

    def _resolve(self) -> str:
        try:
            proxy = proxy_for(self.endpoint, self._environ)
        except ProxyError as error:
            raise NotKnown("the proxy would do it, whose setting cannot be used") from error
        host, port = (proxy.host, proxy.port) if proxy else (self.endpoint.host, self.endpoint.port)
        addresses = resolve(host, port, f"the proxy {proxy.shown}" if proxy else host)
        shown = ", ".join(str(where[0]) for _, where in addresses)
        return f"{shown}, of the proxy: that resolves {self.endpoint.host} itself" if proxy else shown

    def _pass_proxy(self) -> str:
        proxy = self._proxy = proxy_for(self.endpoint, self._environ)
        if proxy is None:
            return "none is used"
        tunnel = connect(proxy.host, proxy.port, f"the proxy {proxy.shown}", self._connect_timeout_s)
        try:
            open_tunnel(tunnel, self.endpoint, proxy)
        except BaseException:
            tunnel.close()
            raise
        self._socket = tunnel
        return f"{proxy.shown} opens a tunnel"

    def _connect(self) -> str:
        endpoint = self.endpoint
        if self._socket is not None:
            return f"{endpoint.authority} through the proxy"
        self._socket = connect(endpoint.host, endpoint.port, None, self._connect_timeout_s)
        return f"{endpoint.authority} at {self._socket.getpeername()[0]}"

    def _secure(self) -> str:
        assert self._socket is not None
        if not self.endpoint.uses_tls:
            self._connection = self._socket
            return "not used: the address is http:// on loopback"
        try:
            context = client_context(self._trust)
        except TlsError as error:
            raise Broken(str(error), self._ca_remedy) from error
        try:
            self._connection = start_tls(self._socket, context, self.endpoint, self._trust)
        except UntrustedError as error:
            raise Broken(split_remedy(error)[0], self._untrusted_remedy(error.verify_code)) from error
        return f"trusted by {self._trust.shown}"

    def _untrusted_remedy(self, code: int) -> str:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if code == _HAS_EXPIRED:
            return (
                f"renew it on the server; or is this machine's clock wrong? It says {now:%Y-%m-%d %H:%M} UTC"
            )
        if code == _NOT_YET_VALID:
            return f"set this machine's clock (NTP), which says {now:%Y-%m-%d %H:%M} UTC"
        if code in _WRONG_NAME:
            return (
                f"use a name that it is for, or start the server with --public-url https://"
                f"{self.endpoint.host_header} as well"
            )
        intercepted = " (or that of the proxy, which puts its own in place)" if self._proxy else ""
        return self._ca_remedy + intercepted

    def _ask(self) -> str:
        assert self._connection is not None
        request = request_bytes("GET", self._asked, [("Host", self.endpoint.host_header)])
        self.answer = exchange(self._connection, request, ANSWER_TIMEOUT_S, self.endpoint.authority)
        return f"HTTP {self.answer.head.status}"

    def _compare_clocks(self) -> str:
        assert self.answer is not None
        try:
            theirs = parsedate_to_datetime(self.answer.head.value("date")).timestamp()
        except (ValueError, OverflowError) as error:
            raise NotKnown("the answer has no date") from error
        difference = self._clock() - theirs
        direction = "fast" if difference > 0 else "slow"
        if abs(difference) > ALLOWED_SKEW_S:
            raise Broken(
                f"this machine's clock is {abs(difference):.0f} s {direction} against {self.endpoint.host},"
                f" which refuses signatures from more than {ALLOWED_SKEW_S:.0f} s away",
                "set the clock of this machine, or of the server if that is the wrong one (NTP)",
            )
        return f"{abs(difference):.0f} s apart"
