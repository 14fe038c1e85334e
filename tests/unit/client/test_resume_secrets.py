"""Which secret is shown, and which is promised, whatever is lost on the way."""

import itertools

import pytest

from fairlead.client.resume_secrets import ResumeSecrets, digest_of


def made() -> ResumeSecrets:
    numbers = itertools.count(1)
    return ResumeSecrets(lambda size: bytes([next(numbers)]) * size)


S1, S2, S3 = (f"{number:02x}" * 32 for number in (1, 2, 3))


@pytest.fixture
def secrets() -> ResumeSecrets:
    """A chain whose first promise went out with a token."""
    secrets = made()
    assert secrets.begin() == digest_of(S1)
    return secrets


def test_before_the_first_promise_there_is_nothing_to_come_back_with():
    assert not made().can_come_back


def test_what_was_promised_is_shown_next_with_a_new_promise(secrets):
    secrets.confirmed()
    assert secrets.can_come_back
    assert secrets.show() == (S1, digest_of(S2))
    secrets.confirmed()
    assert secrets.show() == (S2, digest_of(S3))


def test_the_promise_of_an_open_frame_with_a_token_may_have_been_taken_or_not(secrets):
    assert secrets.show() == (S1, digest_of(S2))
    secrets.refused()
    assert not secrets.can_come_back


def test_what_was_not_confirmed_is_shown_again_word_for_word(secrets):
    assert secrets.show() == secrets.show() == secrets.show() == (S1, digest_of(S2))


def test_when_the_repeat_is_refused_the_promise_may_have_been_taken(secrets):
    secrets.show()
    secrets.show()
    secrets.refused()
    assert secrets.show() == (S2, digest_of(S3))
    secrets.refused()
    assert not secrets.can_come_back


def test_a_new_token_begins_a_new_chain(secrets):
    secrets.show()
    secrets.refused()
    assert secrets.begin() == digest_of(S3)
    assert secrets.show()[0] == S3


def test_what_is_forgotten_is_not_shown(secrets):
    secrets.show()
    secrets.forget()
    assert not secrets.can_come_back


def test_a_second_confirmation_changes_nothing(secrets):
    secrets.confirmed()
    secrets.confirmed()
    assert secrets.show() == (S1, digest_of(S2))
