"""Replacing the program of a running agent: the steps around the exec, before and after it.

Before: a child of the new code proves that it starts and reads our handover; then everything is written into
a file without a name, and the process turns into the new program. After: the descriptors are ours again and
nobody else's, and the handover is read. What is in it is left to `agent.handover`, when to do it to
`agent.process`; docs/decisions/0010 has the reasons.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from fairlead.agent import handover
from fairlead.agent.errors import RestartError
from fairlead.agent.handover import InvalidHandover
from fairlead.agent.program import Inherited
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fairlead.agent.handover import AgentState, SessionState
    from fairlead.agent.program import Program

MAX_HANDOVER_BYTES = 1024 * 1024 * 1024
"""Bytes of a handover. It lies in memory beside the sessions it is made of."""

CHECK_TIMEOUT_S = 60.0
"""How long the new code may take to prove that it starts."""

MAX_CHECK_ANSWER_BYTES = 4096

SIGNALS = frozenset({signal.SIGHUP, signal.SIGTERM, signal.SIGINT})
"""What the agent has handlers for. Blocked across the exec, or the first of them would end a program that has
no handlers yet."""


def check_program(program: Program) -> None:
    """Have a child process of the new code say that it could take over. Blocks. Raises `RestartError`."""
    command = replace(program, is_check=True).command
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHECK_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RestartError(f"the new program does not start within {CHECK_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise RestartError(f"the new program cannot be run: {error.strerror}") from error
    check_answer(done.returncode, done.stdout, done.stderr)


def check_answer(status: int, answer: bytes, errors: bytes) -> None:
    """Judge what the child said. Raises `RestartError`."""
    if status != 0:
        last_line = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise RestartError(f"the new program does not start: {printable(last_line) or f'status {status}'}")
    try:
        readable = json.loads(answer[:MAX_CHECK_ANSWER_BYTES])["handovers"]
        can_read = handover.FORMAT in readable
    except (ValueError, TypeError, KeyError):
        raise RestartError("the new program does not say which handover it reads") from None
    if not can_read:
        raise RestartError(
            f"the new program reads handovers of version {printable(str(readable), 40)}, and this one writes "
            f"{handover.FORMAT}: stop the agent and start it, which ends its sessions"
        )


def own_check_answer() -> str:
    """What this program says when it is checked."""
    return json.dumps({"handovers": [handover.FORMAT]})


def hold_signals() -> None:
    """Leave signals to whoever calls `release_signals`, be it the program after this one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release_signals() -> None:
    """Take signals again, those that came meanwhile first: there are handlers for them now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def replace_program(
    program: Program,
    lock: int,
    agent: AgentState,
    sessions: Iterable[SessionState],
    execute: Callable[[str, list[str]], object] = os.execv,
) -> NoReturn:
    """Turn this process into `program`, with everything it needs to go on; the caller holds the signals.
    Returns by `RestartError` or `InvalidHandover` only: then nothing has changed."""
    with contextlib.ExitStack() as undo:
        try:
            descriptor, targets = undo.enter_context(_written(program.state_dir, agent, sessions))
            inherited = Inherited(descriptor, lock, targets)
            for number in (descriptor, lock, *targets):
                os.set_inheritable(number, True)
                undo.callback(os.set_inheritable, number, False)
            command = replace(program, inherited=inherited).command
            execute(command[0], command)
        except OSError as error:
            raise RestartError(f"the program could not be replaced: {error.strerror}") from error
    raise RestartError("the program was not replaced")


@contextlib.contextmanager
def _written(
    state_dir: Path, agent: AgentState, sessions: Iterable[SessionState]
) -> Iterator[tuple[int, tuple[int, ...]]]:
    """The handover in a file that has no name, and the connections that belong to it. One session after the
    other, so that none is in memory three times. Raises `RestartError` when it would be too large."""
    targets = []
    count = 0
    with open(_nameless_file(state_dir), "wb") as file:
        file.write(handover.encode_prefix(count))
        file.write(handover.encode_agent(agent))
        for session in sessions:
            count += 1
            file.write(handover.encode_session(session))
            if session.target is not None:
                targets.append(session.target)
            if file.tell() > MAX_HANDOVER_BYTES:
                raise RestartError(
                    f"the sessions hold more than {MAX_HANDOVER_BYTES >> 20} MiB that is not acknowledged; "
                    "try again when less is under way"
                )
        file.write(handover.encode_suffix())
        file.seek(0)
        file.write(handover.encode_prefix(count))
        file.flush()
        yield file.fileno(), tuple(targets)


def _nameless_file(state_dir: Path) -> int:
    """A file that nobody else can open: in memory, or without a name in the state directory."""
    try:
        return os.memfd_create("fairlead-handover")
    except (AttributeError, OSError):  # another system than Linux, or one that forbids it
        with tempfile.TemporaryFile(dir=state_dir) as file:
            return os.dup(file.fileno())


def adopt(inherited: Inherited) -> None:
    """Make the descriptors this program's own: no child of it inherits them. Raises `InvalidHandover` when
    one of them is not open."""
    try:
        for descriptor in (inherited.handover, inherited.lock, *inherited.targets):
            os.set_inheritable(descriptor, False)
    except OSError as error:
        raise InvalidHandover(f"a file descriptor was not handed over: {error.strerror}") from error


def read_handover(inherited: Inherited) -> tuple[AgentState, Iterator[SessionState]]:
    """What the process before handed over, the sessions one after the other. Raises `InvalidHandover`."""
    try:
        adopt(inherited)
        size = os.fstat(inherited.handover).st_size
        if not 0 < size <= 2 * MAX_HANDOVER_BYTES:
            raise InvalidHandover(f"the handover has {size} bytes")
        # Not copied: what is read of it is, session by session. It goes when the last view of it does.
        return handover.decode(memoryview(mmap.mmap(inherited.handover, size, access=mmap.ACCESS_READ)))
    except (OSError, ValueError) as error:
        raise InvalidHandover(f"the handover cannot be read: {error}") from error
    finally:
        with contextlib.suppress(OSError):
            os.close(inherited.handover)


def close_targets(inherited: Inherited) -> None:
    """Close the connections that nobody can go on with."""
    for descriptor in inherited.targets:
        with contextlib.suppress(OSError):
            os.close(descriptor)
