"""Round trips of a few bytes to something that says back what it is told, such as `ssh host cat`."""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.statistics import quantile

MESSAGE = bytes(range(64))
US = 1e6
ANSWER_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0


class NoEcho(Exception):
    """It ended, fell silent or said something else; the text has its last words."""


class Echo:
    """A pair of file descriptors with an echo behind them; `last_words` explains its end."""

    def __init__(self, to_fd: int, from_fd: int, last_words: Callable[[], str] = lambda: "") -> None:
        self._to, self._from = to_fd, from_fd
        self._last_words = last_words

    def round_trip_s(self) -> float:
        """Seconds from writing a message until all of it came back. Raises NoEcho."""
        began = time.perf_counter()
        os.write(self._to, MESSAGE)
        answer = os.read(self._from, len(MESSAGE))
        while answer and len(answer) < len(MESSAGE):
            answer += os.read(self._from, len(MESSAGE) - len(answer))
        took = time.perf_counter() - began
        if answer != MESSAGE:
            raise NoEcho(f"no echo: {self._last_words() or 'another answer'}")
        return took

    def wait_until_open(self) -> None:
        """The first round trip, which has to wait for the connection. Raises NoEcho."""
        os.write(self._to, MESSAGE)
        missing = len(MESSAGE)
        while missing:
            is_readable = bool(select.select([self._from], [], [], ANSWER_TIMEOUT_S)[0])
            answer = os.read(self._from, missing) if is_readable else b""
            if not answer:
                raise NoEcho(f"no echo: {self._last_words() or 'silence'}")
            missing -= len(answer)


@contextlib.contextmanager
def command_echo(command: Sequence[object], env: Mapping[str, str], log: Path) -> Iterator[Echo]:
    """Start a command that echoes its input, and wait until it does. After the block its input ends, so that
    it ends, and a session behind it too; what does not is killed."""
    words = [str(word) for word in command]
    with (
        log.open("wb") as output,
        subprocess.Popen(
            words, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, bufsize=0
        ) as process,
    ):
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            echo = Echo(
                process.stdin.fileno(),
                process.stdout.fileno(),
                last_words=lambda: log.read_text(errors="replace").strip(),
            )
            echo.wait_until_open()
            yield echo
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT_S)
        finally:
            process.kill()


@contextlib.contextmanager
def socket_echo(port: int) -> Iterator[Echo]:
    """A TCP connection to an echo on a loopback port."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Echo(connection.fileno(), connection.fileno())


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """A process that says back what arrives on a loopback port: the port."""
    command = [sys.executable, "-m", "benchmarks.load.echo"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()  # it ends by that


def measure_round_trips(
    bench: Bench, echoes: Mapping[str, Echo], rounds: int, trips: int
) -> dict[str, list[list[float]]]:
    """Seconds of `trips` round trips of every echo in every round, in turn, by name."""

    def trips_of(echo: Echo) -> Callable[[], list[float]]:
        return lambda: [echo.round_trip_s() for _ in range(trips)]

    return bench.interleave({name: trips_of(echo) for name, echo in echoes.items()}, rounds, show=_show)


def quantile_of_rounds(rounds: Sequence[Sequence[float]], share: float) -> list[float]:
    """The quantile of every round, in microseconds."""
    return [quantile(seconds, share) * US for seconds in rounds]


def _show(seconds: Sequence[float]) -> str:
    return f"{quantile(seconds, 0.5) * US:.0f} µs"
