"""A server in an attacker's hands and the real client: nothing false on stdout, plain words, an end."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.protocol import message as m
from fairlead.protocol.handshake import HandshakeComplete, parse_handshake_response
from fairlead.protocol.settings import DEFAULT_MAX_PAYLOAD_BYTES, DEFAULT_WINDOW_BYTES
from fairlead.transport.errors import ConnectionLost
from fairlead.transport.http import exchange
from tests.evil.evil_service import SESSION, EvilService, Left, Play
from tests.evil.test_evil_frames import HUGE, acknowledgement, forged
from tests.evil.test_evil_gateway import STREAM_RUBBISH
from tests.support.fake_gateway import Answer, Leg
from tests.support.waiting import PATIENCE_S

ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\nfairlead proxy: forged \u202e"
MEMORY_LIMIT_BYTES = 90_000_000
OUTPUT = m.OUTPUT_STREAM_DATA


def request(session_type: str = "Port", **more: object) -> bytes:
    """A handshake request."""
    action = {
        "ActionType": "SessionType",
        "ActionParameters": {"SessionType": session_type, "Properties": {"portNumber": "22"}},
    }
    members = {"AgentVersion": "3.3.0.0", "RequestedClientActions": [action], **more}
    return forged(OUTPUT, members, 0, m.PayloadType.HANDSHAKE_REQUEST)


def complete(message: str = "") -> bytes:
    """The confirmation of a handshake."""
    return forged(
        OUTPUT, json.loads(HandshakeComplete(1, message).encode()), 1, m.PayloadType.HANDSHAKE_COMPLETE
    )


def closed(output: str = "over and out") -> bytes:
    """The end of the session, with words for the user."""
    return forged(m.CHANNEL_CLOSED, {"SessionId": SESSION, "Output": output})


def sends(*frames: bytes) -> Play:
    """A play that sends these, and then waits for what the client does."""

    async def play(leg: Leg) -> None:
        for frame in frames:
            leg.send(frame)

    return play


def cuts(*frames: bytes) -> Play:
    """A play that ends with a broken connection."""

    async def play(leg: Leg) -> None:
        for frame in frames:
            leg.send(frame)
        await asyncio.sleep(0)
        leg.cut()

    return play


def run(directory: Path, service: EvilService) -> Left:
    """The client's end, which must be a failure in a line of its own, fit for a terminal."""
    left = asyncio.run(service.serve_proxy(directory))
    assert left.status == 1, left
    *messages, last = left.stderr.removesuffix("\n").split("\n")
    assert last.startswith("fairlead proxy: "), left
    assert [line[:20] for line in messages] in ([], ["fairlead proxy: ]0;o"]), left
    assert all(line.isprintable() and len(line) < 2_100 for line in (*messages, last)), left
    assert "internal error" not in left.stderr
    return left


PLAYS: dict[str, tuple[tuple[bytes, ...], str]] = {
    "a shell": ((request("Standard_Stream"),), "does not support sessions of type Standard_Stream"),
    "escapes for a type": ((request(ESCAPES),), "does not support sessions of type"),
    "no type": ((forged(OUTPUT, {}, 0, 5),), "named no session type"),
    "data before the handshake": ((forged(OUTPUT, b"ls\n", 0, 1),), "started a shell session"),
    "an end with escapes": ((closed(f"bye {ESCAPES}"),), "bye"),
    "an endless text": ((closed("x" * 200_000),), "xxx"),
    "rubbish": ((*STREAM_RUBBISH[:5], *STREAM_RUBBISH[6:10], closed()), "over and out"),
    "a message with escapes": ((request(), complete(ESCAPES), closed()), "over and out"),
    "forged acknowledgements": (
        (request(), complete(), acknowledgement(HUGE, Cumulative=True, Received=HUGE), closed()),
        "over and out",
    ),
    "early data": ((request(), complete(), forged(OUTPUT, b"false", HUGE, 1), closed()), "over and out"),
    "a message beyond all limits": ((bytes(2 * m.MAX_FRAME_BYTES),), ""),
}


@pytest.mark.parametrize("name", PLAYS)
def test_frames_of_the_attacker_end_in_one_line(tmp_path: Path, name: str) -> None:
    frames, words = PLAYS[name]
    left = run(tmp_path, EvilService(sends(*frames)))
    assert words in left.stderr
    assert left.stdout == b""


def test_terms_beyond_our_limits_are_not_agreed_to(tmp_path: Path) -> None:
    offer = {
        "Version": 1, "MaxPayloadBytes": HUGE, "WindowBytes": HUGE, "Ack": ["cumulative"],
        "Digest": ["none"], "HalfClose": True,
    }  # fmt: skip

    async def play(leg: Leg) -> None:
        leg.send(request(Fairlead=offer))
        await service.until(lambda service: len(service.received) > 1, PATIENCE_S)
        leg.send(closed())

    service = EvilService(play)
    run(tmp_path, service)
    answers = [m.decode(frame, zero_digest_allowed=True) for frame in service.received]
    found = next(answer for answer in answers if answer.payload_type == m.PayloadType.HANDSHAKE_RESPONSE)
    choice = parse_handshake_response(found.payload).choice
    assert choice is None or choice.max_payload_bytes <= DEFAULT_MAX_PAYLOAD_BYTES
    assert choice is None or choice.window_bytes <= DEFAULT_WINDOW_BYTES


