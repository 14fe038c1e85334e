"""Which calls are made together: those of crowds of agents that only read, and starts of sessions.

Everybody's signatures are judged together too, in two ranks: agents, and sources whose credentials were
refused too often of late, wait behind all others. So neither a crowd nor a flood keeps a person out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from fairlead.api.exchange import Exchange
from fairlead.aws.canonical import Request
from fairlead.aws.shapes import Operation
from fairlead.control.authentication import Authenticator
from fairlead.control.channels import Channels
from fairlead.domain.callers import Origin
from fairlead.domain.operations.nodes import REQUEST_MANAGED_INSTANCE_ROLE_TOKEN, UPDATE_INSTANCE_INFORMATION
from fairlead.domain.operations.sessions import START_SESSION
from fairlead.gateway.requests import SERVICE
from fairlead.server.executor import Call, DatabaseExecutor, Rank, Work
from fairlead.store.store import SqlStore

_NODE_ID = re.compile(r"m?i-[0-9a-f]{8,17}", re.ASCII)
_LOOKED_AT = 1024
"""Characters of a request in which a node is looked for."""
_HEARTBEAT_TARGET = f"AmazonSSM.{UPDATE_INSTANCE_INFORMATION.name}"


def share_reads(
    executor: DatabaseExecutor,
    store: SqlStore,
    authenticator: Authenticator,
    channels: Channels,
    handlers: Mapping[Operation, Callable[[Exchange], Any]],  # Any: the output of each operation
) -> None:
    """Tell the executor."""

    node_of: dict[Work, Callable[..., str | None]] = {
        authenticator.authenticate: named_node,
        authenticator.authenticate_node_key: named_node,
        channels.create_control_channel: _nothing,
        channels.open_control_channel: _second,
        channels.pending_sessions: _first,
    }
    for operation in (REQUEST_MANAGED_INSTANCE_ROLE_TOKEN, UPDATE_INSTANCE_INFORMATION):
        node_of[handlers[operation]] = _in_exchange

    def view(calls: Sequence[Call]) -> AbstractContextManager[None]:
        """One view for these calls, in which the nodes are known that they seem to be about."""
        named = (node_of[work](*arguments) for work, arguments in calls)
        return store.shared_view({node_id for node_id in named if node_id is not None})

    def rank_of(call: Call) -> Rank:
        """People first; then nodes that are proven, so that those who began first are through first."""
        work, arguments = call
        if work == authenticator.authenticate:
            return _rank_of_signature(authenticator, *arguments)
        return Rank.LAST if work == authenticator.authenticate_node_key else Rank.PATIENT

    executor.read_together(node_of, view, rank_of)


def share_writes(
    executor: DatabaseExecutor,
    store: SqlStore,
    handlers: Mapping[Operation, Callable[[Exchange], Any]],  # Any: as above
) -> None:
    """Tell the executor which calls share a transaction: starts of sessions, of which many come at once.

    A database with concurrent transactions lets them wait for the disk together by itself.
    """

    def transaction(calls: Sequence[Call]) -> AbstractContextManager[None]:
        return store.shared_transaction() if len(calls) > 1 else nullcontext()

    if not store.is_concurrent:
        executor.write_together(handlers[START_SESSION], transaction)


def _rank_of_signature(authenticator: Authenticator, request: Request, origin: Origin, service: str) -> Rank:
    of_agent = service == SERVICE or request.header_values("x-amz-target") == [_HEARTBEAT_TARGET]
    return Rank.LAST if of_agent or authenticator.is_suspect(origin) else Rank.HURRIED


def named_node(request: Request, *_: object) -> str | None:
    """The node that a request names in its path, as its access key, or in its body.

    The body counts for heartbeats only: what people say of a node is no reason to look for it before it is
    known who they are.
    """
    texts = [request.path, *request.header_values("authorization")]
    if request.header_values("x-amz-target") == [_HEARTBEAT_TARGET]:
        texts.append(request.body[:_LOOKED_AT].decode("latin-1"))
    for text in texts:
        found = _NODE_ID.search(text[:_LOOKED_AT])
        if found is not None:
            return found[0]
    return None


def _in_exchange(exchange: Exchange) -> str | None:
    return exchange.known_caller.node_id


def _nothing(*_: object) -> None:
    return None


def _first(node_id: str) -> str:
    return node_id


def _second(_: object, node_id: str, *__: object) -> str:
    return node_id
