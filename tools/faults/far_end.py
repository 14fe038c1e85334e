"""The program at the other end of the ssh sessions.

    python -m tools.faults.far_end source FORM KEY BYTES RATE REPORT
    python -m tools.faults.far_end sink FORM KEY REPORT

`source` writes the content to stdout until it has written BYTES, or until its stdin ends; `sink` compares
what comes on stdin, and says on stdout now and then how much it has got. Both leave a report: a file with one
JSON object, complete as soon as it exists, also when ssh has gone away under them.
"""

import json
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

from tools.faults.content import Receiver, chunks, content_of
from tools.faults.pace import Pace

PROGRESS_S = 0.2
STDIN, STDOUT = 0, 1
READ_BYTES = 65_536


def source(form: str, key: str, size: int, rate: float, report: Path) -> None:
    """Send; the report has `sent` (what was written in whole) and `error`."""
    told_to_end = threading.Event()
    threading.Thread(target=_await_end, args=(told_to_end,), daemon=True).start()
    pace, sent, error = Pace(rate), 0, ""
    try:
        for chunk in chunks(content_of(form, key), size):
            pace.wait_for(sent)
            if told_to_end.is_set():
                break
            _write_all(chunk)
            sent += len(chunk)
    except OSError as failure:
        error = failure.strerror or type(failure).__name__
    _leave(report, {"sent": sent, "error": error})


def sink(form: str, key: str, report: Path) -> None:
    """Receive; the report is the receipt."""
    receiver = Receiver(content_of(form, key))
    told_at = 0.0
    hears = True
    while data := os.read(STDIN, READ_BYTES):
        receiver.take(data)
        if hears and time.monotonic() - told_at >= PROGRESS_S:
            told_at = time.monotonic()
            try:
                _write_all(f"{receiver.received}\n".encode())
            except OSError:
                hears = False
    _leave(report, asdict(receiver.receipt()))


def _await_end(told: threading.Event) -> None:
    while os.read(STDIN, READ_BYTES):
        pass
    told.set()


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(STDOUT, data) :]


def _leave(report: Path, content: dict[str, object]) -> None:
    draft = report.with_suffix(".draft")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(report)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["source", form, key, size, rate, report]:
            source(form, key, int(size), float(rate), Path(report))
        case ["sink", form, key, report]:
            sink(form, key, Path(report))
        case _:
            sys.exit("usage: source FORM KEY BYTES RATE REPORT | sink FORM KEY REPORT")
