"""`fairlead sessions`: which calls the words become."""

import json

import pytest
from typer.testing import CliRunner

from fairlead.cli import sessions
from fairlead.client import admin_api
from fairlead.client.errors import ClientError

RUNNER = CliRunner()


@pytest.fixture
def calls(monkeypatch):
    """Calls of the API, by the profile that they were made with; there are no sessions."""
    made = []

    class Api:
        def __init__(self, profile) -> None:
            self.profile = profile

        def call(self, operation, members):
            made.append((self.profile, operation, members))
            return {"Sessions": []}

    monkeypatch.setattr(admin_api, "open_session_api", Api)
    return made


def test_without_words_the_active_sessions_are_listed(calls):
    done = RUNNER.invoke(sessions.app, [])
    assert (done.exit_code, done.output) == (0, "No sessions.\n")
    assert calls == [(None, "DescribeSessions", {"State": "Active", "MaxResults": 200})]


def test_options_choose_what_is_listed_and_how(calls):
    words = ["--history", "--node", "mi-1", "--owner", "bob", "--json", "--profile", "work"]
    done = RUNNER.invoke(sessions.app, words)
    assert json.loads(done.output) == {"Sessions": []}
    ((profile, _, members),) = calls
    assert (profile, members["State"]) == ("work", "History")
    assert members["Filters"] == [{"key": "Target", "value": "mi-1"}]


def test_kill_ends_each_session_that_is_named(calls):
    done = RUNNER.invoke(sessions.app, ["kill", "bob-1", "bob-2"])
    assert isinstance(done.exception, ClientError), "the server of this test has no sessions"
    ended = [each[1:] for each in calls if each[1] == "TerminateSession"]
    assert ended == [
        ("TerminateSession", {"SessionId": "bob-1"}),
        ("TerminateSession", {"SessionId": "bob-2"}),
    ]


def test_a_watched_list_is_asked_for_until_ctrl_c(calls, monkeypatch):
    def sleep(_seconds):
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(sessions.time, "sleep", sleep)
    assert RUNNER.invoke(sessions.app, ["--watch"]).exit_code == 0
    assert len(calls) == 3
