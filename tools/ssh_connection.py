"""An ssh connection that stands, and copies over it: what is measured is the stream, not the connecting.

Client and server are this machine, so both ends of a copy are paths here, and what arrived is compared.
"""

import contextlib
import filecmp
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

UP, DOWN = "up", "down"
DIRECTIONS = (UP, DOWN)
COPY_TIMEOUT_S = 300.0
START_TIMEOUT_S = 60.0
RANDOM_BYTES = 1 << 20


class CopyFailed(Exception):
    """A connection or a copy did not work out; the text says which and why."""


@dataclass(frozen=True, slots=True)
class Route:
    """One way to reach an SSH server: an ssh configuration, a host name for it and an environment."""

    name: str
    config: Path
    host: str
    env: Mapping[str, str]

    def ssh(self, *arguments: object) -> list[str]:
        """The command line of an ssh over it; `arguments` are options and, after the host, a command."""
        return ["ssh", "-F", str(self.config), *(str(word) for word in arguments)]

    def run(self, *command: object) -> None:
        """Run a command to its end without input; raises CopyFailed with what it said."""
        words = [str(word) for word in command]
        done = subprocess.run(
            words, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=COPY_TIMEOUT_S
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise CopyFailed(f"{words[0]} over {self.name} ended with {done.returncode}: {said}")


@dataclass(frozen=True, slots=True)
class SshConnection:
    """A connection that scp commands share (ControlMaster); `pid` is its ssh."""

    route: Route
    pid: int
    _control: Path

    def copy(
        self, direction: str, source: Path, target: Path, *, limit_mb_per_s: float | None = None
    ) -> float:
        """Seconds of one scp, without those of comparing what arrived; `target` is gone afterwards.

        `source` is the near path on the way up and the far one on the way down. The limit is scp's own
        (-l), in MB/s of 10^6 bytes. Raises CopyFailed.
        """
        far = f"{self.route.host}:"
        ends = [source, f"{far}{target}"] if direction == UP else [f"{far}{source}", target]
        # scp counts Kbit of 1,024 bits.
        limit = [] if limit_mb_per_s is None else ["-l", round(limit_mb_per_s * 8e6 / 1024)]
        shared = f"ControlPath={self._control}"
        began = time.perf_counter()
        self.route.run("scp", "-q", "-F", self.route.config, "-o", shared, *limit, *ends)
        seconds = time.perf_counter() - began
        if not filecmp.cmp(source, target, shallow=False):
            raise CopyFailed(f"{direction} over {self.route.name}: another file arrived")
        target.unlink()
        return seconds


@contextlib.contextmanager
def standing(route: Route, directory: Path) -> Iterator[SshConnection]:
    """Connect, and keep the connection while in the block; its files go to `directory`. Raises CopyFailed."""
    directory.mkdir(exist_ok=True)
    control, log_file = directory / "control", directory / "log"
    command = route.ssh("-N", "-M", "-S", control, route.host)
    with (
        log_file.open("wb") as log,
        subprocess.Popen(command, env=route.env, stdin=subprocess.DEVNULL, stderr=log) as process,
    ):
        try:
            deadline = time.monotonic() + START_TIMEOUT_S
            while not control.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    said = log_file.read_text(errors="replace").strip()
                    raise CopyFailed(f"no connection over {route.name}: {said}")
                time.sleep(0.02)
            yield SshConnection(route, process.pid, control)
        finally:
            process.terminate()


def fill(path: Path, size: int) -> None:
    """Make `path` a file of `size` bytes that no compression makes smaller, unless it is one already."""
    if path.exists() and path.stat().st_size == size:
        return
    random = os.urandom(RANDOM_BYTES)
    with path.open("wb") as file:
        for _ in range(0, size, RANDOM_BYTES):
            file.write(random)
        file.truncate(size)
