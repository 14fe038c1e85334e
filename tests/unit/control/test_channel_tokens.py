"""What a token is good for, and how often."""

import pytest

from fairlead.control.channel_tokens import ControlTokens, give_token, take_token
from fairlead.domain.sessions import ChannelSide


def give(world, uow):
    return give_token(world.env, uow, ChannelSide.CLIENT, "alice-1", "AIDAALICE", 60)


@pytest.mark.parametrize(
    ("place", "is_good"),
    [
        ((ChannelSide.CLIENT, "alice-1", "AIDAALICE"), True),
        ((ChannelSide.AGENT, "alice-1", "AIDAALICE"), False),
        ((ChannelSide.CLIENT, "alice-2", "AIDAALICE"), False),
        ((ChannelSide.CLIENT, "alice-1", "AIDABOB"), False),
    ],
)
def test_a_token_is_for_one_side_channel_and_holder_and_taken_whatever_comes_of_it(world, place, is_good):
    with world.store.transaction() as uow:
        token = give(world, uow)
        assert take_token(world.env, uow, token, *place) is is_good
        assert not take_token(world.env, uow, token, ChannelSide.CLIENT, "alice-1", "AIDAALICE")


def test_a_new_token_voids_the_one_before_and_the_store_has_neither_as_it_is(world):
    with world.store.transaction() as uow:
        first, second = give(world, uow), give(world, uow)
    assert len(world.store.tables.tokens) == 1
    assert second not in repr(world.store.tables.tokens)
    with world.store.transaction() as uow:
        assert not take_token(world.env, uow, first, ChannelSide.CLIENT, "alice-1", "AIDAALICE")


def test_a_token_lives_as_long_as_was_said(world):
    with world.store.transaction() as uow:
        token = give(world, uow)
        world.advance(seconds=60)
        assert not take_token(world.env, uow, token, ChannelSide.CLIENT, "alice-1", "AIDAALICE")


def test_a_control_token_is_taken_by_its_first_use_whoever_shows_it(world):
    tokens = ControlTokens(world.env)
    token = tokens.give("mi-1")
    assert not tokens.take(token, "mi-2")
    assert not tokens.take(token, "mi-1")
    assert tokens.take(tokens.give("mi-1"), "mi-1")


def test_of_control_tokens_only_those_are_remembered_that_are_still_good(world):
    tokens = ControlTokens(world.env)
    first, second = tokens.give("mi-1"), tokens.give("mi-1")
    assert len(tokens) == 1
    world.advance(seconds=59)
    other = tokens.give("mi-2")
    assert (len(tokens), tokens.take(first, "mi-1")) == (2, False)
    world.advance(seconds=1)
    assert not tokens.take(second, "mi-1")
    tokens.give("mi-3")
    assert tokens.take(other, "mi-2")
    world.advance(seconds=60)
    tokens.give("mi-4")
    assert len(tokens) == 1
