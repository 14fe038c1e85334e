"""Values of answers as people read them."""

import pytest

from fairlead.client.shown_values import duration, moment, size


def test_moments_are_in_utc():
    assert moment(1795209935.25) == "2026-11-20T21:25:35Z"
    assert moment("now") == "?"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1234, "1.2 kB"),
        (5_000_000, "5.0 MB"),
        (7 * 10**12, "7.0 TB"),
        (None, "?"),
    ],
)
def test_sizes_go_in_steps_of_1000(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (59.9, "59s"), (190, "3m10s"), (3600, "1h00m"), (7500, "2h05m"), (356400, "4d03h")],
)
def test_durations_have_two_units(seconds, text):
    assert duration(seconds) == text
