"""Comparing the dotted versions that agent and client announce, for gates on what the other end can do."""

from __future__ import annotations

_MAX_VERSION_CHARACTERS = 64


def parse_version(version: str) -> tuple[int, ...] | None:
    """The numeric parts of a dotted version; None when it is anything else."""
    if len(version) > _MAX_VERSION_CHARACTERS:
        return None
    parts = version.split(".")
    if not all(part.isascii() and part.isdigit() for part in parts):
        return None
    return tuple(int(part) for part in parts)


def is_version_above(version: str, gate: str) -> bool:
    """Whether `version` is greater than `gate`, number by number. Versions with different numbers of parts
    are not comparable: false, as in the official client, which then takes the feature as not supported."""
    found, needed = parse_version(version), parse_version(gate)
    return found is not None and needed is not None and len(found) == len(needed) and found > needed
