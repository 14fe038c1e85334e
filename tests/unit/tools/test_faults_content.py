import hashlib

import pytest

from tools.faults.checker import displaced
from tools.faults.content import (
    FORMS,
    MAX_PIECES,
    Content,
    Piece,
    Receiver,
    chunks,
    content_of,
    read,
    sha256_of,
)

SIZE = 300_000


@pytest.fixture(params=sorted(FORMS))
def content(request: pytest.FixtureRequest) -> Content:
    return content_of(request.param, "key")


@pytest.fixture
def random_bytes() -> Content:
    return content_of("bytes", "key")


def received(content: Content, *parts: bytes) -> tuple[Piece, ...]:
    receiver = Receiver(content)
    for part in parts:
        for start in range(0, len(part), 10_007):
            receiver.take(part[start : start + 10_007])
    return receiver.receipt().pieces


def test_a_stream_read_in_parts_is_the_stream(content: Content) -> None:
    whole = read(content, 0, SIZE)
    assert read(content, 0, 1000) + read(content, 1000, SIZE - 1000) == whole
    assert b"".join(chunks(content, SIZE)) == whole
    assert sha256_of(content, SIZE) == hashlib.sha256(whole).hexdigest()


def test_another_key_gives_another_stream(content: Content) -> None:
    assert type(content)("other").block(0) != content.block(0)  # type: ignore[call-arg]  # each form takes a key


def test_every_block_is_different(content: Content) -> None:
    assert len({content.block(number) for number in range(100)}) == 100
    assert {len(content.block(number)) for number in range(3)} == {content.block_bytes}


def test_a_line_begins_with_its_number_and_ends_with_a_line_feed() -> None:
    line = content_of("lines", "key").block(42)
    assert line.startswith(b"00000042 ")
    assert line.index(b"\n") == len(line) - 1


def test_what_arrives_whole_is_one_piece(content: Content) -> None:
    whole = read(content, 0, SIZE)
    assert received(content, whole) == (Piece(0, SIZE),)


def test_nothing_is_no_piece(content: Content) -> None:
    assert received(content) == ()


def test_a_receipt_counts_and_sums_what_arrived(content: Content) -> None:
    receiver = Receiver(content)
    receiver.take(b"something else")
    receipt = receiver.receipt()
    assert (receipt.received, receipt.sha256) == (14, hashlib.sha256(b"something else").hexdigest())


def test_lost_bytes_show_as_a_jump_ahead(random_bytes: Content) -> None:
    parts = read(random_bytes, 0, 128_000), read(random_bytes, 129_024, 100_000)
    assert received(random_bytes, *parts) == (Piece(0, 128_000), Piece(129_024, 100_000))


def test_doubled_bytes_show_as_a_jump_back(random_bytes: Content) -> None:
    parts = read(random_bytes, 0, 128_000), read(random_bytes, 64_000, 100_000)
    assert received(random_bytes, *parts) == (Piece(0, 128_000), Piece(64_000, 100_000))


def test_bytes_that_changed_places_show_as_two_jumps(random_bytes: Content) -> None:
    parts = [read(random_bytes, start, 64_000) for start in (0, 128_000, 64_000)]
    assert received(random_bytes, *parts) == (Piece(0, 64_000), Piece(128_000, 64_000), Piece(64_000, 64_000))


def test_a_lost_line_shows_as_one_although_lines_begin_alike() -> None:
    lines = content_of("lines", "key")
    pieces = received(lines, read(lines, 0, 640), read(lines, 704, 640))
    assert displaced(pieces) == {"lost": 64}


def test_bytes_from_nowhere_have_no_place(content: Content) -> None:
    assert received(content, read(content, 0, 64_000), b"?" * 100) == (Piece(0, 64_000), Piece(None, 100))


def test_a_strange_byte_at_the_very_end_is_seen(content: Content) -> None:
    pieces = received(content, read(content, 0, 64_000), b"\0")
    assert pieces[0] == Piece(0, 64_000)
    assert len(pieces) == 2


def test_after_many_jumps_nothing_is_looked_for_any_more() -> None:
    content = content_of("lines", "key")
    parts = [content.block(2 * number) for number in range(2 * MAX_PIECES)]
    pieces = received(content, *parts)
    assert len(pieces) == MAX_PIECES + 1
    assert pieces[-1].start is None
    assert sum(piece.size for piece in pieces) == sum(map(len, parts))
