"""One line on stderr, status 1, no traceback."""

import signal
import sys

import pytest

from fairlead.client.errors import ClientError
from fairlead.client.failures import run_guarded, say
from fairlead.client.signals import Interrupted
from fairlead.transport.errors import ConnectError


def fail(error):
    def action():
        raise error

    return action


@pytest.fixture(autouse=True)
def _no_debug(monkeypatch):
    monkeypatch.delenv("FAIRLEAD_DEBUG", raising=False)


@pytest.mark.parametrize("error", [ClientError("no\nluck\x1b[1m"), ConnectError("no\nluck\x1b[1m")])
def test_an_expected_failure_is_one_clean_line(error, capsys):
    assert run_guarded("prog", fail(error)) == 1
    assert capsys.readouterr() == ("", "prog: no luck [1m\n")


def test_an_unexpected_failure_is_one_line_with_a_hint(capsys):
    assert run_guarded("prog", fail(KeyError("x"))) == 1
    assert capsys.readouterr().err == "prog: internal error: KeyError: 'x'; FAIRLEAD_DEBUG=1 shows where\n"


def test_the_traceback_is_there_for_those_who_ask(capsys, monkeypatch):
    monkeypatch.setenv("FAIRLEAD_DEBUG", "1")
    run_guarded("prog", fail(KeyError("x")))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [(Interrupted(signal.SIGHUP), 129), (Interrupted(signal.SIGTERM), 143), (KeyboardInterrupt(), 130)],
    ids=["hangup", "terminate", "interrupt"],
)
def test_a_signal_needs_no_words_and_gives_the_shells_status(error, status, capsys):
    assert run_guarded("prog", fail(error)) == status
    assert capsys.readouterr() == ("", "")


def test_the_status_of_the_action_is_passed_on():
    assert run_guarded("prog", lambda: 7) == 7


def test_a_closed_stderr_is_no_failure(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    say("prog", "nobody hears this")