def api_answers() -> dict[str, tuple[Callable[[EvilService], Answer], str]]:
    """Answers to StartSession, and what the user reads."""

    def error(code: str, text: str) -> Answer:
        return Answer(400, json.dumps({"__type": code, "message": text}).encode())

    return {
        "escapes": (lambda _: error(f"x#Denied{ESCAPES}", ESCAPES), "refused StartSession"),
        "depth": (lambda _: Answer(200, b"[" * 500_000), "gave no token"),
        "numbers": (lambda _: Answer(200, b'{"TokenValue":' + b"9" * 100_000 + b"}"), "gave no token"),
        "size": (lambda _: Answer(200, b" " * 3_000_000), "more than"),
        "an address without TLS": (lambda it: it.grant(StreamUrl="ws://192.0.2.1/x"), "without TLS"),
        "an address with a line": (
            lambda it: it.grant(StreamUrl="wss://127.0.0.1/\r\nX-Evil: 1"),
            "characters that a URL cannot carry",
        ),
        "an id with escapes": (lambda it: it.grant(SessionId=ESCAPES), "over and out"),
    }


@pytest.mark.parametrize("name", api_answers())
def test_answers_of_the_attacker_end_in_one_line(tmp_path: Path, name: str) -> None:
    make, words = api_answers()[name]
    service = EvilService(sends(closed()))
    service.answers["StartSession"] = lambda _: make(service)
    left = run(tmp_path, service)
    assert words in left.stderr
    assert left.stdout == b""


RESUME_ANSWERS: dict[str, Callable[[EvilService], Answer]] = {
    "another server, without TLS": lambda it: it.grant(StreamUrl="ws://192.0.2.1/x"),
    "no JSON": lambda _: Answer(200, b"[" * 500_000),
    "a refusal with escapes": lambda _: Answer(
        400, json.dumps({"__type": "x#AccessDeniedException", "message": ESCAPES}).encode()
    ),
}


@pytest.mark.parametrize("name", RESUME_ANSWERS)
def test_a_forged_way_back_is_not_taken(tmp_path: Path, name: str) -> None:
    service = EvilService(cuts(request(), complete()))
    service.answers["ResumeSession"] = lambda _: RESUME_ANSWERS[name](service)
    left = run(tmp_path, service)
    assert service.of("ResumeSession")
    assert left.stdout == b""


def test_another_stream_on_the_way_back_is_not_taken_for_the_first(tmp_path: Path) -> None:
    """The numbers go on where they were: what begins anew is old, and old numbers are not written again."""
    first = sends(
        request(), complete(), forged(OUTPUT, b"SSH-2.0-true\r\n", 2, 1), forged(OUTPUT, b"a", 3, 1)
    )

    async def cut_when_it_was_written(leg: Leg) -> None:
        await first(leg)
        written = b'SequenceNumber":3'
        await service.until(lambda it: any(written in frame for frame in it.received), PATIENCE_S)
        leg.cut()

    again = sends(
        request(),
        complete(),
        forged(OUTPUT, b"SSH-2.0-false\r\n", 2, 1),
        forged(OUTPUT, b"b", 4, 1),
        closed(),
    )
    service = EvilService(cut_when_it_was_written, again)
    service.answers["ResumeSession"] = lambda _: service.grant()
    left = run(tmp_path, service)
    assert left.stdout == b"SSH-2.0-true\r\nab"


def test_a_flood_is_held_within_the_limits(tmp_path: Path) -> None:
    """A hundred megabytes of messages that are never due."""
    payload = bytes(64 * 1024)
    peaks: list[int] = []

    async def flood(leg: Leg) -> None:
        for frame in (request(), complete()):
            leg.send(frame)
        for number in range(1600):
            leg.send(forged(OUTPUT, payload, HUGE + number, 1))
            await leg._writer.drain()
        peaks.append(service.peak_memory_bytes())
        leg.send(closed())

    service = EvilService(flood)
    assert "over and out" in run(tmp_path, service).stderr
    assert peaks[0] < MEMORY_LIMIT_BYTES


def test_an_answer_that_drips_is_waited_for_no_longer_than_any_other() -> None:
    """A byte now and then is not a sign of life: the limit is for the whole answer."""
    near, far = socket.socketpair()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    def drip() -> None:
        with contextlib.suppress(OSError):
            for byte in answer:
                far.sendall(bytes([byte]))
                time.sleep(0.05)

    thread = threading.Thread(target=drip)
    thread.start()
    with near, far:
        with pytest.raises(ConnectionLost, match="gave no answer in"):
            exchange(near, b"GET / HTTP/1.1\r\n\r\n", 0.5, "evil.example")
        near.close()
        thread.join()
