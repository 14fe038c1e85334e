"""The TCP sockets of a process, as the operating system sees them."""

import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_STATES = {"01": "ESTABLISHED", "02": "SYN_SENT", "06": "TIME_WAIT", "08": "CLOSE_WAIT", "0A": "LISTEN"}


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """One socket: its state and its two addresses as `host:port`."""

    state: str
    local: str
    remote: str


def sockets_of(pid: int) -> list[TcpSocket]:
    """Every TCP socket of a process; from /proc on Linux, from lsof elsewhere."""
    return list(_from_proc(pid) if sys.platform == "linux" else _from_lsof(pid))


def _from_proc(pid: int) -> Iterator[TcpSocket]:
    inodes = set(_socket_inodes(pid))
    for table in ("tcp", "tcp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            fields = line.split()
            if fields[9] in inodes:
                yield TcpSocket(_STATES.get(fields[3], fields[3]), _address(fields[1]), _address(fields[2]))


def _socket_inodes(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(entry)
        except FileNotFoundError:  # closed since the directory was read
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def _address(text: str) -> str:
    """`0100007F:1F90`: words in the machine's byte order, then the port."""
    address, port = text.split(":")
    words = [bytes.fromhex(address[start : start + 8]) for start in range(0, len(address), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    return f"{ipaddress.ip_address(packed)}:{int(port, 16)}"


def _from_lsof(pid: int) -> Iterator[TcpSocket]:
    listing = subprocess.run(
        ["lsof", "-nP", "-a", "-p", str(pid), "-iTCP"], capture_output=True, text=True
    ).stdout
    for line in listing.splitlines()[1:]:
        name, _, state = line.split(maxsplit=8)[8].partition(" ")
        local, _, remote = name.partition("->")
        yield TcpSocket(state.strip("()"), local, remote)
