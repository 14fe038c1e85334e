import io
import logging
from collections.abc import Iterator

import pytest

from fairlead.server.log_lines import LineFormatter, configure_logging, escaped


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """A stream that the process's log goes to during a test."""
    root = logging.getLogger()
    handlers, level, source_file = root.handlers[:], root.level, logging._srcfile
    names = ("fairlead", "fairlead.api", "fairlead.access", "uvicorn.error", "asyncio", "alembic")
    levels = {name: logging.getLogger(name).level for name in names}
    stream = io.StringIO()
    configure_logging(stream, access_log=False)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging._srcfile = source_file
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_a_record_is_one_line_whatever_it_holds(log: io.StringIO) -> None:
    logging.getLogger("fairlead.test").warning("node says %s", "a\nb\x1b[31m\x9b\u2028c")
    lines = log.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith(r"WARNING fairlead.test node says a\nb\u001b[31m\u009b\u2028c")


def test_a_traceback_stays_on_its_line(log: io.StringIO) -> None:
    try:
        raise ValueError("x")
    except ValueError:
        logging.getLogger("fairlead.test").exception("failed")
    (line,) = log.getvalue().splitlines()
    assert r"failed\nTraceback" in line
    assert line.endswith("ValueError: x")


def test_a_line_begins_with_the_time_in_utc() -> None:
    record = logging.LogRecord("n", logging.INFO, "f", 1, "text", None, None)
    record.created, record.msecs = 1795209769.045, 45.0
    assert LineFormatter().format(record) == "2026-11-20T21:22:49.045Z INFO n text"


def test_nobody_looks_for_the_line_of_code_that_logs(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[logging.LogRecord] = []
    monkeypatch.setattr(LineFormatter, "format", lambda _, record: seen.append(record) or record.getMessage())
    logging.getLogger("fairlead.test").warning("node says %s", "hello")
    assert [(record.filename, record.lineno) for record in seen] == [("(unknown file)", 0)]


def test_api_calls_are_logged_only_on_request(log: io.StringIO) -> None:
    logging.getLogger("fairlead.access").info("call")
    assert log.getvalue() == ""
    configure_logging(log, access_log=True)
    logging.getLogger("fairlead.access").info("call")
    assert "call" in log.getvalue()


def test_readable_text_stays_readable() -> None:
    assert escaped('Zoë said "hi" \\ ok') == 'Zoë said "hi" \\\\ ok'
