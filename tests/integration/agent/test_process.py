"""A real `fairlead agent run` process: no listening socket, small, ends at once when told to."""

import asyncio
import contextlib
import os
import pty
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from tests.support.agent_runs import echo, gateway, registered, tcp_server
from tests.support.waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="needs /proc")

LISTEN = "0A"
MAX_IDLE_RSS_MIB = 35
"""Goal of an idle agent with its control channel open."""


async def start(directory, *options):
    command = [
        sys.executable,
        "-m",
        "fairlead",
        "agent",
        "run",
        "--state-dir",
        str(directory / "state"),
        *options,
    ]
    return await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)


def listening_sockets(pid):
    """Inodes of the listening TCP sockets that a process holds, and of its bound UDP sockets."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN:
                inodes.add(fields[9])
    for table in ("udp", "udp6"):
        inodes.update(
            line.split()[9] for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        )
    return inodes & set(held_sockets(pid))


def held_sockets(pid):
    for entry in list(Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the listing itself was one of them
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            if found:
                yield found[1]


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) / 1024


def loaded_files(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_the_check_for_listening_sockets_finds_one():
    with socket.create_server(("127.0.0.1", 0)):
        assert listening_sockets(os.getpid())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_agent_its_sessions_and_every_process(tmp_path, number):
    async def scenario():
        async with gateway(tmp_path) as server, tcp_server(echo) as port:
            await registered(tmp_path, server)
            process = await start(tmp_path)
            await server.until_control()
            client = server.offer("alice-1", port)
            await client.until_open()
            await client.send(b"hello")
            await client.until(lambda client: client.received == b"hello")
            assert list(held_sockets(process.pid))
            assert not listening_sockets(process.pid)
            await server.until(lambda _: children(process.pid) == [])  # the process that signs is gone
            process.send_signal(number)
            errors = (await asyncio.wait_for(process.communicate(), PATIENCE_S))[1].decode()
            assert process.returncode == 0, errors
            completion = await server.completion("alice-1")
        assert completion.final_task_status == "Cancelled"
        assert completion.output == "the agent on the node was stopped"
        assert errors.rstrip().endswith("stopped")
        assert "Traceback" not in errors
        assert all(re.match(r"\d{4}-\d\d-\d\dT\S+ [A-Z]+ ", line) for line in errors.splitlines())

    asyncio.run(scenario())


def test_an_agent_without_a_server_ends_on_a_signal_too(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
        process = await start(tmp_path)
        assert b"starts" in await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        assert b"no role credentials" in await asyncio.wait_for(process.stderr.readline(), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0

    asyncio.run(scenario())


def test_a_server_that_dies_during_handshakes_costs_lines_and_no_trace(tmp_path):
    async def cut(reader, writer):
        await reader.read(64)  # the rest of the greeting is still there, so that closing sends RST

    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            port = int(server.url.rpartition(":")[2])
        async with tcp_server(cut, port):
            process = await start(tmp_path)
            lines = [await asyncio.wait_for(process.stderr.readline(), PATIENCE_S) for _ in range(4)]
            process.send_signal(signal.SIGTERM)
            lines += (await asyncio.wait_for(process.communicate(), PATIENCE_S))[1].splitlines()
        assert process.returncode == 0
        assert any(b"ended the TLS handshake" in line for line in lines), lines
        assert all(re.match(rb"\d{4}-\d\d-\d\dT\S+ [A-Z]+ ", line) for line in lines), lines

    asyncio.run(scenario())


def test_an_idle_agent_is_small_and_knows_no_server_code(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            process = await start(tmp_path)
            await server.until_control()
            await server.until(lambda gateway: len(gateway.of("UpdateInstanceInformation")) == 2)
            size = resident_mib(process.pid)
            loaded = loaded_files(process.pid)
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert size < MAX_IDLE_RSS_MIB
        assert "cryptography" not in loaded
        assert "sqlalchemy" not in loaded

    asyncio.run(scenario())


def test_an_unregistered_directory_is_one_line_and_status_1(tmp_path):
    async def scenario():
        process = await start(tmp_path)
        errors = (await asyncio.wait_for(process.communicate(), PATIENCE_S))[1].decode()
        assert process.returncode == 1
        assert errors.count("\n") == 1
        assert "fairlead agent register" in errors

    asyncio.run(scenario())


def test_an_agent_in_the_foreground_of_a_terminal_stops_when_that_is_closed(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            terminal, inner = pty.openpty()
            # The first terminal that a session leader opens becomes its own.
            script = f'exec "$0" -m fairlead agent run --state-dir "$1" < {os.ttyname(inner)}'
            command = ["sh", "-c", script, sys.executable, str(tmp_path / "state")]
            process = await asyncio.create_subprocess_exec(
                *command, stderr=asyncio.subprocess.PIPE, start_new_session=True
            )
            os.close(inner)
            try:
                await server.until_control()
            finally:
                os.close(terminal)
            errors = (await asyncio.wait_for(process.communicate(), 60))[1].decode()
        assert process.returncode == 0, errors
        assert "stopping on SIGHUP, as the terminal is gone" in errors

    asyncio.run(scenario())
