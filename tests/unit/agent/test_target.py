"""The connection to the target, at its beginning."""

import asyncio

from fairlead.agent.target import TargetConnection


class PausingEndpoint:
    """Joins the target with its handshake still under way: nothing may be read."""

    def attach_local(self, local):
        local.pause_reading()

    def read_buffer(self, reserved_bytes=0):
        self.reserved_bytes = reserved_bytes
        return memoryview(bytearray(1024))

    def local_read(self, count):
        pass

    def local_data(self, data):
        pass


class EagerTransport(asyncio.Transport):
    """As in early releases of Python 3.11: begins to read after `connection_made`, even if that paused it."""

    def __init__(self):
        super().__init__()
        self.is_read = False
        self.written = []
        self.unwritten = 0
        self.is_ending = False

    def begin_to_read(self):
        self.is_read = True

    def pause_reading(self):
        self.is_read = False

    def get_write_buffer_size(self):
        return self.unwritten

    def set_write_buffer_limits(self, high=None, low=None):
        assert high == 0

    def is_closing(self):
        return self.is_ending

    def write_eof(self):
        raise OSError(107, "Transport endpoint is not connected")

    def write(self, data):
        self.written.append(bytes(data))


def test_nothing_is_read_before_the_endpoint_wants_it_on_any_release_of_python():
    async def connect():
        transport = EagerTransport()
        target = TargetConnection(PausingEndpoint(), None, b"")
        target.connection_made(transport)
        transport.begin_to_read()
        await asyncio.sleep(0)
        assert not transport.is_read

    asyncio.run(connect())


def test_what_was_said_to_a_target_that_hung_up_is_said_first_to_the_next():
    async def connect():
        transport = EagerTransport()
        TargetConnection(PausingEndpoint(), None, b"SSH-2.0-client\r\n").connection_made(transport)
        assert transport.written == [b"SSH-2.0-client\r\n"]
        await asyncio.sleep(0)

    asyncio.run(connect())


def in_target(course, early=b"", **more):
    """Run `course(target, transport)` on a connection that stands."""

    async def connect():
        transport = EagerTransport()
        target = TargetConnection(PausingEndpoint(), None, early, **more)
        assert not target.can_be_handed_over, "before it stands"
        target.connection_made(transport)
        course(target, transport)
        await asyncio.sleep(0)

    asyncio.run(connect())


def said(target, words):
    target.get_buffer(-1)[: len(words)] = words
    target.buffer_updated(len(words))


def test_a_connection_that_is_inherited_is_told_nothing_twice():
    def course(target, transport):
        assert transport.written == []
        assert target.early == b"SSH-2.0-client\r\n"

    in_target(course, b"SSH-2.0-client\r\n", is_inherited=True)


def test_what_was_said_before_the_targets_first_word_can_be_said_again_and_nothing_after_it():
    def course(target, transport):
        target.write(b"SSH-2.0-client\r\n")
        assert target.early == b"SSH-2.0-client\r\n"
        said(target, b"SSH-2.0-server\r\n")
        assert target.early is None

    in_target(course)


def test_first_words_that_are_not_taken_yet_cannot_be_handed_over_and_later_ones_can():
    def course(target, transport):
        assert target.can_be_handed_over
        transport.unwritten = 10
        assert not target.can_be_handed_over
        said(target, b"SSH-2.0-server\r\n")
        assert target.can_be_handed_over
        assert target.unwritten_bytes == 10

    in_target(course)


def test_a_connection_that_is_about_to_end_cannot_be_handed_over():
    def course(target, transport):
        said(target, b"Exceeded MaxStartups\r\n")
        assert not target.can_be_handed_over

    def closing(target, transport):
        transport.is_ending = True
        assert not target.can_be_handed_over
        assert target.descriptor is None

    in_target(course)
    in_target(closing)


def test_room_is_left_for_a_text_that_may_be_a_refusal():
    def course(target, transport):
        said(target, b"Exceeded MaxStartups\r\n")
        target.get_buffer(-1)
        assert target._endpoint.reserved_bytes == len(b"Exceeded MaxStartups\r\n")

    in_target(course)


def test_the_end_of_input_on_a_connection_that_has_ended_meanwhile_is_harmless():
    in_target(lambda target, transport: target.write_eof(), None, is_inherited=True)
