"""The gateway's addresses and the request values that its two doors, REST and upgrade, share.

Paths are compared as they were sent, byte for byte: nothing is decoded, joined or folded to lower case, so
that two spellings of a channel never mean the same one.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from fairlead.aws.canonical import Request
from fairlead.domain.callers import Caller, CallerKind, Origin

SERVICE = "ssmmessages"
"""The service in the scope of every signature on this side."""

_PATH = re.compile(r"/v1/(control-channel|data-channel)/([A-Za-z0-9][A-Za-z0-9+=,.@_-]{0,127})")


class ChannelKind(Enum):
    """What a path leads to."""

    CONTROL = "control-channel"
    DATA = "data-channel"


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """A channel as its path names it: a node id or a session id, unchecked."""

    kind: ChannelKind
    id: str

    @classmethod
    def parse(cls, raw_path: str) -> "ChannelAddress | None":
        """None for every other path. A `..` cannot match: an id begins with a letter or digit."""
        found = _PATH.fullmatch(raw_path)
        return None if found is None else cls(ChannelKind(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection, as the transport tells it."""

    address: str
    is_secure: bool


Authenticate = Callable[[Request, Origin, str], Awaitable[Caller]]
"""Judges a signed request for a service. Raises the errors of `aws.errors` and `domain.errors`."""

OriginOf = Callable[[Request, Peer], Origin]
"""Who sent a request: applies what the server knows of proxies in front of it."""

CheckHost = Callable[[Sequence[str]], str]
"""Returns the one Host header of a request. Raises HostRefused if it is missing, doubled or not ours."""


def is_node(caller: Caller | None, node_id: str | None = None) -> bool:
    """True for a managed node (this one, when `node_id` is given)."""
    return (
        caller is not None
        and caller.kind is CallerKind.NODE
        and caller.node_id is not None
        and node_id in (None, caller.node_id)
    )


def is_signed(request: Request) -> bool:
    """True when the request claims to be somebody's."""
    return bool(request.header_values("authorization"))


def single_header(request: Request, name: str) -> str:
    """The value of a header that must not be doubled; empty when it is missing or doubled."""
    values = request.header_values(name)
    return values[0] if len(values) == 1 else ""
