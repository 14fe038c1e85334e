"""Paging tokens."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from fairlead.control.paging import (
    MAX_TOKEN_CHARACTERS,
    Listing,
    cut_page,
    decode_moment_and_id,
    decode_position,
    encode_position,
)
from fairlead.domain.errors import InvalidNextToken
from fairlead.domain.operations.identities import LIST_ROLES, LIST_USERS
from tests.support.factories import NOW

LISTING = Listing(LIST_USERS, "111122223333", "us-east-1", ("/",))


@pytest.fixture
def sealer(world):
    return world.env.sealer


def test_a_position_comes_back(sealer):
    token = encode_position(sealer, LISTING, "a", "ü")
    assert decode_position(sealer, LISTING, token) == ("a", "ü")
    assert token.isascii()
    assert "=" not in token


def test_without_a_token_it_is_the_first_page(sealer):
    assert decode_position(sealer, LISTING, None) is None
    assert decode_moment_and_id(sealer, LISTING, None) is None


def test_a_moment_comes_back_in_utc_to_the_microsecond(sealer):
    moment = NOW.replace(microsecond=123456)
    elsewhere: datetime = moment.astimezone(timezone(timedelta(hours=2)))
    token = encode_position(sealer, LISTING, elsewhere.isoformat(), "id")
    assert decode_moment_and_id(sealer, LISTING, token) == (moment, "id")


@pytest.mark.parametrize(
    "other",
    [
        replace(LISTING, operation=LIST_ROLES),
        replace(LISTING, account_id="999999999999"),
        replace(LISTING, region="eu-central-1"),
        replace(LISTING, conditions=("/x/",)),
    ],
)
def test_a_token_does_not_fit_another_listing(sealer, other):
    token = encode_position(sealer, LISTING, "a")
    with pytest.raises(InvalidNextToken):
        decode_position(sealer, other, token)


@pytest.mark.parametrize("token", ["", "x", "AAAA", "é", "not base64!", "A" * (MAX_TOKEN_CHARACTERS + 1)])
def test_what_was_not_given_out_is_refused(sealer, token):
    with pytest.raises(InvalidNextToken):
        decode_position(sealer, LISTING, token)


def test_a_changed_token_is_refused(sealer):
    token = encode_position(sealer, LISTING, "a")
    for position in range(len(token) - 1):
        changed = "A" if token[position] != "A" else "B"
        with pytest.raises(InvalidNextToken):
            decode_position(sealer, LISTING, token[:position] + changed + token[position + 1 :])


def test_one_row_more_says_that_there_is_another_page():
    assert cut_page([1, 2, 3], 2) == ([1, 2], True)
    assert cut_page([1, 2], 2) == ([1, 2], False)
    assert cut_page([], 2) == ([], False)
