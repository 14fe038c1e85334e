"""What is read into the message that will be sent, and used again when it is acknowledged."""

import pytest

from fairlead.protocol.outgoing import PAYLOAD_OFFSET
from fairlead.protocol.stream_buffers import MAX_FREE_BUFFERS, StreamBuffers

SIZE = 1000


def read(buffers, data, limit=SIZE):
    buffers.view(limit)[: len(data)] = data
    return buffers.take(len(data))


def test_what_was_read_stays_where_it_is_with_room_in_front_of_it():
    buffers = StreamBuffers(SIZE)
    view = buffers.view(SIZE)
    assert len(view) == SIZE
    place = view.obj
    view[:800] = b"x" * 800
    buffer = buffers.take(800)
    assert buffer is place
    assert bytes(buffer[PAYLOAD_OFFSET:]) == b"x" * 800
    assert buffers.view(SIZE).obj is not place


def test_the_limit_bounds_what_can_be_read():
    assert len(StreamBuffers(SIZE).view(7)) == 7


@pytest.mark.parametrize("size", [1, SIZE * 3 // 4 - 1])
def test_what_does_not_fill_most_of_it_is_copied_and_the_buffer_read_into_again(size):
    buffers = StreamBuffers(SIZE)
    place = buffers.view(SIZE).obj
    little = read(buffers, b"q" * size)
    assert (len(little), bytes(little[PAYLOAD_OFFSET:])) == (PAYLOAD_OFFSET + size, b"q" * size)
    assert buffers.view(SIZE).obj is place
    buffers.give_back(little)
    read(buffers, bytes(SIZE))
    assert buffers.view(SIZE).obj is not little


def test_a_buffer_that_comes_back_is_whole_again():
    buffers = StreamBuffers(SIZE)
    buffer = read(buffers, b"x" * 800)
    buffers.give_back(buffer)
    view = buffers.view(SIZE)
    assert view.obj is buffer
    assert len(view) == SIZE


def test_only_a_few_are_kept_for_later():
    buffers = StreamBuffers(SIZE)
    taken = [read(buffers, bytes(SIZE)) for _ in range(MAX_FREE_BUFFERS + 3)]
    for buffer in taken:
        buffers.give_back(buffer)
    again = [read(buffers, bytes(SIZE)) for _ in taken]
    assert sum(any(buffer is other for other in taken) for buffer in again) == MAX_FREE_BUFFERS


def test_one_is_kept_for_later_when_nothing_is_under_way():
    buffers = StreamBuffers(SIZE)
    taken = [read(buffers, bytes(SIZE)) for _ in range(3)]
    for buffer in taken:
        buffers.give_back(buffer)
    buffers.let_most_go()
    again = [read(buffers, bytes(SIZE)) for _ in range(3)]
    assert sum(any(buffer is other for other in taken) for buffer in again) == 1


def test_a_buffer_of_another_size_is_not_kept():
    """The terms have changed since."""
    buffers = StreamBuffers(SIZE)
    for other in (StreamBuffers(10 * SIZE), StreamBuffers(SIZE // 10)):
        buffer = read(other, bytes(len(other.view(100_000))), 100_000)
        buffers.give_back(buffer)
        assert buffers.view(SIZE).obj is not buffer


def test_a_view_is_not_valid_longer_than_until_the_next_call():
    buffers = StreamBuffers(SIZE)
    view = buffers.view(SIZE)
    buffers.view(SIZE)
    with pytest.raises(ValueError, match="released"):
        view[0] = 1
