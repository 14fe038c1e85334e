"""What a resume secret proves, and what was promised with it."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.domain.resumption import RESUME_REPEAT_S, ClientClaim, ResumeChain, ResumeVerdict

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
S1, S2, S3, OTHER = (bytes([number]) * 32 for number in range(4))
FRESH = ResumeChain(current=S1)
MOVED = FRESH.moved(S2, NOW)


def test_the_promised_secret_is_good_once_and_the_next_takes_its_place():
    assert FRESH.judge(S1, S2, NOW) is ResumeVerdict.GOOD
    assert ResumeChain(current=S2, used=S1, moved_at=NOW) == MOVED
    assert MOVED.judge(S2, S3, NOW) is ResumeVerdict.GOOD


def test_the_last_use_may_be_repeated_word_for_word_for_a_while():
    assert MOVED.judge(S1, S2, NOW + timedelta(seconds=RESUME_REPEAT_S)) is ResumeVerdict.REPEATED
    assert MOVED.judge(S1, S2, NOW + timedelta(seconds=RESUME_REPEAT_S + 1)) is ResumeVerdict.UNKNOWN


@pytest.mark.parametrize("later_s", [0, RESUME_REPEAT_S + 1])
def test_a_used_secret_with_another_promise_is_somebody_elses(later_s):
    assert MOVED.judge(S1, OTHER, NOW + timedelta(seconds=later_s)) is ResumeVerdict.REUSED


@pytest.mark.parametrize("chain", [FRESH, MOVED])
def test_any_other_secret_is_unknown_whatever_it_promises(chain):
    assert {chain.judge(OTHER, promised, NOW) for promised in (S1, S2, S3)} == {ResumeVerdict.UNKNOWN}


def test_what_was_used_before_the_last_is_forgotten():
    assert MOVED.moved(S3, NOW).judge(S1, S2, NOW) is ResumeVerdict.UNKNOWN


def test_a_promise_must_be_new():
    assert FRESH.judge(S1, S1, NOW) is ResumeVerdict.UNKNOWN
    assert MOVED.judge(S2, S2, NOW) is ResumeVerdict.UNKNOWN
    assert MOVED.judge(S2, S1, NOW) is ResumeVerdict.UNKNOWN


def test_no_secret_in_the_text_form_of_a_claim():
    assert "hidden" not in repr(ClientClaim(token="hidden-1", resume_secret="hidden-2"))
