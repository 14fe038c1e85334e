"""Continuous work for the faults to hit: one transfer after the other, of each kind."""

import threading
import time
from collections.abc import Callable
from random import Random

from tools.faults.history import DID_NOT_END
from tools.faults.plan import LOADS
from tools.faults.sessions import Session, Transfer

MIB = 1 << 20
BYTES_RATE = 2.5 * MIB
"""So that two cores have enough for everything else."""

FILE_BYTES = (6 * MIB, 44 * MIB)
LINES_RATE = 20 * 64.0
LINES_BYTES = (100 * 64, 400 * 64)
PAUSE_AFTER_FAILURE_S = 0.5
END_TIMEOUT_S = 240.0


def transfer_of(seed: int, load: str, number: int) -> Transfer:
    """The `number`th transfer of a load: what it carries is decided by the seed."""
    name = f"{load}-{number}"
    is_echo = load == "echo"
    low, high = LINES_BYTES if is_echo else FILE_BYTES
    return Transfer(
        name=name,
        load=load,
        form="lines" if is_echo else "bytes",
        key=f"{seed}/{name}",
        size=Random(f"{seed}/{name}").randint(low // 64, high // 64) * 64,
        rate=LINES_RATE if is_echo else BYTES_RATE,
    )


class Load(threading.Thread):
    """Runs the transfers of one load until `stop`."""

    def __init__(self, load: str, seed: int, start_session: Callable[[Transfer], Session]) -> None:
        super().__init__(name=load)
        self.load = load
        self.sessions: list[Session] = []
        self.failure: Exception | None = None
        self._seed = seed
        self._start_session = start_session
        self._stopping = threading.Event()

    @property
    def session(self) -> Session | None:
        """The session that was started last."""
        return self.sessions[-1] if self.sessions else None

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                transfer = transfer_of(self._seed, self.load, len(self.sessions) + 1)
                session = self._start_session(transfer)
                self.sessions.append(session)
                if self._stopping.is_set():
                    session.finish()
                if session.run() != 0:
                    self._stopping.wait(PAUSE_AFTER_FAILURE_S)
        except Exception as error:  # the harness's own failure; reported by whoever joins
            self.failure = error

    def stop(self) -> None:
        """Begin no new session, and bring the present one to a good end."""
        self._stopping.set()
        if self.session is not None:
            self.session.finish()


class Loads:
    """One of each kind."""

    def __init__(self, seed: int, start_session: Callable[[Transfer], Session]) -> None:
        self._loads = [Load(load, seed, start_session) for load in LOADS]

    def start(self) -> None:
        """Begin the first transfers."""
        for load in self._loads:
            load.start()

    def stop(self) -> None:
        """End all in good order; kill what does not."""
        deadline = time.monotonic() + END_TIMEOUT_S
        for load in self._loads:
            load.stop()
        for load in self._loads:
            load.join(max(0.0, deadline - time.monotonic()))
            if load.is_alive() and load.session is not None:
                load.session.kill(DID_NOT_END)
                load.join()

    def check(self) -> None:
        """Raise what went wrong in a load itself."""
        for load in self._loads:
            if load.failure is not None:
                raise load.failure

    @property
    def sessions(self) -> list[Session]:
        """Every session so far."""
        return [session for load in self._loads for session in list(load.sessions)]

    @property
    def current(self) -> dict[str, Session]:
        """The session of each load that has not ended."""
        return {
            load.load: load.session for load in self._loads if load.session and not load.session.has_ended
        }

    @property
    def running(self) -> dict[str, Session]:
        """Those of them in which data flows."""
        return {name: session for name, session in self.current.items() if session.is_running}
