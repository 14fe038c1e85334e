"""One ssh session under fault: started, fed, read, and recorded.

What arrived is compared with what should have arrived byte by byte as it comes: here for a download or an
echo, at the far end for an upload. Nothing is judged; that is the checker's part.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.faults.content import Content, Receiver, chunks, content_of
from tools.faults.history import History
from tools.faults.pace import Pace

READ_BYTES = 65_536
PROGRESS_S = 0.2
"""Least time between two progress events."""

MAX_STDERR_BYTES = 4096
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What a session carries: `size` bytes of content, at most `rate` a second. `load` says which way."""

    name: str
    load: str
    form: str
    key: str
    size: int
    rate: float

    @property
    def content(self) -> Content:
        """The bytes."""
        return content_of(self.form, self.key)


class Session:
    """One ssh process. `ssh` is the command up to the host; `run` returns when it has ended."""

    def __init__(
        self,
        transfer: Transfer,
        ssh: Sequence[object],
        env: dict[str, str],
        directory: Path,
        history: History,
    ) -> None:
        self.transfer = transfer
        self.report_path = directory / f"{transfer.name}.report"
        self.log_path = directory / f"{transfer.name}.client.log"
        self.began_at = self.progress_at = history.now()
        self.has_ended = False
        self.received = 0
        self._history = history
        self._ended_by = ""
        self._sent = 0
        self._told_to_end = threading.Event()
        self._stderr_path = directory / f"{transfer.name}.stderr"
        with self._stderr_path.open("wb") as stderr:
            self._ssh = subprocess.Popen(
                [*map(str, ssh), self._far_command()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
                env={**env, "FAULTS_SESSION": transfer.name, "FAIRLEAD_LOG": str(self.log_path)},
                start_new_session=True,
            )

    @property
    def name(self) -> str:
        """Unique in its run; the session's Reason at the server is the same."""
        return self.transfer.name

    @property
    def has_far_report(self) -> bool:
        """True if the far end leaves a report."""
        return self.transfer.load != "echo"

    @property
    def is_running(self) -> bool:
        """True while data flows, or would if nothing were in its way."""
        return self.received > 0 and not self.has_ended

    def run(self) -> int:
        """Carry the transfer; the exit status of ssh."""
        transfer = self.transfer
        about = {name: getattr(transfer, name) for name in ("load", "form", "key", "size")}
        self._history.write("begun", self.began_at, session=self.name, **about)
        receiver = Receiver(transfer.content)
        feeder = threading.Thread(target=self._feed, name=f"{self.name} feeder")
        feeder.start()
        self._drain(receiver)
        status = self._ssh.wait()
        self._told_to_end.set()
        feeder.join()
        self.has_ended = True
        self._record(status, receiver)
        return status

    def finish(self) -> None:
        """Bring the transfer to a good end now, before its whole size is through."""
        self._told_to_end.set()

    def kill(self, why: str) -> None:
        """Kill ssh, not its ProxyCommand; `why` goes to the history."""
        self._ended_by = why
        self._ssh.kill()

    def client_pid(self) -> int | None:
        """The process id of the ProxyCommand, once it has written its first line."""
        lines = self._log_lines()
        return int(lines[0][1]) if lines and not self.has_ended else None

    # -- the stream --

    def _far_command(self) -> str:
        transfer = self.transfer
        far_end = f"cd {ROOT} && exec {sys.executable} -m tools.faults.far_end"
        match transfer.load:
            case "upload":
                return f"{far_end} sink {transfer.form} {transfer.key} {self.report_path}"
            case "download":
                what = f"{transfer.form} {transfer.key} {transfer.size} {transfer.rate}"
                return f"{far_end} source {what} {self.report_path}"
            case _:
                return "exec cat"

    def _feed(self) -> None:
        assert self._ssh.stdin is not None
        with contextlib.suppress(OSError), self._ssh.stdin as stdin:
            if self.transfer.load == "download":
                self._told_to_end.wait()
                return
            pace = Pace(self.transfer.rate)
            for chunk in chunks(self.transfer.content, self.transfer.size):
                pace.wait_for(self._sent)
                if self._told_to_end.is_set():
                    break
                rest = memoryview(chunk)
                while rest:
                    rest = rest[stdin.write(rest) :]
                self._sent += len(chunk)

    def _drain(self, receiver: Receiver) -> None:
        assert self._ssh.stdout is not None
        with self._ssh.stdout as stdout:
            if self.transfer.load == "upload":
                for line in stdout:
                    self._note_progress(int(line))
                return
            while data := stdout.read(READ_BYTES):
                receiver.take(data)
                self._note_progress(receiver.received)

    def _note_progress(self, received: int) -> None:
        now = self._history.now()
        if self.received == 0 or now - self.progress_at >= PROGRESS_S:
            self._history.write("progress", now, session=self.name, bytes=received)
            self.progress_at = now
        self.received = received

    # -- the record --

    def _record(self, status: int, receiver: Receiver) -> None:
        for words in self._log_lines():
            if words[2].startswith("opened the data channel"):
                self._history.write("opened", self._history.moment_of(float(words[0])), session=self.name)
        is_upload, is_download = self.transfer.load == "upload", self.transfer.load == "download"
        self._history.write(
            "ended",
            session=self.name,
            status=status,
            by=self._ended_by,
            stderr=self._stderr_path.read_bytes()[:MAX_STDERR_BYTES].decode(errors="replace"),
            sent=None if is_download else self._sent,
            receipt=None if is_upload else asdict(receiver.receipt()),
        )

    def record_far_report(self) -> bool:
        """Put the far end's report into the history; False while there is none."""
        try:
            report = json.loads(self.report_path.read_text(encoding="utf-8"))
            at = self._history.moment_of(self.report_path.stat().st_mtime)
        except FileNotFoundError:
            return False
        self._history.write("far end", at, session=self.name, report=report)
        return True

    def _log_lines(self) -> list[list[str]]:
        """Time, process id and text of each line of the client's debug log."""
        if not self.log_path.exists():
            return []
        lines = self.log_path.read_text(errors="replace").splitlines()
        return [words for line in lines if len(words := line.split(" ", 2)) == 3]
