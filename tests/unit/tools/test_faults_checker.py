"""Hand-made histories: one of a good run, and one for each way in which a run can be bad."""

from typing import Any

import pytest

from tools.faults.checker import CONNECT_TIME_S, RESUME_WINDOW_S, RULES, check, displaced
from tools.faults.content import Piece, content_of, sha256_of
from tools.faults.facts import facts_of
from tools.faults.history import Event
from tools.faults.plan import Kind

SIZE = 1000
REASON = "fairlead proxy: session s to mi-1 ended: "


class Story:
    """A history that is written by hand. What is not said goes well."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.add(0, "run", seed=1, faults=0, stall_limit_s=90.0)

    def add(self, t: float, event: str, **members: Any) -> None:
        self.events.append({"t": t, "event": event, **members})

    def fault(
        self, number: int, kind: Kind, begin: float, end: float, *, session: str = "", effect: int = 1
    ) -> None:
        self.add(0, "planned", number=number, kind=kind.value, part="")
        self.add(begin, "fault", number=number, phase="begun", session=session)
        self.add(end, "fault", number=number, phase="done", effect=effect)

    def session(
        self,
        name: str = "echo-1",
        *,
        begin: float = 1,
        end: float | None = 9,
        status: int = 0,
        by: str = "",
        stderr: str = "",
        sent: int | None = SIZE,
        received: int = SIZE,
        pieces: list[tuple[int | None, int]] | None = None,
        sha256: str | None = None,
        opened: int = 1,
        progress: tuple[float, ...] = (2, 5, 8),
        described: str | None = "Terminated",
        details: str = "The node ended the session (1 bytes to the node, 1 to the client)",
        far_end: bool = True,
    ) -> None:
        load = name.partition("-")[0]
        form = "lines" if load == "echo" else "bytes"
        self.add(begin, "begun", session=name, load=load, form=form, key=name, size=SIZE)
        for number in range(opened):
            self.add(begin + 0.5 + number, "opened", session=name)
        for moment in progress:
            self.add(moment, "progress", session=name, bytes=1)
        receipt = {
            "received": received,
            "sha256": sha256 or sha256_of(content_of(form, name), received),
            "pieces": [(0, received)] if pieces is None else pieces,
        }
        if end is not None:
            here = None if load == "upload" else receipt
            about = {"status": status, "by": by, "stderr": stderr}
            known = None if load == "download" else sent
            self.add(end, "ended", session=name, sent=known, receipt=here, **about)
            if load != "echo" and far_end:
                self.add(end, "far end", session=name, report=receipt if load == "upload" else {"sent": sent})
        if described is not None:
            entry = {"session_id": f"id-{name}", "status": described, "started": begin, "details": details}
            self.add(end or 10, "described", session=name, **entry)

    def violated(self, end: float = 10) -> set[str]:
        """The rules that do not hold."""
        self.add(end, "over")
        events = sorted(self.events, key=lambda event: float(event["t"]))
        return {verdict.rule for verdict in check(facts_of(events)) if verdict.violations}


@pytest.fixture
def story() -> Story:
    return Story()


LOADS = ("echo-1", "upload-1", "download-1")


@pytest.mark.parametrize("name", LOADS)
def test_a_good_run_breaks_no_rule(story: Story, name: str) -> None:
    story.fault(1, Kind.SERVER_KILL, 3, 4)
    story.session(name, opened=3)
    assert story.violated() == set()


# -- bytes --


@pytest.mark.parametrize("name", LOADS)
@pytest.mark.parametrize(
    ("what", "pieces"),
    [
        ("lost", [(0, 400), (500, 500)]),
        ("doubled", [(0, 600), (500, 500)]),
        ("reordered", [(0, 400), (500, 500), (400, 100)]),
        ("changed", [(0, 900), (None, 100)]),
    ],
)
def test_bytes_that_are_not_in_their_place_are_found(
    story: Story, name: str, what: str, pieces: list[tuple[int | None, int]]
) -> None:
    story.session(name, pieces=pieces)
    assert story.violated() == {f"no byte was {what}"}


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([], {}),
        ([(0, 10)], {}),
        ([(0, 10), (20, 10), (30, 5)], {"lost": 10}),
        ([(5, 10)], {"lost": 5}),
        ([(0, 10), (5, 10)], {"doubled": 5}),
        ([(0, 10), (0, 10), (10, 10)], {"doubled": 10}),
        ([(0, 10), (20, 10), (10, 10), (30, 10)], {"reordered": 10}),
        ([(0, 10), (20, 10), (12, 4)], {"reordered": 4, "lost": 6}),
        ([(0, 10), (20, 10), (5, 15)], {"reordered": 10, "doubled": 5}),
        ([(0, 10), (20, 10), (15, 30)], {"reordered": 5, "doubled": 10, "lost": 5}),
        ([(None, 3)], {"changed": 3}),
    ],
)
def test_where_bytes_came_from_tells_what_became_of_them(
    pieces: list[tuple[int | None, int]], found: dict[str, int]
) -> None:
    assert displaced(tuple(Piece(*piece) for piece in pieces)) == found


def test_a_wrong_sum_is_found_even_if_the_receiver_saw_nothing(story: Story) -> None:
    story.session(sha256="0" * 64)
    assert story.violated() == {"all checksums are right"}


@pytest.mark.parametrize("name", LOADS)
def test_a_transfer_that_ended_well_and_lacks_its_last_bytes_is_found(story: Story, name: str) -> None:
    story.session(name, received=SIZE - 64)
    assert story.violated() == {"what ended well is whole"}


def test_a_transfer_that_a_fault_ended_may_lack_its_last_bytes(story: Story) -> None:
    story.fault(1, Kind.AGENT_KILL, 7, 9)
    story.session(
        received=400, status=255, stderr=REASON + "x", details="The agent on the node was restarted (1 bytes"
    )
    assert story.violated() == set()


# -- ends --


def test_a_session_without_an_end_is_found(story: Story) -> None:
    story.session(end=None, described="Connected", details="")
    assert "no session vanished" in story.violated()


def test_a_session_that_the_server_does_not_know_is_found(story: Story) -> None:
    story.session(described=None)
    assert story.violated() == {"no session vanished"}


def test_a_session_that_nobody_began_is_found(story: Story) -> None:
    story.add(1, "described", session="", session_id="x", status="Connected", started=0, details="")
    assert story.violated() == {"no session vanished"}


def test_ssh_that_fails_without_a_word_is_found(story: Story) -> None:
    story.fault(1, Kind.AGENT_KILL, 7, 9)
    story.session(status=255, stderr="Connection closed by UNKNOWN port 65535")
    assert story.violated() == {"no session ended without a reason on stderr"}


def test_ssh_that_ends_well_says_nothing(story: Story) -> None:
    story.session(stderr="fairlead proxy: by the way")
    assert story.violated() == {"no session ended without a reason on stderr"}


TRIED_AGAIN = "fairlead proxy: TLS with 127.0.0.1:1 failed: eof; trying again for up to 20 s"


def test_ssh_that_ends_well_may_have_said_that_it_tried_again(story: Story) -> None:
    story.session(stderr=TRIED_AGAIN)
    assert story.violated() == set()


def test_that_it_tried_again_is_no_reason_for_an_end(story: Story) -> None:
    story.fault(1, Kind.AGENT_KILL, 7, 9)
    story.session(status=255, stderr=f"{TRIED_AGAIN}\nConnection closed by UNKNOWN port 65535")
    assert story.violated() == {"no session ended without a reason on stderr"}


MAY_NOT_END = sorted(set(Kind) - {Kind.AGENT_KILL, Kind.TERMINATE}, key=lambda kind: kind.value)


@pytest.mark.parametrize("kind", MAY_NOT_END)
def test_ssh_that_fails_by_a_fault_that_it_should_have_survived_is_found(story: Story, kind: Kind) -> None:
    story.fault(1, kind, 7, 9, session="echo-1")
    story.session(status=255, stderr=REASON + "x")
    assert story.violated() == {"no session ended but by a fault that may end it"}


def test_terminate_ends_its_own_session_and_no_other(story: Story) -> None:
    story.fault(1, Kind.TERMINATE, 7, 9, session="echo-1")
    ended: dict[str, Any] = {
        "status": 255,
        "stderr": REASON + "x",
        "details": "Terminated by TerminateSession",
    }
    story.session("echo-1", **ended)
    assert story.violated() == set()
    story.session("upload-1", **ended)
    assert story.violated() == {"no session ended but by a fault that may end it"}


def test_a_kill_of_the_agent_does_not_explain_an_end_before_it(story: Story) -> None:
    story.fault(1, Kind.AGENT_KILL, 9.5, 10)
    story.session(status=255, stderr=REASON + "x", progress=(2, 5, 8))
    story.session("upload-1", end=10)
    assert story.violated() == {"no session ended but by a fault that may end it"}


def test_a_session_may_be_refused_while_a_fault_is_under_way_or_just_over(story: Story) -> None:
    story.fault(1, Kind.SERVER_KILL, 3, 4)
    story.session("upload-1")
    refused: dict[str, Any] = {"status": 255, "opened": 0, "progress": (), "received": 0, "described": None}
    story.session("echo-1", stderr="fairlead proxy: no connection", **refused)
    assert story.violated() == set()


def test_a_session_may_be_given_up_whose_node_was_away_when_it_was_to_begin(story: Story) -> None:
    story.fault(1, Kind.SERVER_KILL, 3, 4)
    story.session("upload-1", end=70, progress=(2, 69))
    alone: dict[str, Any] = {"status": 255, "received": 0, "end": 63}
    text = REASON + "the node did not join the session within 60 s"
    story.session("echo-1", stderr=text, progress=(), **alone)
    assert story.violated(end=70) == set()
    story.session("echo-2", stderr=text, **alone)
    assert story.violated(end=70) == {"no session ended but by a fault that may end it"}


def test_a_session_that_is_refused_without_any_fault_is_found(story: Story) -> None:
    story.session(status=255, stderr=REASON + "x", opened=0, progress=(), received=0, described=None)
    assert story.violated() == {"no session ended but by a fault that may end it"}


def test_a_session_that_the_harness_killed_needs_no_reason(story: Story) -> None:
    story.fault(1, Kind.CLIENT_KILL, 7, 7, session="echo-1")
    story.session(status=-9, by="client kill", received=400)
    assert story.violated() == set()


# -- what the server says --


@pytest.mark.parametrize(
    "details", ["", "For no reason", "A side sent a message that it may not send: x (1 b"]
)
def test_an_end_whose_reason_the_server_does_not_state_is_found(story: Story, details: str) -> None:
    story.session(details=details)
    assert story.violated() == {"the server states how each session ended"}


@pytest.mark.parametrize("status", ["Connecting", "Connected", "Terminating"])
def test_a_session_that_is_over_here_and_not_at_the_server_is_found(story: Story, status: str) -> None:
    story.session(described=status, details="")
    assert story.violated() == {"the server states how each session ended"}


def test_the_server_waits_for_a_client_until_the_end_of_its_window_and_no_longer(story: Story) -> None:
    story.session(described="Disconnected", details="", end=9)
    assert story.violated(end=9 + RESUME_WINDOW_S - 1) == set()
    assert "the server states how each session ended" in story.violated(end=9 + RESUME_WINDOW_S + 1)


def test_the_server_waits_for_a_client_that_never_heard_of_its_session(story: Story) -> None:
    story.fault(1, Kind.CUT_RST, 1, 1)
    story.session("upload-1", begin=0, progress=(0.5, 5))
    refused: dict[str, Any] = {"opened": 0, "progress": (), "received": 0, "status": 255}
    story.session(described="Connecting", details="", stderr=REASON + "x", **refused)
    assert story.violated(end=CONNECT_TIME_S) == set()
    assert story.violated(end=CONNECT_TIME_S + 2) == {"the server states how each session ended"}


def test_a_far_end_that_outlives_its_session_is_found(story: Story) -> None:
    story.fault(1, Kind.CLIENT_KILL, 7, 7, session="upload-1")
    story.session("upload-1", status=-9, by="client kill", far_end=False)
    assert story.violated() == {"no far end outlived its session"}


def test_a_restarted_agent_may_end_a_session_that_has_not_begun_to_flow_if_it_says_so(story: Story) -> None:
    story.fault(1, Kind.AGENT_RESTART, 3, 4)
    story.session("upload-1")
    text = REASON + "the connection to the target was in no state to be kept"
    story.session(status=255, stderr=text, progress=(), received=0)
    assert story.violated() == set()
    story.session("echo-2", status=255, stderr=text)
    assert story.violated() == {"no session ended but by a fault that may end it"}


# -- the run --


def test_a_session_that_stands_still_is_found(story: Story) -> None:
    story.session(end=200, progress=(2, 100, 199))
    assert story.violated(end=200) == {"no session stood still"}


def test_a_session_that_never_gets_anything_stands_still(story: Story) -> None:
    story.session(end=200, progress=(), status=-9, by="stood still", received=0)
    assert story.violated(end=200) == {"no session stood still"}


def test_a_session_that_had_to_be_killed_at_the_end_is_found(story: Story) -> None:
    story.session(status=-9, by="did not end")
    assert story.violated() == {"no session stood still"}


def test_a_fault_that_hit_nothing_is_found(story: Story) -> None:
    story.session()
    story.fault(1, Kind.CUT_RST, 3, 3, effect=0)
    story.fault(2, Kind.CUT_FIN, 9.5, 9.5)
    story.fault(3, Kind.DELAY, 3, 4)
    assert story.violated() == {"each kind of fault hit a running transfer"}


def test_a_fault_that_was_not_carried_out_is_found(story: Story) -> None:
    story.session()
    story.fault(1, Kind.CUT_RST, 3, 3)
    story.add(0, "planned", number=2, kind=Kind.CUT_RST.value, part="client")
    assert story.violated() == {"every planned fault was carried out"}


def test_too_many_kills_of_the_server_are_found(story: Story) -> None:
    story.session()
    for number in range(1, 4):
        story.fault(number, Kind.SERVER_KILL, 3, 4)
    assert story.violated() == {"every planned fault was carried out"}


def test_a_history_that_breaks_off_is_found(story: Story) -> None:
    facts = facts_of(story.events)
    broken = [verdict.rule for verdict in check(facts) if verdict.violations]
    assert broken == ["every planned fault was carried out"]


def test_every_verdict_names_its_rule() -> None:
    assert [verdict.rule for verdict in check(facts_of([]))] == list(RULES)
