"""The HTTP protocol of the one port: uvicorn's, with limits that hold before anybody is recognised.

Header size, the time until a request is complete, and the place among the unrecognised sockets. What a
request means is left to the application behind it.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fairlead.gateway.admission import Admission
from fairlead.gateway.settings import GatewaySettings
from fairlead.transport.tls_leftovers import read_what_is_left

_TOO_LARGE = b"Request header too large.\n"
_TOO_LARGE_RESPONSE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(_TOO_LARGE), _TOO_LARGE)
)
_SEPARATORS = 4
"""Bytes of a header line besides name and value."""


class HeaderTooLarge(Exception):
    """Raised in a callback of the parser, which makes an error of its own of it."""


def make_http_protocol(admission: Admission, settings: GatewaySettings) -> type[HttpToolsProtocol]:
    """The class for `uvicorn.Config(http=...)`."""

    class GatewayHttpProtocol(LimitedHttpProtocol):
        """Bound to one gateway; the arguments are those that uvicorn gives."""

    GatewayHttpProtocol.admission = admission
    GatewayHttpProtocol.settings = settings
    return GatewayHttpProtocol


class LeftoversReadFirst(FlowControl):
    """uvicorn's, for a TLS transport that may hold the rest of a body when it is read again."""

    def resume_reading(self) -> None:
        """The application asks for more."""
        was_paused = self.read_paused
        super().resume_reading()
        if was_paused:
            read_what_is_left(self._transport, asyncio.get_running_loop())


class LimitedHttpProtocol(HttpToolsProtocol):
    """One HTTP connection."""

    admission: ClassVar[Admission]
    settings: ClassVar[GatewaySettings]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
        """Accepted, and through with TLS."""
        super().connection_made(transport)
        self.flow = LeftoversReadFirst(transport)
        self._fileno: int = transport.get_extra_info("socket").fileno()
        self._awaits_header = True
        self._header_bytes = 0
        self._unparsed_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection ended."""
        super().connection_lost(exc)
        self._let_go()

    def handle_websocket_upgrade(self) -> None:
        """The connection is another protocol's from here on."""
        super().handle_websocket_upgrade()
        self._let_go()

    def data_received(self, data: bytes) -> None:
        """Bytes of a header are counted as they come too: the parser tells of a header only when it ends."""
        if self._awaits_header:
            self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._awaits_header and self._unparsed_bytes > self.settings.max_header_bytes:
            self._refuse_header()
        elif self.transport.is_reading():
            read_what_is_left(self.transport, self.loop)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._awaits_header = True
        self._header_bytes = 0
        self.admission.extend(self._fileno, self.settings.request_timeout_s)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._count_header(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._count_header(len(name) + len(value) + _SEPARATORS)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The header is here; the body has its own time."""
        self._awaits_header = False
        self._unparsed_bytes = 0
        self.admission.extend(self._fileno, self.settings.body_timeout_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A whole request is here: the application answers it in its own time."""
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            self.admission.forget(self._fileno)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A connection that is kept open is unrecognised again."""
        super().on_response_complete()
        if not self.transport.is_closing() and not self.pipeline:
            source = self.client[0] if self.client else ""
            sock = self.transport.get_extra_info("socket")
            self.admission.add(sock, source, self.settings.idle_connection_s)

    def send_400_response(self, msg: str) -> None:
        """The parser gave up."""
        if self._header_bytes > self.settings.max_header_bytes:
            self._refuse_header()
        else:
            super().send_400_response(msg)

    def _let_go(self) -> None:
        """The parser and the last request hold this object, and it holds them: 6 KB that only a search
        through the whole heap would find, and so many at once when a crowd has come."""
        self.parser = None  # type: ignore[assignment]  # as its base does
        self.cycle = None  # type: ignore[assignment]  # as its base does

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self.settings.max_header_bytes:
            raise HeaderTooLarge

    def _refuse_header(self) -> None:
        self._awaits_header = False
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE_RESPONSE)
            self.transport.close()
