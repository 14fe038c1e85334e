"""The agent's log: the standard library's, to standard error, exactly one line per event.

Whatever a peer put into a message, a line stays a line: characters that are not printable are escaped as JSON
escapes them, tracebacks included. Secrets never reach a log call.
"""

from __future__ import annotations

import json
import logging
import sys

LOGGER_NAME = "fairlead.agent"

MAX_LINE_CHARACTERS = 8 * 1024
"""A longer line is cut."""


class OneLineFormatter(logging.Formatter):
    """Time, level, message; whatever is not printable is escaped."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        line = "".join(map(_escaped, super().format(record)))
        return line if len(line) <= MAX_LINE_CHARACTERS else line[:MAX_LINE_CHARACTERS] + "…"


def configure_logging(level: str) -> None:
    """Log to standard error from `level` on; libraries speak up only for warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("fairlead").setLevel(level.upper())
    # A peer that breaks the WebSocket protocol is an event that this package reports itself.
    logging.getLogger("picows").setLevel(logging.CRITICAL)


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
