"""Log records as single lines of plain text.

Whatever a record holds (text of users and nodes, tracebacks), it stays on its line: control characters are
escaped as in JSON, so that nobody can forge a line or move an operator's cursor.
"""

import json
import logging
import time
from typing import TextIO

_QUIET_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "aiofastnet", "alembic", "picows")
"""Libraries whose everyday news is about what peers do; their errors are ours to see."""


class LineFormatter(logging.Formatter):
    """`2026-11-20T22:00:00.123Z INFO fairlead.server text`."""

    def format(self, record: logging.LogRecord) -> str:
        """One record, one line."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        text = record.getMessage()
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        moment = f"{seconds}.{int(record.msecs):03d}Z"
        return f"{moment} {record.levelname} {record.name} {escaped(text)}"


def escaped(text: str) -> str:
    """Text without control characters: each as its JSON escape. Other characters stay as they are."""
    quoted = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return "".join(
        character if character.isprintable() else f"\\u{ord(character):04x}" for character in quoted
    )


def configure_logging(stream: TextIO, *, access_log: bool) -> None:
    """Send this process's log to a stream. For the program, not for those who embed the server."""
    # No line says from which line of code it comes; to find that out costs more than to write it (Python's
    # "Logging HOWTO", Optimization).
    logging._srcfile = None
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("fairlead").setLevel(logging.INFO)
    logging.getLogger("fairlead.api").setLevel(logging.WARNING)
    logging.getLogger("fairlead.access").setLevel(logging.INFO if access_log else logging.WARNING)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)
