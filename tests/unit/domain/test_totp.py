"""One-time codes, against the test values of RFC 6238 (appendix B), cut to six digits."""

from datetime import UTC, datetime

import pytest

from fairlead.domain.totp import code_at, matching_step, step_at

SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    assert code_at(SEED, step_at(datetime.fromtimestamp(seconds, UTC))) == code


def test_a_code_is_found_among_the_steps_that_are_looked_at_and_no_others() -> None:
    code = code_at(SEED, 1000)
    assert matching_step(SEED, range(999, 1002), code) == 1000
    assert matching_step(SEED, range(1001, 1003), code) is None
    assert matching_step(SEED, range(0), code) is None


def test_two_codes_match_in_a_row_only_and_name_the_step_of_the_second() -> None:
    first, second, third = (code_at(SEED, step) for step in (1000, 1001, 1002))
    assert matching_step(SEED, range(990, 1010), first, second) == 1001
    assert matching_step(SEED, range(990, 1010), second, first) is None
    assert matching_step(SEED, range(990, 1010), first, third) is None


def test_digits_of_other_scripts_are_no_code() -> None:
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in code_at(SEED, 1000))
    assert matching_step(SEED, range(999, 1002), wide) is None
