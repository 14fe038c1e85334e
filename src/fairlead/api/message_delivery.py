"""`GetMessages` of `ec2messages`: what the stock agent polls while it has no control channel.

There is never a message: everything goes over the control channel. The agent takes a quick answer for a fault
and a few of them for a reason to pause, so the answer comes slowly.
"""

import asyncio
from dataclasses import dataclass

from fairlead.aws.shapes import Integer, ListOf, Operation, String, member
from fairlead.control.authorization import deny, node_arn
from fairlead.domain.callers import Caller

POLL_S = 15.0
"""How long a poll is held. The agent counts less than 10 s as a fault and starts the next one afterwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMessagesRequest:
    """Whose messages. Seen on the wire from the agent in version 3.3; in no published model."""

    destination: str = member("Destination", String(min=1, max=256), required=True)
    messages_request_id: str | None = member("MessagesRequestId", String(max=256))
    visibility_timeout_in_seconds: int | None = member("VisibilityTimeoutInSeconds", Integer())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMessagesResponse:
    """No messages; the rest is repeated from the request."""

    destination: str | None = member("Destination", String())
    messages_request_id: str | None = member("MessagesRequestId", String())
    messages: tuple[str, ...] | None = member("Messages", ListOf(String()))


GET_MESSAGES = Operation("ec2messages", "GetMessages", GetMessagesRequest, GetMessagesResponse)


class MessagePolls:
    """Holds polls back, until the server stops."""

    def __init__(self, poll_s: float = POLL_S) -> None:
        self._poll_s = poll_s
        self._stopping = asyncio.Event()

    async def get_messages(self, caller: Caller, request: GetMessagesRequest) -> GetMessagesResponse:
        """Wait, then answer that there is nothing. Raises AccessDenied unless a node asks for itself."""
        if caller.node_id is None or caller.node_id != request.destination:
            destination = node_arn(caller, request.destination)
            raise deny(
                caller, GET_MESSAGES.action, destination, "because a node may call this for itself only"
            )
        try:
            async with asyncio.timeout(self._poll_s):
                await self._stopping.wait()
        except TimeoutError:
            pass  # the usual end of a poll
        return GetMessagesResponse(
            destination=request.destination, messages_request_id=request.messages_request_id, messages=()
        )

    def stop(self) -> None:
        """Answer every poll now."""
        self._stopping.set()
