"""The chores of the audit log, and where its checkpoints go: a file here and, if wished, a second place.

The file in the state directory is always the last checkpoint. The second place is a directory, best one
that this machine can write to and not change afterwards; there each hour has a file, so that whoever breaks
in later finds the earlier ones out of reach.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fairlead.control.audit_log import AuditLog
from fairlead.server.private_files import write_private

_log = logging.getLogger(__name__)

SEQUENCE_S = 5.0
"""How often pending events get their places."""
CHECKPOINT_S = 60.0
"""How often a checkpoint is signed, and unauthenticated refusals are recorded."""
CUT_S = 3600.0
"""How often what is too old is cut, and calls of nodes are recorded."""
CHECKPOINT_FILE = "audit-checkpoint"


class Checkpoints:
    """Signs checkpoints and writes them where they are kept. Called on a database thread."""

    def __init__(
        self, log: AuditLog, file: Path, directory: Path | None, now: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._file = file
        self._directory = directory
        self._now = now
        self._written: dict[Path, str] = {}

    def write(self) -> None:
        """Sign what the log is now. A place that cannot be written to is named in the log and tried again."""
        note = self._log.checkpoint().note
        places = [self._file]
        if self._directory is not None:
            places.append(self._directory / f"{CHECKPOINT_FILE}-{self._now():%Y-%m-%dT%H}")
        for place in places:
            if self._written.get(place) != note:
                self._write(place, note)

    def _write(self, place: Path, note: str) -> None:
        try:
            write_private(place, note.encode())
        except OSError as error:
            _log.error("the audit checkpoint could not be written to %s: %s", place, error.strerror)
        else:
            self._written = {path: text for path, text in self._written.items() if path == self._file}
            self._written[place] = note


class AuditChores:
    """What the log needs from time to time, each on a database thread by `run`."""

    def __init__(
        self, log: AuditLog, checkpoints: Checkpoints, run: Callable[..., Awaitable[Any]]
    ) -> None:  # Any: what the function gives
        self._log = log
        self._checkpoints = checkpoints
        self._run = run

    async def work(self) -> None:
        """Do them all, for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._regularly(SEQUENCE_S, self._sequence))
            tasks.create_task(self._regularly(CHECKPOINT_S, self._checkpoint))
            tasks.create_task(self._regularly(CUT_S, self._cut))

    async def finish(self) -> None:
        """At the end of the server: nothing that was counted is lost, and the last checkpoint covers it."""
        try:
            await self._run(self._log.record_refusals)
            await self._run(self._log.record_node_calls)
            await self._run(self._checkpoints.write)
        except Exception:
            _log.exception("the last audit checkpoint could not be written")

    async def _regularly(self, interval_s: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await chore()
            except Exception:
                _log.exception("a chore of the audit log failed; it is tried again")
            await asyncio.sleep(interval_s)

    async def _sequence(self) -> None:
        while await self._run(self._log.sequence_batch):
            pass

    async def _checkpoint(self) -> None:
        await self._run(self._log.record_refusals)
        await self._run(self._checkpoints.write)

    async def _cut(self) -> None:
        await self._run(self._log.record_node_calls)
        while await self._run(self._log.cut_batch):
            pass
