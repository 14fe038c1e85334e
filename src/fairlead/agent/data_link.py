"""The WebSocket of one session's data channel: opened, and opened again as long as the session may wait."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import TYPE_CHECKING

from fairlead.agent.backoff import Backoff
from fairlead.agent.connector import wait_closed
from fairlead.agent.credentials import explain
from fairlead.agent.errors import AgentError, ServiceError
from fairlead.agent.gateway_client import TERMINATED, GatewayClient, Liveness
from fairlead.agent.outcome import Outcome
from fairlead.protocol.control_channel import FinalTaskStatus
from fairlead.protocol.open_channel import AgentOpen
from fairlead.transport.asyncio_link import MAX_LINK_FRAME_BYTES, WebSocketLink
from fairlead.transport.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable

    from picows import WSTransport

    from fairlead.agent.settings import AgentSettings
    from fairlead.transport.asyncio_link import LinkUser

RECONNECT_FIRST_S = 0.1
RECONNECT_CAP_S = 2.0
"""Bounds of the delay before a lost data channel is opened again."""


class DataLink:
    """Opens the data channel of `session_id` for `endpoint`; `log(text, *arguments)` is told of failures."""

    def __init__(
        self,
        endpoint: LinkUser,
        gateway: GatewayClient,
        session_id: str,
        instance_id: str,
        settings: AgentSettings,
        log: Callable[..., None],
    ) -> None:
        self._endpoint = endpoint
        self._gateway = gateway
        self._session_id = session_id
        self._instance_id = instance_id
        self._settings = settings
        self._log = log
        self._loop = asyncio.get_running_loop()

    async def keep(self) -> Outcome:
        """Hold a data channel open until the session is over for the server, or none could be had for too
        long."""
        backoff = Backoff(RECONNECT_FIRST_S, RECONNECT_CAP_S, random.uniform)
        last_up = self._loop.time()
        while True:
            opened_at = self._loop.time()
            was_up = False
            try:
                # Also the wait for credentials is part of the time that a session may be without a link.
                left_s = last_up + self._settings.resume_window_s - opened_at
                async with asyncio.timeout(max(left_s, self._settings.request_timeout_s)):
                    transport = await self._open()
                was_up = True
                await wait_closed(transport)
            except TimeoutError:
                self._log("no data channel: no answer in time")
            except ServiceError as error:
                if TERMINATED in error.text:
                    return Outcome(FinalTaskStatus.SUCCESS, "the session was ended by the server")
                self._log("data channel refused: %s", explain(error))
            except (AgentError, TransportError) as error:
                self._log("no data channel: %s", error)
            if was_up:
                last_up = self._loop.time()
                if last_up - opened_at > RECONNECT_CAP_S:
                    backoff.reset()
            if self._loop.time() - last_up > self._settings.resume_window_s:
                return Outcome(
                    FinalTaskStatus.FAILED,
                    "the data channel was lost and could not be restored within the agent's resume_window_s "
                    f"of {self._settings.resume_window_s:g} s",
                )
            await asyncio.sleep(backoff.next_delay_s())

    async def _open(self) -> WSTransport:
        token = await self._gateway.create_data_channel(self._session_id)
        open_frame = AgentOpen(
            str(uuid.uuid4()), token, self._instance_id, incarnation=self._gateway.incarnation
        ).encode()
        link = WebSocketLink(self._endpoint, open_frame)
        liveness = Liveness(
            self._settings.data_ping_interval_s,
            min(self._settings.pong_timeout_s, self._settings.data_ping_interval_s),
        )
        return await self._gateway.open_data_channel(self._session_id, link, MAX_LINK_FRAME_BYTES, liveness)
