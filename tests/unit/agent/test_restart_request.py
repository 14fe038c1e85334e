"""`fairlead agent restart`: whom it signals, what it waits for, what it says."""

import signal
from dataclasses import replace

import pytest

from fairlead.agent.errors import IdentityError, RestartError
from fairlead.agent.identity import StateDirectory
from fairlead.agent.restart_request import request_restart
from fairlead.agent.run_status import RunStatus, write_status

RUNNING = RunStatus(pid=4711, version="1.0", restarts=4, refusal="as last time", is_serving=True)
TAKEN_UP = RunStatus(pid=4711, version="1.1", restarts=5, kept_sessions=2)
SERVING = replace(TAKEN_UP, is_serving=True)


@pytest.fixture
def state(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.prepare()
    return state


def ask(state, *then, sent=None):
    """Ask an agent that writes one of `then` each time somebody waits; None: it ends."""
    told = list(then)

    def send(pid, number):
        if sent is not None:
            sent.append((pid, number))

    with state.locked() as lock:

        def sleep(_):
            if told:
                status = told.pop(0)
                if status is None:
                    import fcntl

                    fcntl.flock(lock, fcntl.LOCK_UN)
                else:
                    write_status(state, status)

        return request_restart(state, send=send, sleep=sleep)


def test_the_running_process_gets_a_hangup_and_its_successor_is_waited_for(state):
    write_status(state, RUNNING)
    sent = []
    said = ask(state, RUNNING, TAKEN_UP, TAKEN_UP, SERVING, sent=sent)
    assert sent == [(4711, signal.SIGHUP)]
    assert said == "the agent (process 4711) was restarted as version 1.1, 2 sessions go on"


def test_what_was_lost_is_said(state):
    write_status(state, RUNNING)
    said = ask(state, replace(SERVING, kept_sessions=1, lost_sessions=1))
    assert said.endswith("1 session goes on, 1 lost")


def test_a_refusal_is_passed_on(state):
    write_status(state, RUNNING)
    with pytest.raises(RestartError, match="goes on as before: the new program does not start: no module"):
        ask(state, replace(RUNNING, restarts=5, refusal="the new program does not start: no module"))


@pytest.mark.parametrize("then", [None, replace(SERVING, pid=4712)])
def test_an_agent_that_ends_is_noticed(state, then):
    write_status(state, RUNNING)
    with pytest.raises(RestartError, match="did not come back; its log says why"):
        ask(state, then)


def test_an_agent_that_never_answers_is_given_up(state):
    write_status(state, RUNNING)
    with pytest.raises(RestartError, match="did not come back"):
        ask(state)


def test_a_successor_that_reaches_no_server_is_a_failure_that_says_so(state):
    write_status(state, RUNNING)
    with pytest.raises(RestartError, match="2 sessions go on, but has not reached its server"):
        ask(state, TAKEN_UP)


def test_without_a_running_agent_nobody_is_signalled(state):
    write_status(state, RUNNING)
    with pytest.raises(RestartError, match="no agent runs"):
        request_restart(state, send=pytest.fail)
    with pytest.raises(IdentityError, match="no such state directory"):
        request_restart(StateDirectory(state.path / "other"), send=pytest.fail)


def test_an_agent_that_has_not_said_who_it_is_is_left_alone(state):
    with state.locked(), pytest.raises(RestartError, match="try again in a moment"):
        request_restart(state, send=pytest.fail)


def test_an_agent_of_somebody_else_cannot_be_asked(state):
    write_status(state, RUNNING)

    def refuse(pid, number):
        raise PermissionError(1, "Operation not permitted")

    with state.locked(), pytest.raises(RestartError, match=r"process 4711.*Operation not permitted"):
        request_restart(state, send=refuse)


def test_a_directory_that_others_can_write_to_names_nobody(state):
    """Or whoever can write there would have us signal any process."""
    write_status(state, RUNNING)
    state.path.chmod(0o770)
    with state.locked(), pytest.raises(IdentityError, match="open to other users"):
        request_restart(state, send=pytest.fail)
