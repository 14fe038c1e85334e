"""Which agents can carry out which sessions (Systems Manager User Guide, "Session Manager prerequisites")."""

from fairlead.domain.errors import TargetUnsupported
from fairlead.domain.nodes import Node
from fairlead.protocol.versions import version_numbers, version_text

MIN_AGENT_VERSION_FOR_PORTS = (2, 3, 672, 0)


def check_agent_version(node: Node) -> None:
    """Raise TargetUnsupported if the node's agent is too old for sessions to a port.

    An agent that has not yet told its version is let through: its first heartbeat may still be on the way.
    """
    text = node.heartbeat.agent_version
    if not text:
        return
    if version_numbers(text) < MIN_AGENT_VERSION_FOR_PORTS:
        raise TargetUnsupported(
            f"The agent of {node.id} has version {text}; this kind of session needs "
            f"{version_text(MIN_AGENT_VERSION_FOR_PORTS)} or later. Update the agent."
        )
