"""Which agents can carry out which sessions (Systems Manager User Guide, "Session Manager prerequisites")."""

from fairlead.domain.documents import SessionDocument, SessionType
from fairlead.domain.errors import TargetUnsupported
from fairlead.domain.nodes import Node
from fairlead.protocol.versions import version_numbers, version_text

MIN_AGENT_VERSION = (2, 3, 68, 0)
MIN_AGENT_VERSION_FOR_PORTS = (2, 3, 672, 0)
MIN_AGENT_VERSION_FOR_REMOTE_HOSTS = (3, 1, 1374, 0)

OWN_AGENT_NAME = "fairlead-agent"
"""What our own agent calls itself in its heartbeats. It serves plain streams to a port."""


def check_agent(node: Node, document: SessionDocument, *, is_ours: bool = False) -> None:
    """Raise TargetUnsupported if the node's agent cannot do what the document asks for.

    `is_ours`: the control channel is known to be that of our own agent. One that has told neither its name
    nor its version is let through: its first heartbeat may still be on the way, and it refuses by itself what
    it cannot do.
    """
    is_ours = is_ours or node.heartbeat.agent_name == OWN_AGENT_NAME
    if is_ours and not document.is_raw_stream:
        raise TargetUnsupported(
            f"Document {document.name} asks for a session of type {_kind(document)}, which Fairlead's own "
            f"agent on {node.id} does not serve. It needs amazon-ssm-agent there and AWS's own "
            "session-manager-plugin here; ssh and scp work with AWS-StartSSHSession."
        )
    text, needed = node.heartbeat.agent_version, _needed_version(document)
    if text and version_numbers(text) < needed:
        raise TargetUnsupported(
            f"The agent of {node.id} has version {text}; this kind of session needs "
            f"{version_text(needed)} or later. Update the agent."
        )


def _needed_version(document: SessionDocument) -> tuple[int, ...]:
    if document.session_type is not SessionType.PORT:
        return MIN_AGENT_VERSION
    if document.properties.get("host"):
        return MIN_AGENT_VERSION_FOR_REMOTE_HOSTS
    return MIN_AGENT_VERSION_FOR_PORTS


def _kind(document: SessionDocument) -> str:
    forwarding = document.properties.get("type") if document.session_type is SessionType.PORT else None
    return f"{document.session_type.value} ({forwarding})" if forwarding else document.session_type.value
