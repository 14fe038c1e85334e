"""Which agents can carry out which sessions (Systems Manager User Guide, "Session Manager prerequisites")."""

import re

from fairlead.domain.errors import TargetUnsupported
from fairlead.domain.nodes import Node

MIN_AGENT_VERSION_FOR_PORTS = (2, 3, 672, 0)
_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}", re.ASCII)
_PARTS = 4


def check_agent_version(node: Node) -> None:
    """Raise TargetUnsupported if the node's agent is too old for sessions to a port.

    An agent that has not yet told its version is let through: its first heartbeat may still be on the way.
    """
    text = node.heartbeat.agent_version
    if not text:
        return
    if _numbers(text) < MIN_AGENT_VERSION_FOR_PORTS:
        needed = ".".join(map(str, MIN_AGENT_VERSION_FOR_PORTS))
        raise TargetUnsupported(
            f"The agent of {node.id} has version {text}; this kind of session needs {needed} or later. "
            "Update the agent."
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The parts as numbers, so that 2.3.1000.0 comes after 2.3.672.0. What is no version comes first."""
    if not _VERSION.fullmatch(version):
        return ()
    parts = tuple(int(part) for part in version.split("."))
    return parts + (0,) * (_PARTS - len(parts))
