"""What a fuzz target is, and the oracle that holds for all of them.

A target reads bytes as one decoder of the product gets them. Whatever the bytes are, it returns, or raises an
error of the documented type with a short text. Anything else, an assertion about what was read
included, is a finding.
"""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

MAX_ERROR_CHARACTERS = 2_500
"""Errors repeat pieces of what they refuse: every one of them is cut somewhere."""

VECTORS = Path(__file__).parents[1] / "vectors"


class Target(NamedTuple):
    """`covers` are the functions that it feeds, as `package.module:name` below `fairlead`. `refuses_with` may
    come out of `read`, nothing else. `seeds` are good inputs, or nearly good ones, to begin with."""

    name: str
    read: Callable[[bytes], object]
    refuses_with: tuple[type[Exception], ...]
    covers: tuple[str, ...]
    seeds: Callable[[], Iterable[bytes]]


def check(target: Target, data: bytes) -> str:
    """Read `data`; the text of the error with which it was refused, empty when it was taken."""
    try:
        target.read(data)
    except target.refuses_with as refused:
        text = str(refused)
        assert len(text) <= MAX_ERROR_CHARACTERS, f"{len(text)} characters of error"
        return text or type(refused).__name__
    return ""


@cache
def recorded_frames() -> tuple[bytes, ...]:
    """Frames of the official programs: the first two of each type in each recording."""
    chosen: dict[tuple[str, bytes], list[bytes]] = {}
    for path in sorted((VECTORS / "frames").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row.get("opcode") == "binary" and row.get("hex"):
                frame = bytes.fromhex(row["hex"])
                chosen.setdefault((path.name, frame[4:36]), []).append(frame)
    return tuple(dict.fromkeys(frame for frames in chosen.values() for frame in frames[:2]))


@cache
def recorded_requests() -> tuple[bytes, ...]:
    """HTTP requests of the official programs as they are on the wire, one per operation and altered ones."""
    chosen: dict[tuple[str, str], bytes] = {}
    for path in sorted((VECTORS / "http").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            head = [f"{row['method']} {row['target']} HTTP/1.1"]
            head += [f"{name}: {value}" for name, value in row["headers"]]
            request = "\r\n".join([*head, "", ""]).encode("latin-1") + bytes.fromhex(
                row.get("body_hex") or ""
            )
            chosen.setdefault((path.name, row.get("mutation") or row["operation"]), request)
    return tuple(dict.fromkeys(chosen.values()))


def as_json(*documents: object) -> list[bytes]:
    """Documents as a peer may send them."""
    return [json.dumps(document).encode() for document in documents]
