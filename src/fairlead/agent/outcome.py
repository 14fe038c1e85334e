"""How sessions end: the value that every way of ending one comes to."""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.protocol.control_channel import FinalTaskStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a session ended: an AWS `FinalTaskStatus`, and a sentence for the user unless it is a success."""

    status: str
    output: str = ""


STOPPED = Outcome(FinalTaskStatus.CANCELLED, "the agent on the node was stopped")
ENDED_BY_SERVER = Outcome(FinalTaskStatus.SUCCESS, "")
UNKNOWN = Outcome(
    FinalTaskStatus.FAILED, "the agent does not know the session; it was started anew meanwhile"
)
FAULT = Outcome(FinalTaskStatus.FAILED, "a fault in the agent ended the session; see the agent's log")
NOT_HANDED_OVER = Outcome(
    FinalTaskStatus.CANCELLED,
    "the agent on the node was restarted while the connection to the target was in no state to be kept",
)


def not_taken_up(reason: str) -> Outcome:
    """The agent was restarted, and its successor cannot go on with the session."""
    return Outcome(
        FinalTaskStatus.FAILED,
        f"the agent on the node was restarted and could not take the session up: {reason}",
    )
