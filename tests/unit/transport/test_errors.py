"""Text of others, made safe to show."""

from fairlead.transport.errors import ConnectError, TransportError, UpgradeError, printable


def test_control_characters_and_line_breaks_of_a_remote_become_blanks():
    assert printable("a\x1b[31mred\r\nline\x00 two\u202e") == "a [31mred line two"


def test_long_text_is_cut_where_it_says():
    assert printable("x" * 500, 10) == "x" * 10 + "…"


def test_every_error_of_the_package_is_a_transport_error():
    assert issubclass(ConnectError, TransportError)
    assert UpgradeError("no", 403).status == 403
