"""A session that only listens for the first line of what is behind it: sshd's identification.

Carried by what carries every session (`ssh_proxy`), over pipes in place of ssh's. It is over when this
returns, on every hop.
"""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from fairlead.client.debug_log import DebugLog
from fairlead.client.errors import ClientError
from fairlead.client.signals import SignalWatch
from fairlead.client.ssh_proxy import SshProxy
from fairlead.transport.errors import TransportError
from fairlead.transport.local_stream import DescriptorStream

if TYPE_CHECKING:
    from fairlead.client.api_calls import SessionApi, SessionGrant
    from fairlead.client.session_subject import SessionSubject
    from fairlead.transport.dialer import Dialer

BANNER_PATIENCE_S = 20.0
"""How long the first line may take: an agent dials a busy sshd several times."""

MAX_BANNER_BYTES = 1024
"""An identification has 255 bytes at most (RFC 4253 §4.2)."""

_END_PATIENCE_S = 15.0
_LOOK_EVERY_MS = 50


class Probed(NamedTuple):
    """The first line as it came, without its end; and why the session failed, None if it did not."""

    banner: bytes
    failure: ClientError | TransportError | OSError | None


def probe(
    subject: SessionSubject,
    grant: SessionGrant,
    api: SessionApi,
    dialer: Dialer,
    patience_s: float = BANNER_PATIENCE_S,
) -> Probed:
    """Carry the session of `grant` until its first line has come, it fails, or `patience_s` is over."""
    failures: list[ClientError | TransportError | OSError] = []
    input_end, our_input = os.pipe()
    our_output, output_end = os.pipe()
    local = DescriptorStream(input_end, output_end)
    log = DebugLog.open(os.environ)
    carrier = SshProxy(subject, grant, api, dialer, local, SignalWatch(), log, resume_window_s=0)

    def carry() -> None:
        try:
            carrier.run()
        except (ClientError, TransportError, OSError) as error:
            failures.append(error)

    thread = threading.Thread(target=carry, name="probe", daemon=True)
    thread.start()
    try:
        banner = _first_line(our_output, thread, patience_s)
    finally:
        os.close(our_input)  # the end of input, and nobody who reads: the session ends
        os.close(our_output)
        thread.join(_END_PATIENCE_S)
    if not thread.is_alive():  # else its numbers stay taken, as nobody else may get them
        os.close(input_end)
        os.close(output_end)
    return Probed(banner, failures[0] if failures else None)


def _first_line(descriptor: int, carrier: threading.Thread, patience_s: float) -> bytes:
    """What came until a line break, the limit, the end of the session or of our patience."""
    deadline = time.monotonic() + patience_s
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    line = b""
    while b"\n" not in line and len(line) < MAX_BANNER_BYTES and time.monotonic() < deadline:
        is_over = not carrier.is_alive()
        if poll.poll(0 if is_over else _LOOK_EVERY_MS):
            line += os.read(descriptor, MAX_BANNER_BYTES - len(line))
        elif is_over:
            break
    return line.partition(b"\n")[0].rstrip(b"\r")
