"""User-space instructions of a command: the one cost that other work on the machine hardly changes."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

_EVENT = "instructions:u"
_TIMEOUT_S = 120.0


def instructions(command: Sequence[object], env: Mapping[str, str] | None = None) -> int | None:
    """How many a command takes, its children included, by `perf stat`; its output is thrown away.

    None where perf is missing or may not count, as in most virtual machines and containers. Raises
    CalledProcessError when the command itself fails.
    """
    perf = shutil.which("perf")
    if perf is None:
        return None
    words = [perf, "stat", "-x", ",", "-e", _EVENT, "--", *(str(word) for word in command)]
    done = subprocess.run(
        words, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S
    )
    done.check_returncode()
    return counted(done.stderr)


def counted(said: str) -> int | None:
    """The count in what `perf stat -x ,` says; None when it could not count."""
    for line in said.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith(_EVENT):
            return int(fields[0]) if fields[0].isdigit() else None
    return None
