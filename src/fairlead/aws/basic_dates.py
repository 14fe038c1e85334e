"""Moments as `X-Amz-Date` writes them, ISO 8601 in basic format and UTC: `20261120T212249Z`.

By hand, because `datetime` costs the ProxyCommand path 2 ms and a megabyte, and `strptime` the server more
than the signature whose date it reads.
"""

from __future__ import annotations

_DAYS_BEFORE_1970 = 719_162
"""Days from the beginning of year 1 of the Gregorian calendar."""
_DAYS_IN_400_YEARS = 146_097
_DAYS_IN_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_S = 86_400
_LENGTH = len("20261120T212249Z")


def format_basic(epoch_s: int) -> str:
    """Epoch seconds, in the years 1 to 9999, as text."""
    days, seconds = divmod(epoch_s, _DAY_S)
    days += _DAYS_BEFORE_1970
    year = days * 400 // _DAYS_IN_400_YEARS + 1  # or the one before or after it
    while _days_before_year(year) > days:
        year -= 1
    while _days_before_year(year + 1) <= days:
        year += 1
    day = days - _days_before_year(year)
    month = 1
    while day >= _days_in_month(year, month):
        day -= _days_in_month(year, month)
        month += 1
    minutes, second = divmod(seconds, 60)
    return f"{year:04}{month:02}{day + 1:02}T{minutes // 60:02}{minutes % 60:02}{second:02}Z"


def parse_basic(text: str) -> int | None:
    """Epoch seconds; None for anything that is not such a moment to the letter."""
    digits = text[:8] + text[9:15]
    if len(text) != _LENGTH or text[8] != "T" or text[15] != "Z":
        return None
    if not (digits.isascii() and digits.isdigit()):
        return None
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:14])
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= _days_in_month(year, month):
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    months = sum(_days_in_month(year, earlier) for earlier in range(1, month))
    days = _days_before_year(year) + months + day - 1 - _DAYS_BEFORE_1970
    return days * _DAY_S + hour * 3600 + minute * 60 + second


def _days_before_year(year: int) -> int:
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400


def _days_in_month(year: int, month: int) -> int:
    is_leap_february = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if is_leap_february else _DAYS_IN_MONTHS[month - 1]
