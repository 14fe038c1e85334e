"""Which calls are made together: those of crowds of agents that only read, and starts of sessions.

Everybody's signatures are judged together too, in two ranks: agents, and sources whose credentials were
refused too often of late, wait behind all others. So neither a crowd nor a flood keeps a person out.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
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
from fairlead.server.executor import Arguments, DatabaseExecutor
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

    def is_patient(request: Request, origin: Origin, service: str) -> bool:
        of_agents = service == SERVICE or request.header_values("x-amz-target") == [_HEARTBEAT_TARGET]
        return of_agents or authenticator.is_suspect(origin)

    executor.read_together(authenticator.authenticate, partial(_view, store, named_node), is_patient)
    executor.read_together(authenticator.authenticate_node_key, partial(_view, store, named_node))
    for operation in (REQUEST_MANAGED_INSTANCE_ROLE_TOKEN, UPDATE_INSTANCE_INFORMATION):
        executor.read_together(handlers[operation], partial(_view, store, _in_exchange))
    executor.read_together(channels.create_control_channel, partial(_view, store, _nothing))
    executor.read_together(channels.open_control_channel, partial(_view, store, _second))
    executor.read_together(channels.pending_sessions, partial(_view, store, _first))


def share_writes(
    executor: DatabaseExecutor,
    store: SqlStore,
    handlers: Mapping[Operation, Callable[[Exchange], Any]],  # Any: as above
) -> None:
    """Tell the executor which calls share a transaction: starts of sessions, of which many come at once.

    A database with concurrent transactions lets them wait for the disk together by itself.
    """

    def transaction(calls: Sequence[Arguments]) -> AbstractContextManager[None]:
        return store.shared_transaction() if len(calls) > 1 else nullcontext()

    if not store.is_concurrent:
        executor.write_together(handlers[START_SESSION], transaction)


def _view(
    store: SqlStore, node_of: Callable[..., str | None], calls: Sequence[Arguments]
) -> AbstractContextManager[None]:
    """One view for these calls, in which the nodes are known that they seem to be about."""
    named = (node_of(*arguments) for arguments in calls)
    return store.shared_view({node_id for node_id in named if node_id is not None})


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
