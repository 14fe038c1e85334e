"""The connection to the target, at its beginning."""

import asyncio

from fairlead.agent.target import TargetConnection


class PausingEndpoint:
    """Joins the target with its handshake still under way: nothing may be read."""

    def attach_local(self, local):
        local.pause_reading()


class EagerTransport(asyncio.Transport):
    """As in early releases of Python 3.11: begins to read after `connection_made`, even if that paused it."""

    def __init__(self):
        super().__init__()
        self.is_read = False
        self.written = []

    def begin_to_read(self):
        self.is_read = True

    def pause_reading(self):
        self.is_read = False

    def set_write_buffer_limits(self, high=None, low=None):
        assert high == 0

    def is_closing(self):
        return False

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
