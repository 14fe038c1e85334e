"""`fairlead proxy` reached through the command tree."""

from fairlead.cli.app import main


def test_words_and_status_are_those_of_the_slim_program(capsys):
    assert main(["proxy", "mi-1", "22", "--nonsense", "x"]) == 1
    assert "unknown option --nonsense" in capsys.readouterr().err


def test_help_is_that_of_the_slim_program(capsys):
    assert main(["proxy", "--help"]) == 0
    assert "ProxyCommand fairlead proxy %h %p" in capsys.readouterr().out
