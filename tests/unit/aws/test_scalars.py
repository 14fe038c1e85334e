from datetime import UTC, datetime, timedelta, timezone

import pytest

from fairlead.aws import scalars
from fairlead.aws.errors import SerializationFailed

MOMENT = datetime(2026, 11, 20, 21, 22, 49, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "abc", "é☃𝒜", "\t\r\n", "\x01\x7f"])
def test_text_passes_unchanged(text):
    assert scalars.read_text(text, "Reason") == text


@pytest.mark.parametrize("text", ["\0", "a\0b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_kept_is_refused(text):
    with pytest.raises(SerializationFailed, match=r"^Reason holds a character"):
        scalars.read_text(text, "Reason")


@pytest.mark.parametrize("number", [0, -(2**63), 2**63 - 1])
def test_whole_numbers_of_64_bits_pass(number):
    assert scalars.read_integer(number, "MaxResults") == number


@pytest.mark.parametrize("number", [-(2**63) - 1, 2**63])
def test_larger_whole_numbers_are_refused(number):
    with pytest.raises(SerializationFailed, match=r"^MaxResults is too large a number"):
        scalars.read_integer(number, "MaxResults")


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (1795209769, MOMENT),
        (1795209769.045, MOMENT + timedelta(milliseconds=45)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_epoch_seconds_become_moments_in_utc(seconds, moment):
    assert scalars.read_epoch(seconds, "ExpirationDate") == moment


@pytest.mark.parametrize("seconds", [1e300, -1e300, 10**400, float("inf"), float("nan")])
def test_moments_beyond_the_calendar_are_refused(seconds):
    with pytest.raises(SerializationFailed, match=r"^ExpirationDate is not a time"):
        scalars.read_epoch(seconds, "ExpirationDate")


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T21:22:49Z", "2026-11-20T21:22:49", "2026-11-20T22:22:49+01:00", "20261120T212249Z"],
)
def test_iso_8601_text_becomes_a_moment_in_utc(text):
    moment = scalars.read_iso8601(text, "StartTime")

    assert moment == MOMENT
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("text", ["", "yesterday", "1795209769.5", "0001-01-01T00:00:00+10:00"])
def test_other_text_is_no_moment(text):
    with pytest.raises(SerializationFailed, match=r"^StartTime is not an ISO 8601 time"):
        scalars.read_iso8601(text, "StartTime")


def test_epoch_seconds_are_whole_where_they_can_be_and_have_three_decimals_at_most():
    assert scalars.epoch(MOMENT) == 1795209769
    assert isinstance(scalars.epoch(MOMENT), int)
    assert scalars.epoch(MOMENT + timedelta(microseconds=123987)) == 1795209769.123


def test_iso_8601_is_in_utc_with_milliseconds_only_where_there_are_any():
    berlin = timezone(timedelta(hours=1))

    assert scalars.iso8601(MOMENT.astimezone(berlin)) == "2026-11-20T21:22:49Z"
    assert scalars.iso8601(MOMENT + timedelta(microseconds=999)) == "2026-11-20T21:22:49Z"
    assert scalars.iso8601(MOMENT + timedelta(microseconds=45678)) == "2026-11-20T21:22:49.045Z"


def test_bytes_are_base64():
    assert scalars.read_base64("AP8=", "Seed") == b"\x00\xff"
    assert scalars.write_base64(b"\x00\xff") == "AP8="


@pytest.mark.parametrize("text", ["AP8", "A*8=", "é"])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(SerializationFailed, match=r"^Seed must be base64"):
        scalars.read_base64(text, "Seed")
