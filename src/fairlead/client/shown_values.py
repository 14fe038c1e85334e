"""Moments, durations and sizes of a server's answers as text for people; `?` for what is not one."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(value: object) -> str:
    """Epoch seconds in UTC, to the second."""
    if not isinstance(value, int | float):
        return "?"
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(value: object) -> str:
    """Bytes, in steps of 1000."""
    if not isinstance(value, int):
        return "?"
    number = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """A span of time by its two largest units: `42s`, `3m10s`, `2h05m`, `4d03h`."""
    whole = max(0, int(seconds))
    for unit, length, smaller, smaller_length in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if whole >= length:
            return f"{whole // length}{unit}{whole % length // smaller_length:02}{smaller}"
    return f"{whole}s"
