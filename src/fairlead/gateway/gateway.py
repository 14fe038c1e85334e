"""The gateway as one value: what `server` makes, starts, puts into uvicorn, and stops.

    notifier = GatewayNotifier()              # given to the use cases
    gateway = Gateway(channels=..., run=..., authenticate=..., origin_of=..., check_host=..., notifier=...)
    await gateway.start()                     # on the event loop that serves
    config = uvicorn.Config(app, http=gateway.http_protocol, ws=gateway.upgrade_protocol, ...)
    listener = gateway.listener(bound_socket) # for uvicorn.Server.serve(sockets=[listener])
    ...
    await gateway.stop()

`app` has `gateway.routes` among its routes. `aiofastnet.patch_loop(loop)` before uvicorn serves gives the
faster transports, which the sockets then use without copies.
"""

import asyncio
import logging
import os
import socket as system_sockets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from starlette.routing import BaseRoute

from fairlead.domain.callers import Caller, Origin
from fairlead.domain.sessions import ChannelSide
from fairlead.gateway import rest
from fairlead.gateway.admission import Admission, AdmittingListener
from fairlead.gateway.clock import Rounds
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.control_channels import ControlChannels
from fairlead.gateway.doorkeeper import Doorkeeper, Identity
from fairlead.gateway.http_edge import make_http_protocol
from fairlead.gateway.live_sessions import LiveSessions, Run, SessionRecords
from fairlead.gateway.messages import Messages
from fairlead.gateway.notifier import GatewayNotifier
from fairlead.gateway.openings import Opening, Openings, TokenJudge
from fairlead.gateway.pacing import Pacing
from fairlead.gateway.presences import PresenceRecords, Presences
from fairlead.gateway.reconnecting import ReconnectingNodes
from fairlead.gateway.requests import Authenticate, ChannelAddress, CheckHost, OriginOf
from fairlead.gateway.resets import ResetWatch
from fairlead.gateway.security_events import SecurityEvents
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.sockets import ChannelSocket
from fairlead.gateway.twins import TwinRecords, TwinReports
from fairlead.gateway.upgrade import make_upgrade_protocol
from fairlead.gateway.work import BackgroundWork
from fairlead.protocol.message_ids import SEED_BYTES
from fairlead.transport.loop_errors import quieten_failed_handshakes

_log = logging.getLogger(__name__)


class Channels(SessionRecords, TokenJudge, PresenceRecords, TwinRecords, rest.TokenGiver, Protocol):
    """`control.channels.Channels`, as far as the gateway uses it."""

    def connected_nodes(self) -> list[str]: ...
    def record_security_event(
        self, who: Caller | Origin, name: str, details: Mapping[str, str | int]
    ) -> None: ...


