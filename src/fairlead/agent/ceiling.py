"""What this node allows, whatever the server asks of it.

The server decides who may use a node; the node's owner decides here what can be reached through it at all.
A stolen or faulty server can therefore not turn the node into a way to other ports, other hosts or a shell.
Pure: names are compared, nothing is resolved, so that the answer cannot depend on someone's name server.
"""

from __future__ import annotations

from typing import NamedTuple

from fairlead.agent.errors import SessionRefusedError
from fairlead.transport.addresses import is_loopback
from fairlead.transport.errors import printable

LOOPBACK = "loopback"
"""The entry of `allow_hosts` that stands for `localhost` and every loopback address."""

PORT_SESSION = "Port"
"""The session type of ssh and of port forwarding (AWS session documents, `sessionType`)."""

KNOWN_SESSION_TYPES = frozenset({"Port", "Standard_Stream", "InteractiveCommands", "NonInteractiveCommands"})

MIN_PORT = 1
MAX_PORT = 65535


class PortRange(NamedTuple):
    """Ports from `first` to `last`, both included."""

    first: int
    last: int

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class Ceiling(NamedTuple):
    """The settings `allow_ports`, `allow_hosts` and `allow_session_types`, checked and parsed."""

    ports: tuple[PortRange, ...]
    hosts: tuple[str, ...]
    session_types: frozenset[str]

    def check_session_type(self, session_type: str) -> None:
        """Raise `SessionRefusedError`, naming the setting, unless sessions of this type are allowed."""
        if session_type not in self.session_types:
            raise SessionRefusedError(
                f"this node does not allow sessions of type {printable(session_type)!r}: its setting "
                f"allow_session_types is {_joined(sorted(self.session_types))}"
            )

    def check_target(self, host: str, port: int) -> None:
        """Raise `SessionRefusedError`, naming the setting, unless `host` and `port` may be connected to."""
        if not any(
            (allowed == LOOPBACK and is_loopback(host.lower())) or allowed == host.lower()
            for allowed in self.hosts
        ):
            raise SessionRefusedError(
                f"this node does not allow connections to host {printable(host)!r}: "
                f"its setting allow_hosts is {_joined(self.hosts)}"
            )
        if not any(allowed.first <= port <= allowed.last for allowed in self.ports):
            raise SessionRefusedError(
                f"this node does not allow connections to port {port}: its setting allow_ports is "
                f"{_joined([str(allowed) for allowed in self.ports])}"
            )


def parse_ports(entries: list[str]) -> tuple[PortRange, ...]:
    """Parse entries such as `22` or `8000-8099`. Raises `ValueError` with a sentence for the operator."""
    return tuple(_parse_port_range(entry.strip()) for entry in entries)


def parse_hosts(entries: list[str]) -> tuple[str, ...]:
    """Check and lower-case host entries: `loopback`, a name, or an address. Raises `ValueError`."""
    hosts = tuple(entry.strip().lower() for entry in entries)
    for host in hosts:
        if not host or any(character.isspace() or character in "/*?" for character in host):
            raise ValueError(f"allow_hosts: {host!r} is not a host name, an address or {LOOPBACK!r}")
    return hosts


def parse_session_types(entries: list[str]) -> frozenset[str]:
    """Check session types against those that session documents know. Raises `ValueError`."""
    for entry in entries:
        if entry not in KNOWN_SESSION_TYPES:
            raise ValueError(
                f"allow_session_types: {entry!r} is not one of {_joined(sorted(KNOWN_SESSION_TYPES))}"
            )
    return frozenset(entries)


def _parse_port_range(entry: str) -> PortRange:
    first, dash, last = entry.partition("-")
    numbers = (first, last if dash else first)
    if not all(number.isascii() and number.isdigit() and len(number) <= 5 for number in numbers):
        raise ValueError(f"allow_ports: {entry!r} is neither a port number nor a range such as 8000-8099")
    ports = PortRange(int(numbers[0]), int(numbers[1]))
    if not MIN_PORT <= ports.first <= ports.last <= MAX_PORT:
        raise ValueError(f"allow_ports: {entry!r} is not within {MIN_PORT}-{MAX_PORT}, lowest first")
    return ports


def _joined(entries: list[str] | tuple[str, ...]) -> str:
    return ", ".join(entries) if entries else "empty"
