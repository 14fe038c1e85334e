"""The list of sessions from a scripted server."""

import json

import pytest

from fairlead.client.errors import ClientError, ServiceError
from fairlead.client.session_list import Sessions

NOW = 1795209935.0
ALICE = {
    "SessionId": "alice-0123",
    "Target": "mi-1",
    "Status": "Connected",
    "StartDate": NOW - 190,
    "DocumentName": "AWS-StartSSHSession",
    "Owner": "arn:aws:iam::111122223333:user/team/alice",
    "Details": "5 bytes to the node, 7 to the client so far",
}
BOB = {
    **ALICE,
    "SessionId": "bob-0123",
    "Owner": "arn:aws:sts::111122223333:assumed-role/Ops/bob\x1b[31m",
    "EndDate": NOW - 180,
}


class Server:
    """Answers with its pages in turn."""

    def __init__(self, *pages):
        self.pages = pages
        self.calls = []
        self.said = []
        self.refusal = None
        self.sessions = Sessions(self, self.said.append, lambda: NOW)

    def call(self, operation, members):
        self.calls.append((operation, dict(members)))
        if operation == "TerminateSession":
            return {"SessionId": members["SessionId"]}
        if self.refusal is not None:
            raise self.refusal
        page = int(members.get("NextToken", "0"))
        more = {"NextToken": str(page + 1)} if page + 1 < len(self.pages) else {}
        return {"Sessions": self.pages[page], **more}


def test_a_line_says_who_is_where_since_when_and_what_was_carried():
    server = Server([ALICE], [BOB])
    server.sessions.show()
    heading, alice, bob = server.said
    assert heading.split() == ["SESSION", "STATUS", "NODE", "WHO", "DOCUMENT", "SINCE", "FOR", "DETAILS"]
    assert alice.split()[:7] == [
        "alice-0123",
        "Connected",
        "mi-1",
        "alice",
        "AWS-StartSSHSession",
        "2026-11-20T21:22:25Z",
        "3m10s",
    ]
    assert alice.endswith("  5 bytes to the node, 7 to the client so far")
    assert "\x1b" not in bob
    assert " 10s " in bob
    assert alice.index("2026") == bob.index("2026") == heading.index("SINCE")


def test_no_sessions_are_said_in_words():
    server = Server([])
    server.sessions.show()
    assert server.said == ["No sessions."]


def test_the_server_filters_what_it_can_and_names_are_told_apart_here():
    server = Server([ALICE, BOB])
    server.sessions.show(history=True, node="mi-1", owner="alice")
    assert server.calls[0][1] == {
        "State": "History",
        "MaxResults": 200,
        "Filters": [{"key": "Target", "value": "mi-1"}],
    }
    assert len(server.said) == 2
    server.sessions.find(owner=ALICE["Owner"])
    assert server.calls[-1][1]["Filters"] == [{"key": "Owner", "value": ALICE["Owner"]}]


def test_no_more_pages_are_asked_for_than_are_shown():
    server = Server([ALICE], [ALICE], [ALICE])
    server.sessions.show(limit=2)
    assert len(server.calls) == 2


def test_programs_get_what_the_server_said():
    server = Server([ALICE])
    server.sessions.show(as_json=True)
    assert json.loads(server.said[0]) == {"Sessions": [ALICE]}


def test_sessions_are_ended_one_by_one():
    server = Server([ALICE])
    server.sessions.kill(["alice-0123", "bob-0123"])
    assert server.said == ["alice-0123 is over.", "bob-0123 is over."]
    assert [each[0] for each in server.calls] == ["TerminateSession", "DescribeSessions"] * 2
    assert server.calls[1][1] == {
        "State": "History",
        "Filters": [{"key": "SessionId", "value": "alice-0123"}],
    }


def test_an_id_that_no_session_has_is_not_said_to_be_over():
    server = Server([])
    with pytest.raises(ClientError, match="no session of the last 30 days has the id alice-0132, bob-0132"):
        server.sessions.kill(["alice-0132", "bob-0132"])
    assert server.said == []
    assert [each[0] for each in server.calls] == ["TerminateSession", "DescribeSessions"] * 2


def test_who_may_end_sessions_and_not_list_them_is_believed():
    server = Server()
    server.refusal = ServiceError("refused", "AccessDeniedException", 400)
    server.sessions.kill(["alice-0123"])
    assert server.said == ["alice-0123 is over."]
    server.refusal = ServiceError("later", "ThrottlingException", 400)
    with pytest.raises(ServiceError, match="later"):
        server.sessions.kill(["alice-0123"])


def test_an_answer_that_is_none_is_an_error():
    server = Server(None)
    with pytest.raises(ServiceError, match="cannot be read"):
        server.sessions.show()
