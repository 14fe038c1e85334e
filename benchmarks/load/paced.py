"""Many sessions at a modest pace through a relay, and how long each message takes to be answered.

    python -m benchmarks.load.paced PORT SESSIONS SECONDS [CA]

Every session sends 16 KiB 32 times a second, half a megabyte per second; its other end answers each message
at once with 64 bytes. Prints one JSON object: {"round_trips_s": [...], "mb_per_s": N}. CA: a PEM file, with
TLS. Both ends of all sessions are in this process, in pairs: see `benchmarks.load.relay`.
"""

import asyncio
import json
import ssl
import struct
import sys
import time
from collections.abc import Callable

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from fairlead.protocol.message import (
    HEADER_BYTES,
    INPUT_STREAM_DATA,
    OUTPUT_STREAM_DATA,
    PayloadType,
    make_frame,
)

PAYLOAD_BYTES = 16 * 1024
ANSWER_BYTES = 64
INTERVAL_S = 1 / 32
WARM_UP_S = 1.0
LAST_ANSWERS_S = 1.0
MAX_FRAME_BYTES = 1 << 20
_STAMP = struct.Struct("!d")


def message(message_type: bytes, size: int) -> bytearray:
    """A stream message; its payload begins with room for a time stamp."""
    return bytearray(
        make_frame(
            message_type,
            bytes(size),
            message_id=bytes(16),
            created_date=1,
            payload_type=PayloadType.OUTPUT,
        )
    )


class _End(WSListener):
    """One end of a session; `heard` gets the time stamp of what arrives."""

    def __init__(self, message_type: bytes, size: int, heard: Callable[["_End", float], None]) -> None:
        self._message = message(message_type, size)
        self._heard = heard
        self._transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self._heard(self, _STAMP.unpack_from(frame.get_payload_as_memoryview(), HEADER_BYTES)[0])

    def send(self, stamp: float) -> None:
        """A message with this time stamp."""
        if self._transport is not None:
            _STAMP.pack_into(self._message, HEADER_BYTES, stamp)
            self._transport.send(WSMsgType.BINARY, self._message)


class Load:
    """All sessions, and what they measure."""

    def __init__(self) -> None:
        self._round_trips_s: list[float] = []
        self._counts_from = 0.0
        self._sent = 0

    async def run(self, url: str, context: ssl.SSLContext | None, sessions: int, seconds: float) -> None:
        """Connect, send, print."""
        clients = []
        for _ in range(sessions):
            agent = _End(OUTPUT_STREAM_DATA, ANSWER_BYTES, lambda end, stamp: end.send(stamp))
            client = _End(INPUT_STREAM_DATA, PAYLOAD_BYTES, self._answered)
            for end in (agent, client):
                await ws_connect(
                    lambda *_, end=end: end, url, ssl_context=context, max_frame_size=MAX_FRAME_BYTES
                )
            clients.append(client)
        print("ready", flush=True)
        started = time.perf_counter()
        self._counts_from = started + WARM_UP_S
        ends_at = started + seconds
        pauses = [self._pace(client, number / sessions, ends_at) for number, client in enumerate(clients)]
        await asyncio.gather(*pauses)
        took = time.perf_counter() - started - LAST_ANSWERS_S
        found = {"round_trips_s": self._round_trips_s, "mb_per_s": self._sent * PAYLOAD_BYTES / took / 1e6}
        print(json.dumps(found), flush=True)

    def _answered(self, _end: _End, stamp: float) -> None:
        if stamp >= self._counts_from:
            self._round_trips_s.append(time.perf_counter() - stamp)

    async def _pace(self, client: _End, phase: float, ends_at: float) -> None:
        due = time.perf_counter() + phase * INTERVAL_S
        while due < ends_at:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            client.send(due)  # from when it was due: a late start counts
            self._sent += 1
            due += INTERVAL_S
        await asyncio.sleep(LAST_ANSWERS_S)


def main(arguments: list[str]) -> None:
    """As the module says."""
    port, sessions, seconds = arguments[0], int(arguments[1]), float(arguments[2])
    context = None
    if len(arguments) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(arguments[3])
    url = f"{'wss' if context else 'ws'}://127.0.0.1:{port}/"
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(Load().run(url, context, sessions, seconds))


if __name__ == "__main__":
    main(sys.argv[1:])
