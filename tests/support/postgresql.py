"""A private PostgreSQL server for tests: a fresh cluster on a Unix socket, no TCP port."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.waiting import PATIENCE_S

_SERVER_USER = "postgres"


def find_programs() -> Path | None:
    """The directory of `initdb` and `pg_ctl`, or None when no server is installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None


class PostgresqlServer:
    """Start with `start`, stop with `stop`; `url` gives a new, empty database each time."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self._directory = Path(tempfile.mkdtemp(prefix="fairlead-pg-"))
        self._databases = 0
        # The server refuses to run as root; the package makes an account for it.
        self._user = _SERVER_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:
            shutil.chown(self._directory, self._user)

    def start(self, *, durable: bool = False) -> None:
        """Make the cluster and start it; raises CalledProcessError with the server's words.

        With `durable` a commit is on the disk before it is answered, as in earnest.
        """
        data = self._directory / "data"
        self._run("initdb", "-D", data, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        options = f"-c listen_addresses='' -k {self._directory} -c fsync={'on' if durable else 'off'}"
        self._run("pg_ctl", "-D", data, "-w", "-l", self._directory / "log", "-o", options, "start")

    def stop(self) -> None:
        """Stop the server and delete its files."""
        self._run("pg_ctl", "-D", self._directory / "data", "-m", "immediate", "stop")
        shutil.rmtree(self._directory, ignore_errors=True)

    def new_database_url(self) -> str:
        """Create a database and return its URL."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._run("createdb", "-h", self._directory, name)
        return f"postgresql://{self._user}@/{name}?host={self._directory}"

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        user = self._user if os.geteuid() == 0 else None
        # pg_ctl leaves the server behind, which would hold a pipe open for ever: output goes to a file.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, stdout=output, stderr=output, user=user, cwd="/", timeout=2 * PATIENCE_S
            )
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} failed: {output.read()[-2000:]}")
