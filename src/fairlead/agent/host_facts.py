"""What the node tells about itself: name, address, operating system. Shown to people, trusted by nobody."""

from __future__ import annotations

import platform
import shlex
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

AGENT_NAME = "fairlead-agent"
"""Reported in UpdateInstanceInformation; the version beside it is the protocol's `AGENT_VERSION`."""

OS_RELEASE_FILES = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
MAX_OS_RELEASE_BYTES = 64 * 1024


class HostFacts(NamedTuple):
    """The fields of UpdateInstanceInformation that describe the machine."""

    computer_name: str
    ip_address: str
    platform_name: str
    platform_type: str
    platform_version: str


def read_host_facts(server_host: str, server_port: int) -> HostFacts:
    """Ask the operating system; the address is the one that packets to the server would leave from."""
    release = read_os_release()
    return HostFacts(
        computer_name=socket.gethostname(),
        ip_address=source_address(server_host, server_port),
        platform_name=release.get("NAME", platform.system()),
        platform_type=platform.system() or "Linux",
        platform_version=release.get("VERSION_ID", platform.release()),
    )


def read_os_release() -> Mapping[str, str]:
    """The variables of os-release(5), empty where there is none."""
    for path in OS_RELEASE_FILES:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                return parse_os_release(file.read(MAX_OS_RELEASE_BYTES))
        except OSError:
            continue
    return {}


def parse_os_release(text: str) -> dict[str, str]:
    """Parse the shell-like assignments of os-release(5); lines that cannot be read are left out."""
    values = {}
    for line in text.splitlines():
        name, equals, quoted = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            words = shlex.split(quoted)
        except ValueError:
            continue
        values[name] = words[0] if words else ""
    return values


def source_address(host: str, port: int) -> str:
    """The local address of a route to `host`, found without sending a packet; "" when there is no route."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.connect(where)
            return str(probe.getsockname()[0])
    except OSError:
        return ""
