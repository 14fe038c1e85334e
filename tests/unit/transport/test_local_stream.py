"""Standard input and output as the loop sees them."""

import fcntl
import os

import pytest

from fairlead.transport.local_stream import (
    NOTHING_WRITTEN,
    USUAL_PIPE_BYTES,
    WIDE_PIPE_BYTES,
    DescriptorStream,
    widen_pipe,
)


@pytest.fixture
def pipes():
    stdin, feed = os.pipe()
    drain, stdout = os.pipe()
    opened = {"stdin": stdin, "feed": feed, "drain": drain, "stdout": stdout}
    yield opened
    for descriptor in opened.values():
        if descriptor >= 0:
            os.close(descriptor)


@pytest.fixture
def stream(pipes):
    return DescriptorStream(pipes["stdin"], pipes["stdout"])


def read(stream, limit):
    buffer = bytearray(limit)
    count = stream.read_into(memoryview(buffer))
    return count if count is None else bytes(buffer[:count])


def close(pipes, name):
    os.close(pipes[name])
    pipes[name] = -1


def test_reading_takes_what_is_there_up_to_the_limit(stream, pipes):
    os.write(pipes["feed"], b"abcdef")
    assert read(stream, 4) == b"abcd"
    assert read(stream, 100) == b"ef"


def test_the_end_of_input_is_an_empty_read(stream, pipes):
    close(pipes, "feed")
    assert read(stream, 10) == b""


def test_nothing_yet_is_none(stream, pipes):
    os.set_blocking(pipes["stdin"], False)
    assert read(stream, 10) is None


def test_a_descriptor_that_was_closed_is_the_end_of_input(stream, pipes):
    close(pipes, "stdin")
    assert read(stream, 10) == b""


def test_what_does_not_fit_waits_and_is_reported_when_written(stream, pipes):
    assert stream.write(b"first", 1) == 1
    assert stream.write(bytes(100_000), 2) == NOTHING_WRITTEN
    waiting = stream.pending_bytes
    assert 0 < waiting <= 100_000
    assert stream.write(b"third", 3) == NOTHING_WRITTEN
    assert stream.pending_bytes == waiting + 5
    os.read(pipes["drain"], 65536)
    total = 65536
    last = stream.flush()
    while total < 100_010:
        total += len(os.read(pipes["drain"], 65536))
        last = max(last, stream.flush())
    assert (last, stream.pending_bytes) == (3, 0)


def test_what_waits_is_a_copy(stream, pipes):
    data = bytearray(b"x" * 70_000)
    stream.write(memoryview(data), 1)
    data[:] = b"y" * 70_000
    seen = os.read(pipes["drain"], 70_000)
    stream.flush()
    seen += os.read(pipes["drain"], 70_000)
    assert set(seen) == {ord("x")}


def test_a_reader_that_went_away_ends_writing_only(stream, pipes):
    stream.write(bytes(70_000), 1)
    close(pipes, "drain")
    assert stream.flush() == NOTHING_WRITTEN
    assert (stream.is_writable, stream.pending_bytes) == (False, 0)
    assert stream.write(b"x", 2) == NOTHING_WRITTEN
    os.write(pipes["feed"], b"still")
    assert read(stream, 10) == b"still"


def test_a_vanished_reader_is_seen_without_writing(stream, pipes):
    assert not stream.reader_is_gone
    close(pipes, "drain")
    assert stream.reader_is_gone


def test_closing_tells_the_reader_and_keeps_the_number_from_the_next_socket(stream, pipes):
    stream.close_writing()
    assert os.read(pipes["drain"], 10) == b""
    following, other = os.pipe()
    assert pipes["stdout"] not in (following, other)
    os.close(following)
    os.close(other)
    stream.close_writing()
    stream.restore()


def test_a_reader_that_was_told_the_end_is_not_missed(stream, pipes):
    stream.close_writing()
    close(pipes, "drain")
    assert not stream.reader_is_gone


def test_the_flags_of_stdout_come_back(stream, pipes):
    assert not os.get_blocking(pipes["stdout"])
    stream.restore()
    assert os.get_blocking(pipes["stdout"])


def test_a_reader_that_went_away_is_no_failure_but_a_full_disk_is(stream, pipes):
    close(pipes, "drain")
    stream.write(b"x", 1)
    assert (stream.is_writable, stream.failure) == (False, "")
    full = os.open("/dev/full", os.O_WRONLY)
    to_a_full_disk = DescriptorStream(pipes["stdin"], full)
    to_a_full_disk.write(b"x", 1)
    os.close(full)
    assert not to_a_full_disk.is_writable
    assert to_a_full_disk.failure == "cannot write to standard output: No space left on device"


def test_input_that_cannot_be_read_is_a_failure_beside_its_end(pipes, tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    stream = DescriptorStream(folder, pipes["stdout"])
    assert read(stream, 10) == b""
    os.close(folder)
    assert stream.failure == "cannot read from standard input: Is a directory"


def held(descriptor):
    return fcntl.fcntl(descriptor, fcntl.F_GETPIPE_SZ)


def test_a_pipe_that_was_found_full_is_widened(stream, pipes):
    stream.write(b"little", 1)
    os.write(pipes["feed"], b"little")
    read(stream, 100)
    assert [held(pipes["stdin"]), held(pipes["stdout"])] == [USUAL_PIPE_BYTES] * 2
    os.write(pipes["feed"], bytes(USUAL_PIPE_BYTES))
    read(stream, USUAL_PIPE_BYTES)
    stream.write(bytes(2 * USUAL_PIPE_BYTES), 2)
    assert [held(pipes["stdin"]), held(pipes["stdout"])] == [WIDE_PIPE_BYTES] * 2


def test_a_pipe_that_is_wider_already_and_what_is_no_pipe_are_left_alone(pipes, tmp_path):
    fcntl.fcntl(pipes["stdin"], fcntl.F_SETPIPE_SZ, 2 * WIDE_PIPE_BYTES)
    widen_pipe(pipes["stdin"])
    assert held(pipes["stdin"]) == 2 * WIDE_PIPE_BYTES
    with open(tmp_path / "file", "wb") as file:
        widen_pipe(file.fileno())
