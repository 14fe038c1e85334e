"""The host block for `~/.ssh/config`, and how to put it there without touching anything else.

The block lies between two marker lines. Installing again replaces what is between them and leaves every
other byte as it was; without markers the block goes to the end, since ssh takes the first value it finds and
the user's own entries should win.
"""

from __future__ import annotations

import os
import stat
import tempfile

from fairlead.client.errors import ClientError

BEGIN = "# >>> fairlead >>>"
END = "# <<< fairlead <<<"
PATTERN = "i-* mi-*"
MAX_CONFIG_BYTES = 4 * 1024 * 1024
"""Longest ssh configuration that is edited."""

NEW_FILE_MODE = 0o600
WRITABLE_BY_OTHERS = 0o022

OWN_COMMAND = "fairlead proxy %h %p"
AWS_COMMAND = (
    'sh -c "aws ssm start-session --target %h --document-name AWS-StartSSHSession'
    " --parameters 'portNumber=%p'\""
)


class SshConfigError(ClientError):
    """The ssh configuration cannot be edited as it is."""


def host_block(*, aws: bool = False) -> str:
    """The block as it is printed; `aws` gives the form that runs the AWS CLI."""
    command = AWS_COMMAND if aws else OWN_COMMAND
    return f"# SSH over Session Manager\nHost {PATTERN}\n    ProxyCommand {command}\n"


def with_block(config: bytes, block: str) -> bytes:
    """`config` with the marked block put in or replaced. Raises `SshConfigError` for torn markers."""
    begin, end = config.find(BEGIN.encode()), config.find(END.encode())
    if (begin < 0) != (end < 0) or end < begin or config.count(BEGIN.encode()) > 1:
        raise SshConfigError(
            f"the lines {BEGIN!r} and {END!r} in the ssh configuration do not pair up; put that right first"
        )
    marked = f"{BEGIN}\n{block}{END}\n".encode()
    if begin >= 0:
        line_end = config.find(b"\n", end)
        rest = b"" if line_end < 0 else config[line_end + 1 :]
        return config[:begin] + marked + rest
    if not config:
        return marked
    gap = b"\n" if config.endswith(b"\n") else b"\n\n"
    # A block at the end must not become part of the last Host section: it begins one of its own.
    return config + gap + marked


def other_hosts(config: bytes) -> list[str]:
    """`Host` lines outside the marked block that speak of `i-*` or `mi-*`: they are found before ours."""
    found = []
    inside = False
    for line in config.decode(errors="replace").splitlines():
        stripped = line.strip()
        inside = (inside or stripped == BEGIN) and stripped != END
        keyword, _, patterns = stripped.replace("=", " ", 1).partition(" ")
        if keyword.lower() == "host" and not inside and {"i-*", "mi-*"} & set(patterns.split()):
            found.append(stripped)
    return found


def install(path: str, block: str) -> tuple[bool, list[str]]:
    """Put the block into the file at `path` (made if absent, mode 600; its folder 700).

    Who may read an existing file stays as it is; nobody but its owner may write to it afterwards, since ssh
    refuses such a file. Returns whether the text changed, and the `Host` lines of others that come before.
    Raises `SshConfigError` when the file cannot be read or written; it is replaced as a whole or not at all.
    """
    target = os.path.realpath(path)
    try:
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        config, mode = _read(target)
        changed = with_block(config, block)
        if changed != config or mode & WRITABLE_BY_OTHERS:
            _replace(target, changed, mode & ~WRITABLE_BY_OTHERS)
    except OSError as exc:
        raise SshConfigError(f"cannot edit {path}: {exc.strerror}") from None
    return changed != config, other_hosts(config)


def _read(path: str) -> tuple[bytes, int]:
    """Content and mode of a file; those it is to have when it is absent."""
    try:
        with open(path, "rb") as file:
            config = file.read(MAX_CONFIG_BYTES + 1)
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return b"", NEW_FILE_MODE
    if len(config) > MAX_CONFIG_BYTES:
        raise SshConfigError(f"{path} is longer than {MAX_CONFIG_BYTES} bytes")
    return config, mode


def _replace(path: str, data: bytes, mode: int) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".fairlead-", dir=os.path.dirname(path))
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
