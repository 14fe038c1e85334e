"""Versions that programs announce, compared as numbers, and the one that a client must have.

From the Systems Manager User Guide, "Enable SSH connections through Session Manager": the plugin must have
version 1.1.23.0 or later.
"""

from __future__ import annotations

import re

MIN_CLIENT_VERSION_FOR_PORTS = (1, 1, 23, 0)

_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}", re.ASCII)
_PARTS = 4


def version_numbers(text: str) -> tuple[int, ...]:
    """The parts as numbers, so that 2.3.1000.0 comes after 2.3.672.0. What is no version comes first."""
    if not _VERSION.fullmatch(text):
        return ()
    parts = tuple(int(part) for part in text.split("."))
    return parts + (0,) * (_PARTS - len(parts))


def version_text(numbers: tuple[int, ...]) -> str:
    """As it is written: `1.1.23.0`."""
    return ".".join(map(str, numbers))


def is_client_too_old(announced: str) -> bool:
    """Whether a client must not carry a session to a port; one that announced nothing is let through, since
    plugins up to 1.2.650 tell their version only in the handshake."""
    return bool(announced) and version_numbers(announced) < MIN_CLIENT_VERSION_FOR_PORTS


def client_too_old_text(announced: str) -> str:
    """What the user of such a client is told."""
    needed = version_text(MIN_CLIENT_VERSION_FOR_PORTS)
    return f"the client has version {announced[:40]}: update the Session Manager plugin to {needed} or later"
