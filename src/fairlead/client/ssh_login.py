"""A login by the stock ssh, tried without a question, and what its failure means.

Nothing of the user's is changed: the key of a host that is not known yet goes to a file that is thrown away,
and a master connection is neither used nor made.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fairlead.transport.diagnosis import Broken
from fairlead.transport.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LOGIN_TIMEOUT_S = 60.0
MAX_SAID_BYTES = 64 * 1024
"""Of what ssh says, this much is looked at: the end of it."""

SSH_FAILED = 255
"""Exit status of ssh for its own failures; any other is that of the command on the node."""


class Login(NamedTuple):
    """Who logs in where; `identity_file` and `user` may be left to ssh's configuration (None)."""

    target: str
    port: int
    user: str | None
    identity_file: str | None
    proxy_command: str


class Ended(NamedTuple):
    """How a program ended, and the end of what it said on standard error."""

    status: int
    said: str


def arguments(login: Login, known_hosts: Sequence[str]) -> list[str]:
    """What ssh is started with. `known_hosts`: its files, the first of which takes new keys."""
    files = " ".join(f'"{name}"' for name in known_hosts)
    settings = (
        "BatchMode=yes",
        "ControlMaster=no",
        "ControlPath=none",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        "StrictHostKeyChecking=accept-new",
        "UpdateHostKeys=no",
        f"UserKnownHostsFile={files}",
        f"ProxyCommand={login.proxy_command}",
    )
    words = ["-T", "-p", str(login.port), *(word for each in settings for word in ("-o", each))]
    if login.identity_file is not None:
        words += ["-i", login.identity_file, "-o", "IdentitiesOnly=yes"]
    if login.user is not None:
        words += ["-l", login.user]
    return [*words, "--", login.target, "true"]


def try_login(login: Login, environ: Mapping[str, str]) -> str:
    """Log in and run `true`. What came of it in a few words; raises `Broken`."""
    program = shutil.which("ssh", path=environ.get("PATH"))
    if program is None:
        raise Broken("there is no ssh on this machine", "install the OpenSSH client")
    with tempfile.TemporaryDirectory(prefix="fairlead-doctor-") as directory:
        files = [str(Path(directory, "known_hosts")), *known_hosts_files(program, login.target, environ)]
        ended = _run([program, *arguments(login, files)], environ)
    if ended.status != SSH_FAILED:
        return f"logged in as {login.user}" if login.user else "logged in"
    raise explain(login, ended.said)


def known_hosts_files(program: str, target: str, environ: Mapping[str, str]) -> list[str]:
    """The user's own, by ssh's configuration for `target`; none where it cannot say."""
    try:
        done = subprocess.run(  # noqa: S603  # the user's ssh
            [program, "-G", "--", target],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LOGIN_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    for line in done.stdout.decode(errors="replace").splitlines():
        keyword, _, files = line.partition(" ")
        if keyword == "userknownhostsfile":
            return [name for name in files.split() if name != "none"]
    return []


def _run(command: list[str], environ: Mapping[str, str]) -> Ended:
    try:
        done = subprocess.run(  # noqa: S603  # the user's ssh
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LOGIN_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Broken(
            f"ssh did not log in within {LOGIN_TIMEOUT_S:.0f} s", "look at sshd's log on the node"
        ) from None
    return Ended(done.returncode, done.stderr[-MAX_SAID_BYTES:].decode(errors="replace"))


def explain(login: Login, said: str) -> Broken:
    """What ssh's words on standard error mean: the first rule of those below that fits."""
    for sign, meaning in _MEANINGS:
        if sign in said:
            return meaning(login, _line_with(sign, said))
    last = next((line for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
    return Broken(f"ssh could not log in: {printable(last)}", "try it by hand, with ssh -v")


def _line_with(sign: str, said: str) -> str:
    return printable(next(line for line in said.splitlines() if sign in line))


def _host_key_changed(login: Login, _: str) -> Broken:
    return Broken(
        f"the host key of {login.target} is another one than known_hosts has",
        f"if the machine was set up anew: ssh-keygen -R {_known_as(login)}; else somebody may be in between",
    )


def _host_key_unknown(login: Login, line: str) -> Broken:
    return Broken(f"ssh does not trust the host key of {login.target}: {line}", "compare it and add it")


def _key_unprotected(login: Login, line: str) -> Broken:
    return Broken(f"ssh does not use the key: {line}", "chmod 600 the key's file")


def _key_missing(login: Login, line: str) -> Broken:
    return Broken(f"ssh does not find the key: {line}", "give the right --identity-file")


def _key_refused(login: Login, line: str) -> Broken:
    who = f" for user {login.user}" if login.user else ""
    return Broken(
        f"sshd on {login.target} refuses the key{who}: {line}",
        "put its public half into the user's ~/.ssh/authorized_keys on the node (writable by that user only),"
        " or give the right --user and --identity-file",
    )


def _hung_up(login: Login, line: str) -> Broken:
    return Broken(
        f"sshd on {login.target} hung up before the login: {line}",
        "too many logins at once (MaxStartups), or earlier failures are punished (PerSourcePenalties): raise"
        " these in sshd_config, or try again later",
    )


def _known_as(login: Login) -> str:
    return login.target if login.port == 22 else f"'[{login.target}]:{login.port}'"


_MEANINGS: tuple[tuple[str, Callable[[Login, str], Broken]], ...] = (
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", _host_key_changed),
    ("Host key verification failed", _host_key_unknown),
    ("UNPROTECTED PRIVATE KEY FILE", _key_unprotected),
    ("not accessible", _key_missing),
    ("Permission denied", _key_refused),
    ("Exceeded MaxStartups", _hung_up),
    ("Connection closed by", _hung_up),
    ("Connection reset by", _hung_up),
    ("kex_exchange_identification", _hung_up),
)
"""Signs in ssh's words, the most telling first, and what each means."""
