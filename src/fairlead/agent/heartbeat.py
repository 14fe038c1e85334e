"""The node's reports about itself: a short one as soon as it may speak, then a full one at every interval."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from fairlead.agent.backoff import Backoff
from fairlead.agent.credentials import explain
from fairlead.agent.errors import AgentError
from fairlead.agent.host_facts import AGENT_NAME, HostFacts
from fairlead.protocol.settings import AGENT_VERSION
from fairlead.transport.errors import TransportError

if TYPE_CHECKING:
    from fairlead.agent.credentials import RoleCredentials
    from fairlead.agent.service_client import ServiceClient

logger = logging.getLogger(__name__)

RETRY_FIRST_S = 5.0

SPREAD = 0.1
"""Part of the interval by which reports are moved at random, so that a fleet does not report in step."""


def short_report(instance_id: str, facts: HostFacts) -> dict[str, str]:
    """The members of the first UpdateInstanceInformation of a process."""
    return {
        "AgentName": AGENT_NAME,
        "AgentVersion": AGENT_VERSION,
        "InstanceId": instance_id,
        "PlatformType": facts.platform_type,
    }


def full_report(instance_id: str, facts: HostFacts) -> dict[str, str]:
    """The members of every later one, with the same keys as the stock agent sends."""
    return {
        **short_report(instance_id, facts),
        "AgentStatus": "Active",
        "AvailabilityZone": "",
        "AvailabilityZoneId": "",
        "ComputerName": facts.computer_name,
        "IPAddress": facts.ip_address,
        "PlatformName": facts.platform_name,
        "PlatformVersion": facts.platform_version,
        "SSMConnectionChannel": "ssmmessages",
    }


class Heartbeat:
    """Sends the reports. `uniform(low, high)` draws from chance; the other functions may block."""

    def __init__(
        self,
        service: ServiceClient,
        credentials: RoleCredentials,
        instance_id: str,
        read_facts: Callable[[], HostFacts],
        interval_s: float,
        uniform: Callable[[float, float], float],
        keep_checkpoint: Callable[[object], None] = lambda note: None,
    ) -> None:
        self._service = service
        self._credentials = credentials
        self._instance_id = instance_id
        self._read_facts = read_facts
        self._interval_s = interval_s
        self._uniform = uniform
        self._keep_checkpoint = keep_checkpoint
        self._retry = Backoff(min(RETRY_FIRST_S, interval_s), interval_s, uniform)

    async def run(self) -> None:
        """Report for ever."""
        await self._report_until_taken(short_report)
        while True:
            await self._report_until_taken(full_report)
            await asyncio.sleep(self._interval_s * (1 + self._uniform(-SPREAD, SPREAD)))

    async def _report_until_taken(self, compose: Callable[[str, HostFacts], dict[str, str]]) -> None:
        while True:
            facts = await asyncio.to_thread(self._read_facts)
            signer = await self._credentials.signer()
            try:
                report = compose(self._instance_id, facts)
                note = await self._service.update_instance_information(report, signer)
            except (AgentError, TransportError) as error:
                delay_s = self._retry.next_delay_s()
                logger.warning("heartbeat failed: %s; trying again in %.0f s", explain(error), delay_s)
                await asyncio.sleep(delay_s)
            else:
                self._retry.reset()
                if note is not None:
                    await asyncio.to_thread(self._keep_checkpoint, note)
                return
