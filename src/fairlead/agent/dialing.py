"""Connecting to the program on this node that a session is to lead to."""

from __future__ import annotations

import asyncio
import sys
from socket import AF_INET
from typing import TYPE_CHECKING

from fairlead.agent.errors import TargetUnreachableError
from fairlead.agent.source_address import source_address
from fairlead.transport.addresses import bracketed, is_loopback
from fairlead.transport.asyncio_dialer import connect, resolve
from fairlead.transport.errors import TransportError

if TYPE_CHECKING:
    from socket import socket

    from fairlead.agent.session_document import PortRequest
    from fairlead.agent.settings import AgentSettings


def shown_target(request: PortRequest) -> str:
    """Where a session leads, for people."""
    return f"{bracketed(request.host)}:{request.port}"


async def dial_target(request: PortRequest, owner: str, settings: AgentSettings) -> socket:
    """A connection to the target, on behalf of the principal `owner`. Raises `TargetUnreachableError`."""
    source = None
    try:
        async with asyncio.timeout(settings.dial_timeout_s):
            addresses = await resolve(request.host, request.port)
            if settings.source_address_per_principal and sys.platform == "linux":
                # A principal's own address exists in IPv4 only, so that family goes first.
                addresses.sort(key=lambda address: address[0] != AF_INET)
                if is_loopback(str(addresses[0][1][0])):
                    source = source_address(owner)
            return await connect(addresses, shown_target(request), source)
    except TimeoutError:
        reason = f"{shown_target(request)} did not answer within {settings.dial_timeout_s:g} s"
    except TransportError as error:
        reason = str(error)
    raise TargetUnreachableError(f"Unable to connect to specified port: {reason}; is it running on the node?")
