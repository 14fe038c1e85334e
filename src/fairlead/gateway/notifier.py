"""The gateway's ear for what use cases did: from their threads to the event loop."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from fairlead.domain.sessions import Session, SessionEnd
from fairlead.gateway.control_channels import ControlChannels
from fairlead.gateway.live_sessions import LiveSessions
from fairlead.gateway.reconnecting import ReconnectingNodes

_log = logging.getLogger(__name__)


class GatewayNotifier:
    """`control.notifier.AgentNotifier` for one process. Does nothing until `attach`, and after `detach`.

    Made before the gateway, since the use cases that it is given to are made before the gateway too.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._live_sessions: LiveSessions | None = None
        self._control_channels: ControlChannels | None = None
        self._reconnecting: ReconnectingNodes | None = None

    def attach(
        self,
        loop: asyncio.AbstractEventLoop,
        live_sessions: LiveSessions,
        control_channels: ControlChannels,
        reconnecting: ReconnectingNodes,
    ) -> None:
        """From now on, pass news to these, on this loop."""
        self._live_sessions = live_sessions
        self._control_channels = control_channels
        self._reconnecting = reconnecting
        self._loop = loop

    def detach(self) -> None:
        """The gateway stops; what is not passed on is found in the store after the next start."""
        self._loop = None

    def session_started(self, session: Session) -> None:
        """Offer a new session to its node."""
        if self._live_sessions is not None:
            self._call(self._live_sessions.started, session)

    def session_terminated(self, session: Session, end: SessionEnd) -> None:
        """Tell both sides of a session that it is over, and close their channels."""
        if self._live_sessions is not None:
            self._call(self._live_sessions.terminated, session, end)

    def node_removed(self, node_id: str) -> None:
        """Close the channels of a node that was deregistered."""
        if self._live_sessions is not None:
            self._call(self._live_sessions.node_removed, node_id)

    def is_connected(self, node_id: str) -> bool:
        """True while the node has an open control channel. Safe on any thread: one look into a dict."""
        return self._control_channels is not None and self._control_channels.is_connected(node_id)

    def has_our_agent(self, node_id: str) -> bool:
        """True while our own agent is connected, which says so. Safe on any thread: one look into a dict."""
        return self._control_channels is not None and bool(self._control_channels.incarnation_of(node_id))

    def is_reconnecting(self, node_id: str) -> bool:
        """True while the node is expected back after a start. Safe on any thread: one look into a set."""
        return self._reconnecting is not None and node_id in self._reconnecting

    def bytes_of(self, session_id: str) -> tuple[int, int]:
        """What a session has carried so far. Safe on any thread: one look into a dict, and two numbers."""
        return self._live_sessions.bytes_of(session_id) if self._live_sessions is not None else (0, 0)

    def _call(self, callback: Callable[..., object], *arguments: Any) -> None:  # Any: as call_soon_threadsafe
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop was closed between the two lines
            _log.debug("the event loop is closed; %s is left to the next start", callback)
