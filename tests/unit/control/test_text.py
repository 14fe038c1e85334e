"""Text of nodes and users, made fit to be shown."""

import pytest

from fairlead.control.text import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain — ünïcode 漢字 🚢", "plain — ünïcode 漢字 🚢"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("a\r\nb\tc", "a  b c"),
        ("a\x00b\x7fc\x9bd", "abcd"),
        ("admin\u202egnp.exe\u2066", "admingnp.exe"),
        ("x\u2028y\ud800z", "xyz"),
        ("  \n ", ""),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text, shown):
    assert printable(text, 100) == shown


def test_the_length_is_bounded():
    assert printable("é" * 10, 4) == "éééé"
