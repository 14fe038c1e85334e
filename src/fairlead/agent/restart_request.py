"""Asking a running agent to restart, from another process of the same user: `fairlead agent restart`.

Works also inside a session through that agent: it only waits for what the agent writes into its state
directory.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from fairlead.agent.errors import RestartError
from fairlead.agent.run_status import RunStatus, read_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.agent.identity import StateDirectory

ANSWER_LIMIT_S = 120.0
"""How long the agent may take to answer: longer than everything in a restart that has a limit of its own."""

SERVING_LIMIT_S = 60.0
"""How long the restarted agent may take until its control channel stands."""

_LOOK_AGAIN_S = 0.05


def request_restart(
    state: StateDirectory,
    *,
    send: Callable[[int, int], None] = os.kill,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Restart the agent of this state directory and wait until it serves; a sentence that says so.

    Raises `RestartError` or `IdentityError`.
    """
    before = _running(state)
    if before is None:
        raise RestartError(
            f"{state.path}: no agent runs with this state directory; start it with `fairlead agent run`"
        )
    try:
        send(before.pid, signal.SIGHUP)
    except OSError as error:
        raise RestartError(
            f"the agent (process {before.pid}) cannot be asked to restart: {error.strerror}"
        ) from error
    answer = _awaited(
        state,
        sleep,
        ANSWER_LIMIT_S,
        lambda status: status.restarts > before.restarts or status.pid != before.pid,
    )
    if answer is None or answer.pid != before.pid:
        raise RestartError(f"the agent (process {before.pid}) did not come back; its log says why")
    if answer.refusal:
        raise RestartError(f"not restarted, the agent goes on as before: {answer.refusal}")
    serving = _awaited(state, sleep, SERVING_LIMIT_S, lambda status: status.is_serving)
    if serving is None:
        raise RestartError(f"{_came_of(answer)}, but has not reached its server since; its log says why")
    return _came_of(serving)


def _came_of(status: RunStatus) -> str:
    kept = "1 session goes on" if status.kept_sessions == 1 else f"{status.kept_sessions} sessions go on"
    lost = f", {status.lost_sessions} lost" if status.lost_sessions else ""
    return f"the agent (process {status.pid}) was restarted as version {status.version}, {kept}{lost}"


def _running(state: StateDirectory) -> RunStatus | None:
    """The status of the process that holds the directory now; None where none does. Raises `RestartError`
    where it has not said anything yet."""
    state.check_private()  # the process that is named in it gets a signal
    if not state.is_in_use():
        return None
    status = read_status(state)
    if status is None:
        raise RestartError(f"{state.path}: in use by a process that is just starting; try again in a moment")
    return status


def _awaited(
    state: StateDirectory,
    sleep: Callable[[float], None],
    limit_s: float,
    holds: Callable[[RunStatus], bool],
) -> RunStatus | None:
    """The running agent's status once `holds`; None when the agent has ended or the time is over."""
    for _ in range(int(limit_s / _LOOK_AGAIN_S)):
        status = _running(state)
        if status is None or holds(status):
            return status
        sleep(_LOOK_AGAIN_S)
    return None
