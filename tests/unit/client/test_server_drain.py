"""The drain command against a scripted server, on a clock that only sleeping moves."""

import pytest

from fairlead.client.errors import ServiceError
from fairlead.client.server_drain import SESSIONS_LEFT, DrainCommand

SESSION = {
    "SessionId": "alice-0123",
    "Target": "mi-1",
    "Status": "Connected",
    "StartDate": 1795209935.0,
    "Owner": "arn:aws:iam::111122223333:user/al\x1b[31mice",
    "BytesToNode": 999,
    "BytesToClient": 1234567,
}


class Server:
    """Counts calls; `counts` says how many sessions are left at each poll, the last one for ever."""

    def __init__(self, *counts, pages=1) -> None:
        self.counts = list(counts)
        self.pages = pages
        self.now = 0.0
        self.said: list[str] = []
        self.calls: list[str] = []
        self.command = DrainCommand(self, self.said.append, clock=lambda: self.now, sleep=self._sleep)

    def call(self, operation, members):
        self.calls.append(operation)
        if operation != "DescribeServerDrain":
            return {}
        if members["MaxResults"] == 1:
            return {"SessionCount": self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]}
        page = int(members.get("NextToken", "1"))
        return {"Sessions": [SESSION], **({"NextToken": str(page + 1)} if page < self.pages else {})}

    def _sleep(self, seconds) -> None:
        self.now += seconds


def test_an_idle_server_is_drained_at_once():
    server = Server(0)
    assert server.command.drain(wait_s=600) == 0
    assert server.calls == ["DrainServer", "DescribeServerDrain"]
    assert server.said == [
        "The server takes no new sessions.",
        "No session is left: the server can be restarted.",
    ]


def test_without_a_wait_everybody_who_is_left_is_named_and_the_status_says_so():
    server = Server(2, pages=2)
    assert server.command.drain(wait_s=0) == SESSIONS_LEFT
    line = "  alice-0123  Connected  to mi-1  by arn:aws:iam::111122223333:user/al [31mice"
    line += "  since 2026-11-20T21:25:35Z  999 B up, 1.2 MB down"
    assert [text.replace("?", " ") for text in server.said[1:]] == ["2 sessions are left:", line, line]
    assert "\x1b" not in "".join(server.said)


def test_a_wait_ends_with_the_last_session():
    server = Server(2, 2, 1, 0)
    assert server.command.drain(wait_s=600) == 0
    assert server.now == 6
    assert server.said[-2:] == [
        "1 session is left, waiting for 596 s more",
        "No session is left: the server can be restarted.",
    ]


def test_a_wait_that_is_over_names_those_who_are_still_there():
    server = Server(1)
    assert server.command.drain(wait_s=25) == SESSIONS_LEFT
    assert server.now == 25
    waits = [text for text in server.said if "waiting" in text]
    assert waits == [
        "1 session is left, waiting for 15 s more",
        "1 session is left, waiting for 5 s more",
    ]
    assert server.said[-1].startswith("  alice-0123")


def test_a_drain_is_taken_back():
    server = Server(1)
    assert server.command.cancel() == 0
    assert (server.calls, server.said) == (["CancelServerDrain"], ["The server takes sessions again."])


def test_an_answer_of_another_server_is_no_success():
    server = Server(None)
    with pytest.raises(ServiceError, match="does not say"):
        server.command.drain(wait_s=0)


def test_what_the_server_leaves_out_or_misspells_is_shown_as_unknown():
    server = Server(1)
    server.call = lambda operation, members: {"SessionCount": 1, "Sessions": [{"BytesToNode": 10**15}]}
    server.command.drain(wait_s=0)
    assert server.said[-1] == "  ?  ?  to ?  by ?  since ?  1000.0 TB up, ? down"
