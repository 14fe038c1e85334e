"""Open TCP connections on asyncio: Happy Eyeballs, and a tunnel where a proxy is named.

Decides like `transport.dialer`, whose pure parts it shares. TLS and everything above it is left to the
caller, who gets a connected socket.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from fairlead.transport.addresses import bracketed
from fairlead.transport.dialer import ATTEMPT_DELAY_S, interleave, literal_address, lookup_names
from fairlead.transport.errors import ConnectError, ProxyError, ResolveError
from fairlead.transport.proxies import check_connect_response, connect_request, proxy_for
from fairlead.transport.tcp import new_socket

if TYPE_CHECKING:
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.dialer import Address
    from fairlead.transport.proxies import Proxy

_PROXY_READ_BYTES = 1024
_IP_BIND_ADDRESS_NO_PORT = 24
"""From <linux/in.h>; Python names it from 3.12 on."""


async def open_endpoint(endpoint: Endpoint, environ: Mapping[str, str], timeout_s: float) -> socket.socket:
    """A connected, non-blocking socket on which `endpoint` is the next to be spoken to, TCP_NODELAY set.

    `environ` names the proxies. Raises a `TransportError` that says which hop failed.
    """
    proxy = proxy_for(endpoint, environ)
    hop = endpoint.authority if proxy is None else f"the proxy {proxy.shown}"
    try:
        async with asyncio.timeout(timeout_s):
            if proxy is None:
                return await connect(await resolve(endpoint.host, endpoint.port), hop)
            return await _open_tunnel(endpoint, proxy, hop)
    except TimeoutError:
        raise ConnectError(f"{hop} did not accept a connection within {timeout_s:g} s") from None


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of `host` in the order to try them; `localhost` is ::1 and 127.0.0.1.

    The resolver is asked on a thread, and only where there is something to ask. Raises `ResolveError`.
    """
    loop = asyncio.get_running_loop()
    found: list[Address] = []
    reason = "not a host name"
    for name in lookup_names(host):
        written_out = literal_address(name, port)
        if written_out is not None:
            found.append(written_out)
            continue
        try:
            answers = await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or reason
            continue
        found += [(int(family), where) for family, _, _, _, where in answers]
    if not found:
        raise ResolveError(f"cannot resolve {bracketed(host)}: {reason}; check the name and the network")
    return interleave(found)


async def connect(addresses: Sequence[Address], shown: str, source: str | None = None) -> socket.socket:
    """Race `addresses` (RFC 8305): each has a head start over the next, the first that connects wins.

    `source` is an IPv4 address to connect from; where it cannot be bound it is left out. The caller bounds
    the time. Raises `ConnectError` with the reason of the first failure and `shown` for the other end's
    name.
    """
    waiting = list(addresses)
    attempts: list[asyncio.Task[socket.socket | OSError]] = []
    failures: list[OSError] = []
    winner: socket.socket | None = None
    try:
        async with asyncio.TaskGroup() as group:
            running: set[asyncio.Task[socket.socket | OSError]] = set()
            while winner is None and (waiting or running):
                if waiting:
                    attempts.append(group.create_task(_attempt(waiting.pop(0), source)))
                    running.add(attempts[-1])
                head_start = ATTEMPT_DELAY_S if waiting else None
                done, running = await asyncio.wait(
                    running, timeout=head_start, return_when=asyncio.FIRST_COMPLETED
                )
                for outcome in [attempt.result() for attempt in done]:
                    if isinstance(outcome, OSError):
                        failures.append(outcome)
                    else:
                        winner = winner or outcome
            for attempt in running:
                attempt.cancel()
    except BaseException:
        winner = None
        raise
    finally:
        _close_losers(attempts, winner)
    if winner is None:
        code = failures[0].errno if failures else None
        raise ConnectError(f"cannot connect to {shown}: {os.strerror(code) if code else 'it has no address'}")
    return winner


async def _attempt(address: Address, source: str | None) -> socket.socket | OSError:
    """One connection, or why there is none: a failure must not end its rivals."""
    family, where = address
    try:
        candidate = new_socket(family, str(where[0]))
    except OSError as error:
        return error
    try:
        if source is not None and family == socket.AF_INET:
            _bind(candidate, source)
        await asyncio.get_running_loop().sock_connect(candidate, where)
    except OSError as error:
        candidate.close()
        return error
    except BaseException:
        candidate.close()
        raise
    return candidate


def _close_losers(attempts: Sequence[asyncio.Task[socket.socket | OSError]], winner: object) -> None:
    for attempt in attempts:
        if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
            outcome = attempt.result()
            if isinstance(outcome, socket.socket) and outcome is not winner:
                outcome.close()


def _bind(candidate: socket.socket, source: str) -> None:
    """Let `candidate` connect from `source`, or from where the system likes when that cannot be bound."""
    try:
        # Without this option the port is chosen before the destination is known, and the source address has
        # one range of ports for all destinations together (ip(7), IP_BIND_ADDRESS_NO_PORT).
        candidate.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        candidate.bind((source, 0))
    except OSError:
        return


async def _open_tunnel(endpoint: Endpoint, proxy: Proxy, hop: str) -> socket.socket:
    loop = asyncio.get_running_loop()
    tunnel = await connect(await resolve(proxy.host, proxy.port), hop)
    try:
        await loop.sock_sendall(tunnel, connect_request(endpoint, proxy))
        received = b""
        while not check_connect_response(received, endpoint, proxy):
            more = await loop.sock_recv(tunnel, _PROXY_READ_BYTES)
            if not more:
                raise ProxyError(f"{hop} closed the connection instead of opening a tunnel")
            received += more
    except OSError as error:
        tunnel.close()
        raise ProxyError(f"the connection to {hop} failed: {error.strerror}") from error
    except BaseException:
        tunnel.close()
        raise
    return tunnel
