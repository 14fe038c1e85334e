"""`fairlead proxy`: its arguments, and what it does before a session exists."""

import pytest

from fairlead.client.errors import UsageError
from fairlead.client.proxy import main, parse_arguments


def test_target_and_port_with_options_in_any_order():
    words = ["--region", "eu-west-1", "mi-1", "--reason=it broke = badly", "22", "--profile", "p"]
    arguments = parse_arguments(words)
    assert (arguments.target, arguments.port) == ("mi-1", "22")
    assert arguments.options == {"region": "eu-west-1", "reason": "it broke = badly", "profile": "p"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "usage:"),
        (["mi-1"], "usage:"),
        (["mi-1", "22", "x"], "usage:"),
        (["mi-1", ""], "usage:"),
        (["mi-1", "22", "--color", "red"], "unknown option --color"),
        (["mi-1", "22", "--region"], "--region needs a value"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_the_usage(words, said, capsys):
    with pytest.raises(UsageError, match=said):
        parse_arguments(words)
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_help_is_printed_on_request(capsys):
    assert main(["--help"]) == 0
    assert "ProxyCommand fairlead proxy %h %p" in capsys.readouterr().out