class Gateway:
    """Control channels, data channels and the relay of one process. Made on the event loop that serves.

    `await run(function, *arguments)` calls a function of `channels` off the loop. `authenticate` judges a
    signed request, `origin_of` says where one came from, `check_host` knows the names of this server.
    """

    def __init__(
        self,
        *,
        channels: Channels,
        run: Run,
        authenticate: Authenticate,
        origin_of: OriginOf,
        check_host: CheckHost,
        notifier: GatewayNotifier,
        settings: GatewaySettings | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.loop = asyncio.get_running_loop()
        self.work = BackgroundWork(self.loop)
        self.admission = Admission(self.settings, self.loop)
        self.silence_rounds = Rounds(self.loop, self.settings.silence_check_s)
        self.doorkeeper = Doorkeeper(authenticate, origin_of, check_host)
        self.is_stopping = False
        self._resets = ResetWatch(self.loop)
        self._open_sockets: set[ChannelSocket] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._leaving: set[ChannelSocket] = set()
        self._nodes_gone = asyncio.Event()
        self._nodes_gone.set()
        self.http_protocol = make_http_protocol(self.admission, self.settings)
        self.upgrade_protocol = make_upgrade_protocol(self)
        self.routes: list[BaseRoute] = rest.routes(channels, run, self.doorkeeper, self.settings)
        self._notifier = notifier
        self._run = run
        self._connected_nodes = channels.connected_nodes
        messages = Messages(now, random_bytes(SEED_BYTES))
        self.security_events = SecurityEvents(
            channels.record_security_event, run, self.work, self.settings, now
        )
        self.presences = Presences(channels, run, self.work, self.settings, self.loop)
        self.control_channels = ControlChannels(
            messages, self.presences.ended, TwinReports(channels, run, self.work).seen
        )
        self.reconnecting = ReconnectingNodes(
            self.loop, self.settings.reconnecting_grace_s, self.settings.reconnecting_grace_per_node_s
        )
        self.pacing = Pacing(
            lambda: len(self.control_channels) + len(self.reconnecting),
            self.control_channels.of_our_agents,
            messages,
            self.settings,
            self.loop,
        )
        self.live_sessions = LiveSessions(
            records=channels,
            run=run,
            work=self.work,
            control_channels=self.control_channels,
            reconnecting=self.reconnecting,
            messages=messages,
            security_events=self.security_events,
            settings=self.settings,
            clock=self.loop,
            now=now,
        )
        self._openings = Openings(
            judge=channels,
            run=run,
            work=self.work,
            live_sessions=self.live_sessions,
            control_channels=self.control_channels,
            presences=self.presences,
            pacing=self.pacing,
            messages=messages,
            security_events=self.security_events,
            settings=self.settings,
            clock=self.loop,
        )

    async def start(self) -> None:
        """Take up the sessions of before and listen to the use cases. Call before serving."""
        quieten_failed_handshakes(self.loop)
        self._notifier.attach(self.loop, self.live_sessions, self.control_channels, self.reconnecting)
        connected = await self._run(self._connected_nodes)
        self.reconnecting.begin(connected, self.live_sessions.nodes_stayed_away)
        await self.live_sessions.recover()

    def listener(self, bound: system_sockets.socket) -> AdmittingListener:
        """The listening socket to serve on: takes `bound` over and counts what it accepts."""
        return AdmittingListener.adopt(bound, self.admission, self.settings.max_accepts_together)

    def open_channel(
        self,
        socket: ChannelSocket,
        address: ChannelAddress,
        identity: Identity,
        recognised: Callable[[], None],
    ) -> Opening:
        """Wait for the open frame of a new WebSocket; `recognised` is called when it is accepted."""
        return self._openings.begin(socket, address, identity, recognised)

    def socket_opened(self, socket: ChannelSocket) -> None:
        """Count a WebSocket, until `socket_gone`."""
        self._open_sockets.add(socket)
        self._resets.watch(socket)
        self._all_gone.clear()

    def socket_gone(self, socket: ChannelSocket) -> None:
        """Its connection ended."""
        self._open_sockets.discard(socket)
        self._resets.leave(socket)
        self._leaving.discard(socket)
        if not self._leaving:
            self._nodes_gone.set()
        if not self._open_sockets:
            self._all_gone.set()

    def begin_stop(self) -> None:
        """Close everything, clients last, and end no session: all of them may come back after the restart.

        A stock client may exit when its socket closes, so that is put off to the end, and a client of any
        kind gets what its agent had sent by now. May be called twice.
        """
        if self.is_stopping:
            return
        self.is_stopping = True
        self._notifier.detach()
        self.reconnecting.stop()
        self.presences.stop()
        self.pacing.stop()
        reason = "the server restarts"
        self.control_channels.close_all(CloseCode.RESTART, reason)
        self.live_sessions.stop(reason, ChannelSide.AGENT)
        self._leaving = {socket for socket in self._open_sockets if not socket.is_open}
        if self._leaving:
            self._nodes_gone.clear()
        self.work.spawn(self._close_clients(reason), purpose="close the clients' sockets")

    async def _close_clients(self, reason: str) -> None:
        """When the nodes have said goodbye, or have had their time for it."""
        try:
            await asyncio.wait_for(self._nodes_gone.wait(), self.settings.nodes_goodbye_s)
        except TimeoutError:
            _log.info("%d WebSockets of nodes did not say goodbye in time", len(self._leaving))
        self.live_sessions.stop(reason, ChannelSide.CLIENT)
        for socket in list(self._open_sockets):
            socket.close(CloseCode.RESTART, reason)

    async def stop(self, drain_s: float = 5.0) -> None:
        """Stop, waiting up to `drain_s` seconds for peers to leave and for work to be done."""
        self.begin_stop()
        deadline = self.loop.time() + drain_s
        try:
            await asyncio.wait_for(self._all_gone.wait(), drain_s)
        except TimeoutError:
            _log.info("%d WebSockets did not say goodbye in time", len(self._open_sockets))
        for socket in list(self._open_sockets):
            socket.abort()
        self.live_sessions.forget()
        await self.work.finish(max(0.1, deadline - self.loop.time()))
        self.admission.stop()
        self._resets.close()
