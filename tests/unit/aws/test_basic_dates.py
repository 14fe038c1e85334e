"""Dates made and read by hand are those of `datetime`."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.aws.basic_dates import format_basic, parse_basic

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_S = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
LAST_S = (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC) - EPOCH) // timedelta(seconds=1)


@given(st.integers(FIRST_S, LAST_S))
def test_any_moment_is_written_and_read_as_datetime_does(epoch_s: int) -> None:
    moment = EPOCH + timedelta(seconds=epoch_s)
    text = f"{moment.year:04}" + moment.strftime("%m%dT%H%M%SZ")
    assert format_basic(epoch_s) == text
    assert parse_basic(text) == epoch_s


@pytest.mark.parametrize("year", [1, 4, 100, 400, 1900, 1970, 2000, 2024, 2026, 2100, 9999])
def test_the_ends_of_months_and_years(year: int) -> None:
    for month, day in ((1, 1), (2, 28), (3, 1), (12, 31)):
        moment = datetime(year, month, day, 23, 59, 59, tzinfo=UTC)
        text = f"{year:04}{month:02}{day:02}T235959Z"
        assert parse_basic(text) == (moment - EPOCH) // timedelta(seconds=1)
        assert format_basic(parse_basic(text) or 0) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20261120T212249",
        "20261120 212249Z",
        "20261120T212249z",
        "2026112 T212249Z",
        "20261120T212249ZZ",
        "00001120T212249Z",
        "20261320T212249Z",
        "20260020T212249Z",
        "20261131T212249Z",
        "20261100T212249Z",
        "20260229T212249Z",
        "21000229T212249Z",
        "20261120T242249Z",
        "20261120T216049Z",
        "20261120T212260Z",
        "2026112٠T212249Z",
        "+0261120T212249Z",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse_basic(text) is None
