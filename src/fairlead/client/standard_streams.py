"""Descriptors 0, 1 and 2 of a session process, also where whoever started it left one closed.

A closed one would be the next that the system gives away: to a socket or the pipe of a signal, which would
then be read as standard input or written to as standard output.
"""

from __future__ import annotations

import os

from fairlead.client.errors import UsageError

STDIN, STDOUT, STDERR = 0, 1, 2


def occupy_standard_descriptors() -> None:
    """Put the null device where one is closed; to be called before anything else is opened. Raises
    `UsageError` for standard output: a session without it would be over at once, and nobody told why."""
    closed = [number for number in (STDIN, STDOUT, STDERR) if not _is_open(number)]
    for _ in closed:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    if STDOUT in closed:
        raise UsageError("standard output is closed, but it is where the session's stream goes")


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
