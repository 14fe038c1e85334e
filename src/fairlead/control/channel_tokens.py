"""Tokens that open one channel once: given out, and taken at their first use, whatever comes of it.

A token is bound to the side, the channel and the holder that it was made for. Whoever gives one for a
session has the session `to_change`, so that of two that are given at once only one stays good.

Tokens of data channels are stored, those of control channels are not: they are asked for by every node at
once when the server comes back, live for a minute, and an agent whose token is gone asks for another.
"""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import NamedTuple

from fairlead.control.environment import Environment
from fairlead.control.identifiers import channel_token, digest
from fairlead.domain.sessions import ChannelSide, ChannelToken
from fairlead.domain.unit_of_work import UnitOfWork


def give_token(
    env: Environment, uow: UnitOfWork, side: ChannelSide, channel_id: str, holder: str, lifetime_s: int
) -> str:
    """A new token; those given before for this side of this channel are void."""
    uow.sessions.void_tokens(channel_id, side)
    return give_first_token(env, uow, side, channel_id, holder, lifetime_s)


def give_first_token(
    env: Environment, uow: UnitOfWork, side: ChannelSide, channel_id: str, holder: str, lifetime_s: int
) -> str:
    """A token for a side of a channel that has been given none."""
    token = channel_token(env.random_bytes)
    uow.sessions.add_token(
        ChannelToken(
            digest=digest(token),
            side=side,
            channel_id=channel_id,
            holder=holder,
            expires_at=env.now() + timedelta(seconds=lifetime_s),
        )
    )
    return token


def take_token(
    env: Environment, uow: UnitOfWork, token: str, side: ChannelSide, channel_id: str, holder: str
) -> bool:
    """Use the token up, and say whether it was for this. The caller must not roll back after a no."""
    taken = uow.sessions.take_token(digest(token), env.now())
    return taken is not None and (taken.side, taken.channel_id, taken.holder) == (side, channel_id, holder)


class ControlTokens:
    """The tokens of control channels, in this process: one good one for each node. Thread-safe.

    As of stored ones, only the digest is kept. Bounded by the nodes that ask within a token's life.
    """

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._lock = threading.Lock()
        self._by_digest: OrderedDict[bytes, _ControlToken] = OrderedDict()  # in the order of their end
        self._of_node: dict[str, bytes] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._by_digest)

    def give(self, node_id: str) -> str:
        """A new token for the control channel of a node; the one given before is void."""
        token = channel_token(self._env.random_bytes)
        now = self._env.now()
        expires_at = now + timedelta(seconds=self._env.settings.agent_token_lifetime_s)
        with self._lock:
            self._forget_expired(now)
            self._forget(self._of_node.get(node_id))
            self._by_digest[digest(token)] = _ControlToken(node_id, expires_at)
            self._of_node[node_id] = digest(token)
        return token

    def take(self, token: str, node_id: str) -> bool:
        """Use the token up, and say whether it was for this node's control channel."""
        with self._lock:
            taken = self._forget(digest(token))
        return taken is not None and taken.node_id == node_id and self._env.now() < taken.expires_at

    def _forget(self, token_digest: bytes | None) -> "_ControlToken | None":
        taken = None if token_digest is None else self._by_digest.pop(token_digest, None)
        if taken is not None:
            del self._of_node[taken.node_id]
        return taken

    def _forget_expired(self, now: datetime) -> None:
        while self._by_digest:
            oldest = next(iter(self._by_digest))
            if now < self._by_digest[oldest].expires_at:
                return
            self._forget(oldest)


class _ControlToken(NamedTuple):
    node_id: str
    expires_at: datetime
