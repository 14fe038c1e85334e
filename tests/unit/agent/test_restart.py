"""The steps around the exec: the check of the new program, and what passes from one program to the next."""

import os
import signal
import socket
import threading
from pathlib import Path

import pytest

from fairlead.agent import restart
from fairlead.agent.errors import RestartError
from fairlead.agent.handover import AgentState, InvalidHandover, SessionState
from fairlead.agent.program import Inherited, Program, parse_program
from fairlead.agent.restart import check_answer, own_check_answer, read_handover, replace_program
from fairlead.protocol.control_channel import StartSession
from fairlead.transport.endpoint_contract import EndpointState

AGENT = AgentState(incarnation="i-1", restarts=1, sessions=1)


@pytest.fixture
def program(tmp_path):
    return Program(state_dir=tmp_path, config=None, options={"log_level": "debug"})


@pytest.fixture
def lock(tmp_path):
    with (tmp_path / "lock").open("wb") as file:
        yield file.fileno()


@pytest.fixture
def target():
    one, other = socket.socketpair()
    with one, other:
        yield one.fileno()


def session(target, window=b"unacknowledged"):
    start = StartSession("alice-1", "AWS-StartSSHSession", {}, {})
    return SessionState(
        start=start, endpoint=EndpointState(window, 0, False, False, 0, 0), target=target, early=None
    )


class Executed(Exception):
    """Stands for a program that was replaced."""


def handed_over(program, lock, sessions):
    """What a new program is given and finds; the descriptors are its own copies."""
    found = []

    def execute(path, command):
        inherited = parse_program(command[4:]).inherited
        for number in (inherited.handover, inherited.lock, *inherited.targets):
            assert os.get_inheritable(number)
        copy = inherited._replace(handover=os.dup(inherited.handover))
        agent, taken = read_handover(copy)
        found.append((path, parse_program(command[4:]), agent, list(taken)))
        raise Executed

    with pytest.raises(Executed):
        replace_program(program, lock, AGENT, sessions, execute)
    return found[0]


def test_the_new_program_finds_agent_sessions_and_descriptors(program, lock, target):
    path, given, agent, sessions = handed_over(program, lock, [session(target)])
    assert path == program.command[0]
    assert (given.options, given.inherited.lock, given.inherited.targets) == (
        program.options,
        lock,
        (target,),
    )
    assert (agent, sessions) == (AGENT, [session(target)])


@pytest.mark.parametrize("failure", [OSError(7, "Argument list too long"), None])
def test_a_failed_exec_leaves_everything_as_it_was(program, lock, target, failure):
    before = set(os.listdir("/dev/fd"))

    def execute(path, command):
        if failure:
            raise failure

    with pytest.raises(RestartError, match="replaced"):
        replace_program(program, lock, AGENT, [session(target)], execute)
    assert set(os.listdir("/dev/fd")) == before
    assert not os.get_inheritable(lock)
    assert not os.get_inheritable(target)


def test_a_connection_that_is_gone_means_no_restart(program, lock, target):
    with pytest.raises(RestartError, match="Bad file descriptor"):
        replace_program(program, lock, AGENT, [session(10**6)], pytest.fail)


def test_more_than_the_limit_is_not_handed_over(program, lock, target, monkeypatch):
    monkeypatch.setattr(restart, "MAX_HANDOVER_BYTES", 1024 * 1024)
    with pytest.raises(RestartError, match="more than 1 MiB that is not acknowledged"):
        replace_program(program, lock, AGENT, [session(target, bytes(1024 * 1024))], pytest.fail)


def test_where_there_is_no_memory_file_an_unnamed_one_does(program, lock, target, monkeypatch):
    monkeypatch.delattr(os, "memfd_create", raising=False)
    assert handed_over(program, lock, [session(target)])[3] == [session(target)]
    assert list(program.state_dir.iterdir()) == [program.state_dir / "lock"]


def nameless(content, tmp_path):
    path = tmp_path / "handover"
    path.write_bytes(content)
    descriptor = os.open(path, os.O_RDWR)
    path.unlink()
    return descriptor


@pytest.mark.parametrize("content", [b"", b"nonsense", bytes(10_000)])
def test_a_damaged_handover_is_refused_and_closed(tmp_path, lock, content):
    descriptor = nameless(content, tmp_path)
    with pytest.raises(InvalidHandover):
        read_handover(Inherited(descriptor, lock, ()))
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


def test_descriptors_that_are_not_open_are_refused(lock):
    with pytest.raises(InvalidHandover, match="was not handed over"):
        read_handover(Inherited(10**6, lock, ()))


def test_nothing_that_was_handed_over_is_inherited_by_children(tmp_path, lock, target):
    os.set_inheritable(lock, True)
    os.set_inheritable(target, True)
    with pytest.raises(InvalidHandover):
        read_handover(Inherited(nameless(b"nonsense", tmp_path), lock, (target,)))
    assert not os.get_inheritable(lock)
    assert not os.get_inheritable(target)


def test_signals_wait_while_they_are_held():
    taken = []
    before = signal.signal(signal.SIGHUP, lambda *_: taken.append("hangup"))
    try:
        restart.hold_signals()
        # To this thread: one for the process may be taken by a thread of the test runner.
        signal.pthread_kill(threading.get_ident(), signal.SIGHUP)
        assert taken == []
        restart.release_signals()
        assert taken == ["hangup"]
    finally:
        restart.release_signals()
        signal.signal(signal.SIGHUP, before)


def test_this_program_can_take_over_from_itself():
    check_answer(0, own_check_answer().encode(), b"")


@pytest.mark.parametrize(
    ("status", "answer", "errors", "said"),
    [
        (
            1,
            b"",
            b"Traceback ...\nModuleNotFoundError: No module named 'picows'\n",
            "No module named 'picows'",
        ),
        (-9, b"", b"", "status -9"),
        (0, b"", b"", "does not say"),
        (0, b"[]", b"", "does not say"),
        (0, b'{"handovers": 1}', b"", "does not say"),
        (0, b'{"handovers": ["99.1"]}', b"", r"version \['99.1'\].*stop the agent and start it"),
    ],
)
def test_a_new_program_that_cannot_take_over_is_refused_with_the_reason(status, answer, errors, said):
    with pytest.raises(RestartError, match=said):
        check_answer(status, answer, errors)


def test_an_interpreter_that_is_gone_is_a_refusal(program, monkeypatch):
    monkeypatch.setattr("sys.executable", str(Path("/no/such/python")))
    with pytest.raises(RestartError, match="cannot be run: No such file"):
        restart.check_program(program)


def test_a_program_whose_node_is_not_registered_is_a_refusal(program):
    with pytest.raises(RestartError, match="not registered"):
        restart.check_program(program)
