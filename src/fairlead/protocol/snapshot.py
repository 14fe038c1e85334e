"""The bytes that carry a data channel to a successor process.

Magic and version, the length of a JSON part, the JSON part, then the unacknowledged frames one after another.
The reader trusts its own predecessor but not the disk or pipe in between: what is cut short, of another
version or inconsistent raises InvalidSnapshot.
"""

from __future__ import annotations

from fairlead.protocol import json_fields
from fairlead.protocol.errors import InvalidSnapshot, MalformedMessage
from fairlead.protocol.message import HEADER_BYTES, MAX_FRAME_BYTES
from fairlead.protocol.outgoing import HEADROOM_BYTES, OutgoingFrame

TYPE_CHECKING = False  # not imported from typing: that module costs milliseconds on the ProxyCommand path
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MAGIC = b"FLDC\x00\x01"
"""The last two bytes are the version of the format."""
MAX_STATE_BYTES = 1024 * 1024

_PREFIX_BYTES = len(MAGIC) + 4


def encode_snapshot(state: dict[str, Any], kept: Iterable[tuple[OutgoingFrame, int]]) -> bytes:
    """`kept` are the unacknowledged frames in order, each with what it takes of the window."""
    frames = []
    table = []
    for frame, window_bytes in kept:
        frames.append(frame.message)
        table.append([frame.sequence, len(frame), window_bytes])
    described = json_fields.dump(state | {"frames": table})
    return b"".join((MAGIC, len(described).to_bytes(4, "big"), described, *frames))


def decode_snapshot(snapshot: bytes) -> tuple[dict[str, Any], list[tuple[OutgoingFrame, int]]]:
    """The state and the frames. Raises InvalidSnapshot."""
    if not snapshot.startswith(MAGIC):
        raise InvalidSnapshot("not a snapshot of a data channel in a version this program reads")
    start = _PREFIX_BYTES + int.from_bytes(snapshot[len(MAGIC) : _PREFIX_BYTES], "big")
    try:
        state = json_fields.parse_object(snapshot[_PREFIX_BYTES:start], "the snapshot", MAX_STATE_BYTES)
    except MalformedMessage as error:
        raise InvalidSnapshot(str(error)) from None
    kept = []
    previous = -1
    view = memoryview(snapshot)
    for sequence, size, window_bytes in _table(state):
        end = start + size
        if end > len(snapshot):
            raise InvalidSnapshot("the snapshot is cut short")
        if sequence <= previous:
            raise InvalidSnapshot("frames of the snapshot are out of order")
        buffer = bytearray().join((bytes(HEADROOM_BYTES), view[start:end]))
        kept.append((OutgoingFrame(buffer, sequence), window_bytes))
        start, previous = end, sequence
    if start != len(snapshot):
        raise InvalidSnapshot("the snapshot has bytes after its last frame")
    return state, kept


def _table(state: dict[str, Any]) -> Iterable[list[int]]:
    table = state.get("frames")
    if not isinstance(table, list):
        raise InvalidSnapshot("the snapshot lists no frames")
    for row in table:
        if not (isinstance(row, list) and len(row) == 3 and all(type(number) is int for number in row)):
            raise InvalidSnapshot("a frame of the snapshot is not described by three numbers")
        if not (HEADER_BYTES < row[1] <= MAX_FRAME_BYTES and 0 <= row[2] < row[1]):
            raise InvalidSnapshot("a frame of the snapshot has an impossible size")
        yield row
