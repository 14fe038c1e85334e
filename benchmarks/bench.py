"""What a row is handed: how long it may take, where to work, what runs already, and fair rounds."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import TypeVar

from benchmarks.rig import Rig, Rigs
from tools.stack import LocalStack

T = TypeVar("T")


class Form(Enum):
    """How thorough a run is."""

    FULL = "full"
    QUICK = "quick"
    GATE = "gate"


def _show(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class Bench:
    """The context of one row. `directory` is empty at first and deleted afterwards."""

    def __init__(self, form: Form, rigs: Rigs, directory: Path, say: Callable[[str], None]) -> None:
        self.form = form
        self.directory = directory
        self._rigs = rigs
        self._say = say

    def say(self, line: str) -> None:
        """Show progress."""
        self._say(line)

    def pick(self, *, full: T, quick: T, gate: T | None = None) -> T:
        """What this form of the run wants; the gate takes `quick` unless it has a value of its own."""
        if self.form is Form.FULL:
            return full
        return quick if gate is None or self.form is Form.QUICK else gate

    @contextlib.contextmanager
    def rig(self, *, tls: bool = True, digests: bool = False) -> Iterator[Rig]:
        """A running server, agent and SSH server that other rows use too: leave them as they are."""
        yield self._rigs.get(tls=tls, digests=digests)

    @contextlib.contextmanager
    def stack(self, server_options: Sequence[str] = ()) -> Iterator[LocalStack]:
        """An empty stack of the row's own, to load, kill and restart; ended after the block."""
        stack = LocalStack(Path(tempfile.mkdtemp(dir=self.directory)), server_options)
        try:
            yield stack
        finally:
            stack.stop()

    def interleave(
        self,
        variants: Mapping[str, Callable[[], T]],
        rounds: int,
        *,
        warm_up: bool = True,
        show: Callable[[T], str] = _show,
    ) -> dict[str, list[T]]:
        """Run every variant once per round, A B C A B C: what each gave, by name, one value per round.

        Machines drift; neighbours in time see the same machine. The warm-up round is not among the values.
        `show` makes a value readable for the progress.
        """
        if warm_up:
            for run in variants.values():
                run()
        found: dict[str, list[T]] = {name: [] for name in variants}
        for number in range(rounds):
            for name, run in variants.items():
                found[name].append(run())
            shown = (f"{name} {show(values[-1])}" for name, values in found.items())
            self._say(f"  round {number + 1} of {rounds}: {', '.join(shown)}")
        return found
