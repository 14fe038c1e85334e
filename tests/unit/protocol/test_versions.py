import pytest

from fairlead.protocol.versions import (
    client_too_old_text,
    is_client_too_old,
    version_numbers,
    version_text,
)


@pytest.mark.parametrize("announced", ["1.1.23.0", "1.1.23", "1.1.100.0", "1.2.0.0", "1.10.0.0", "2.0", ""])
def test_a_client_that_is_new_enough_or_tells_nothing_passes(announced):
    assert not is_client_too_old(announced)


@pytest.mark.parametrize(
    "announced", ["1.1.22.9", "1.1.3.0", "1.0.9999.9", "1", "x", "1.1.23.0-beta", "٢.٠.٠.٠"]
)
def test_an_older_or_unreadable_version_is_too_old(announced):
    assert is_client_too_old(announced)


def test_the_parts_are_numbers_and_missing_ones_are_0():
    assert version_numbers("2.3.1000") == (2, 3, 1000, 0) > version_numbers("2.3.672.0")
    assert version_text(version_numbers("1.1.23")) == "1.1.23.0"


def test_the_text_says_what_to_do_and_repeats_no_long_nonsense():
    text = client_too_old_text("9" * 1000)
    assert "update the Session Manager plugin to 1.1.23.0 or later" in text
    assert len(text) < 200
