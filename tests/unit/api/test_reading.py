import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from fairlead.api.errors import ClientLeft, RequestTooLarge
from fairlead.api.limits import MAX_BODY_BYTES, MAX_DISCARDED_BYTES, MAX_HEADER_BYTES
from fairlead.api.reading import read_request
from fairlead.aws.canonical import Request


class _Connection:
    """What an ASGI server passes on of one request."""

    def __init__(self, messages: Iterable[dict[str, Any]]) -> None:
        self._messages = iter(messages)
        self.received = 0

    async def receive(self) -> dict[str, Any]:
        message = next(self._messages)
        self.received += len(message.get("body", b""))
        return message


def _body(*chunks: bytes) -> list[dict[str, Any]]:
    last = len(chunks) - 1
    return [
        {"type": "http.request", "body": chunk, "more_body": number < last}
        for number, chunk in enumerate(chunks)
    ]


def _scope(**changes: Any) -> dict[str, Any]:
    scope: dict[str, Any] = {
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": [],
    }
    return scope | changes


def _read(connection: _Connection, **changes: Any) -> Request:
    return asyncio.run(read_request(_scope(**changes), connection.receive))


def test_a_request_is_taken_as_it_was_on_the_wire() -> None:
    request = _read(
        _Connection(_body(b"he", b"llo")),
        path="/a b",
        raw_path=b"/a%20b",
        query_string=b"x=1&x=%32",
        headers=[(b"host", b"h"), (b"x-a", b"1"), (b"x-a", b"\xfc")],
    )
    assert (request.path, request.query, request.body) == ("/a%20b", "x=1&x=%32", b"hello")
    assert request.headers == (("host", "h"), ("x-a", "1"), ("x-a", "ü"))


def test_a_body_of_just_the_limit_is_read() -> None:
    assert len(_read(_Connection(_body(b"x" * MAX_BODY_BYTES))).body) == MAX_BODY_BYTES


def test_a_longer_body_is_read_to_its_end_and_refused() -> None:
    connection = _Connection(_body(b"x" * MAX_BODY_BYTES, b"x", b"x"))
    with pytest.raises(RequestTooLarge, match=str(MAX_BODY_BYTES)):
        _read(connection)
    assert connection.received == MAX_BODY_BYTES + 2


def test_a_body_without_end_is_not_read_for_ever() -> None:
    endless = ({"type": "http.request", "body": b"x" * 65536, "more_body": True} for _ in iter(int, 1))
    connection = _Connection(endless)
    with pytest.raises(RequestTooLarge):
        _read(connection)
    assert connection.received <= MAX_DISCARDED_BYTES + 65536


def test_a_header_that_is_too_long_is_refused() -> None:
    with pytest.raises(RequestTooLarge, match="header"):
        _read(_Connection(_body(b"")), headers=[(b"x", b"y" * MAX_HEADER_BYTES)])


def test_who_leaves_before_the_end_is_not_answered() -> None:
    with pytest.raises(ClientLeft):
        _read(
            _Connection(
                [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}]
            )
        )
