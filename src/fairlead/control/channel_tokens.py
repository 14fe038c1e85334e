"""Tokens that open one channel once: given out, and taken at their first use, whatever comes of it.

A token is bound to the side, the channel and the holder that it was made for. Whoever gives one has the
session `to_change`, so that of two that are given at once only one stays good.
"""

from datetime import timedelta

from fairlead.control.environment import Environment
from fairlead.control.identifiers import channel_token, digest
from fairlead.domain.sessions import ChannelSide, ChannelToken
from fairlead.domain.unit_of_work import UnitOfWork


def give_token(
    env: Environment, uow: UnitOfWork, side: ChannelSide, channel_id: str, holder: str, lifetime_s: int
) -> str:
    """A new token; those given before for this side of this channel are void."""
    token = channel_token(env.random_bytes)
    uow.sessions.void_tokens(channel_id, side)
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
