"""An SSH server of one's own on a loopback port: the system's sshd, or asyncssh where there is none.

It has its own host key, accepts one client key made beside it, and nobody else.
"""

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.processes import ChildProcess, accepts, free_port, start

START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SshServer:
    """A running server. `client_key` is the private key that it accepts for `user`."""

    child: ChildProcess
    port: int
    user: str
    client_key: Path
    host_key: Path
    is_openssh: bool

    def stop(self) -> None:
        """End the server; connections it has open end too."""
        self.child.stop()


def find_sshd() -> str | None:
    """The path of the system's sshd, or None."""
    return shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")


def start_ssh_server(
    directory: Path, env: Mapping[str, str], *, port: int | None = None, max_startups: int = 200
) -> SshServer:
    """Start a server with its keys in `directory` (made if need be); raises StartFailed."""
    directory.mkdir(parents=True, exist_ok=True)
    client_key, host_key = _make_key(directory / "client_key"), _make_key(directory / "host_key")
    authorized_keys = directory / "authorized_keys"
    shutil.copyfile(client_key.with_suffix(".pub"), authorized_keys)
    port = port or free_port()
    sshd = find_sshd()
    if sshd is None:
        command: list[object] = [
            sys.executable,
            "-m",
            "tools.asyncssh_server",
            port,
            host_key,
            authorized_keys,
        ]
    else:
        config = _write_config(directory, port, host_key, authorized_keys, max_startups)
        command = [sshd, "-D", "-e", "-f", config]
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd, as root, shuts its parsers in
    child = start("ssh server", command, directory / "sshd.log", env)
    child.wait_until(lambda: accepts("127.0.0.1", port), START_TIMEOUT_S)
    return SshServer(
        child=child,
        port=port,
        user=getpass.getuser(),
        client_key=client_key,
        host_key=host_key,
        is_openssh=sshd is not None,
    )


def _make_key(path: Path) -> Path:
    if not path.exists():
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
        subprocess.run(keygen, check=True, stdin=subprocess.DEVNULL)
    return path


def _write_config(
    directory: Path, port: int, host_key: Path, authorized_keys: Path, max_startups: int
) -> Path:
    config = directory / "sshd_config"
    config.write_text(
        f"""\
ListenAddress 127.0.0.1:{port}
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups {max_startups}
MaxSessions 200
Subsystem sftp internal-sftp
""",
        encoding="utf-8",
    )
    return config
