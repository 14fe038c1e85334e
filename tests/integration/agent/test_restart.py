"""A real agent that replaces its program while sessions run, against a scripted gateway."""

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fairlead.agent.identity import StateDirectory
from fairlead.agent.process import serve
from fairlead.agent.program import Inherited, Program
from fairlead.agent.run_status import RunStatus, read_status, write_status
from fairlead.agent.settings import load_settings
from tests.support.agent_runs import echo, gateway, registered, tcp_server

PATIENCE_S = 60.0
CONFIG = "reconnect_first_s = 0.05\nreconnect_cap_s = 0.2\nhalf_closed_grace_s = 600\n"
"""Back soon, and no session ends because its target has, before the test wants it."""


class Running:
    """An agent of its own."""

    def __init__(self, directory, process):
        self.process = process
        self.directory = directory
        self.state = StateDirectory(directory / "state")

    @property
    def log(self):
        return (self.directory / "log").read_text()

    @property
    def status(self):
        return read_status(self.state)

    @property
    def restarts_now(self):
        """Whether a restart is under way. A stop would then come before anybody can be told of it."""
        answers = self.log.count("restarted as version") + self.log.count("not restarted")
        return self.log.count("restarting,") > answers

    def configure(self, line):
        (self.state.path / "agent.toml").write_text(CONFIG + line)

    def arguments(self):
        return Path(f"/proc/{self.process.pid}/cmdline").read_bytes().split(b"\0")

    def descriptors(self):
        """How many files and sockets it holds; None where the system does not tell."""
        table = Path(f"/proc/{self.process.pid}/fd")
        return len(list(table.iterdir())) if table.exists() else None

    async def until(self, condition):
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # another process is looked at
                assert self.process.returncode is None, self.log
                await asyncio.sleep(0.01)

    async def restart(self):
        """Ask for a restart, and wait until the answer is there and the agent serves."""
        before = self.status.restarts
        self.process.send_signal(signal.SIGHUP)
        await self.until(lambda: self.status.restarts > before and self.status.is_serving)
        return self.status


@asynccontextmanager
async def agent_process(directory, server):
    await registered(directory, server)
    running = Running(directory, None)
    running.configure("")
    shadow = directory / "shadow"
    shadow.mkdir()
    command = [sys.executable, "-m", "fairlead", "agent", "run", "--state-dir", str(running.state.path)]
    with (directory / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stderr=log, env={**os.environ, "PYTHONPATH": str(shadow)}
        )
    running.process = process
    try:
        await running.until(lambda: running.status is not None and running.status.is_serving)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def test_sessions_in_every_phase_go_on_in_the_same_process(tmp_path):
    """One that echoes, one whose target takes nothing for a while, one that is half closed by its client, one
    by its target; and the end of one that the gateway did not acknowledge."""

    async def scenario():
        data = os.urandom(12_000_000)
        reads = asyncio.Event()
        taken = bytearray()
        connections = []

        async def stuck(reader, writer):
            connections.append(writer)
            await reads.wait()
            while piece := await reader.read(65536):
                taken.extend(piece)
            writer.write(b"%d bytes" % len(taken))

        async def waits_for_the_end(reader, writer):
            connections.append(writer)
            await reader.read()
            await reads.wait()
            writer.write(b"what is said after the end")
            await writer.drain()

        heard = bytearray()

        async def ends_first(reader, writer):
            connections.append(writer)
            writer.write(b"the last word")
            writer.write_eof()
            heard.extend(await reader.read())

        async with (
            gateway(tmp_path) as server,
            tcp_server(echo) as echo_port,
            tcp_server(ends_first) as ended_port,
            tcp_server(stuck) as stuck_port,
            tcp_server(waits_for_the_end) as half_port,
            agent_process(tmp_path, server) as agent,
        ):
            echoing = server.offer("alice-1", echo_port)
            full = server.offer("bob-1", stuck_port)
            half = server.offer("carl-1", half_port)
            over = server.offer("dora-1", echo_port)
            ended = server.offer("erin-1", ended_port)
            for client in (echoing, full, half, over, ended):
                await client.until_open()
            await ended.until(lambda client: client.received == b"the last word")
            await half.end_input()
            await half.until(lambda client: client.channel.is_drained)
            server.acknowledges = False
            await over.terminate()
            end = await server.completion("dora-1")
            async with asyncio.TaskGroup() as group:
                transfers = [group.create_task(client.send(data)) for client in (echoing, full)]
                await echoing.until(lambda client: len(client.received) > len(data) // 4)
                status = await agent.restart()
                assert (status.pid, status.kept_sessions, status.lost_sessions) == (agent.process.pid, 4, 0)
                resumed = (echoing, full, half, ended)
                await server.until(lambda _: {len(client.opens) for client in resumed} == {2})
                held = agent.descriptors()
                server.acknowledges = True
                await echoing.until(lambda client: len(client.received) > len(data) // 2)
                status = await agent.restart()
                assert (status.restarts, status.kept_sessions, status.lost_sessions) == (2, 4, 0)
                await agent.until(lambda: held is None or agent.descriptors() <= held)
                reads.set()
                await transfers[0]
                await transfers[1]
            await echoing.until(lambda client: len(client.received) == len(data))
            assert echoing.received == data
            await half.until(lambda client: client.received == b"what is said after the end")
            await ended.send(b"heard all the same")
            for client in (echoing, full, ended):
                await client.end_input()
            await full.until(lambda client: client.received == b"%d bytes" % len(data))
            assert taken == data
            assert len(connections) == 3, "no target was dialled twice"
            for session in ("alice-1", "bob-1", "carl-1", "erin-1"):
                assert (await server.completion(session)).final_task_status == "Success"
            assert {opened.incarnation for opened in server.control_opens} == {
                opened.incarnation for client in (echoing, full, half) for opened in client.opens
            }
            assert len({opened.incarnation for opened in server.control_opens}) == 1
            copies = [
                (sent, one.retry_number) for sent, one in server.completions if one.session_id == "dora-1"
            ]
            assert len({sent for sent, _ in copies}) == 1, "the successor sends the same message"
            assert copies[-1][1] > end.retry_number
            agent.process.send_signal(signal.SIGTERM)
            assert await agent.process.wait() == 0, agent.log
        assert heard == b"heard all the same"
        assert "Traceback" not in agent.log
        assert agent.status is None

    asyncio.run(scenario())


def test_new_code_that_does_not_start_costs_no_session_and_what_the_new_settings_forbid_ends(tmp_path):
    async def scenario():
        async with (
            gateway(tmp_path) as server,
            tcp_server(echo) as port,
            agent_process(tmp_path, server) as agent,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            broken = tmp_path / "shadow" / "fairlead"
            broken.mkdir()
            (broken / "__init__.py").touch()
            status = await agent.restart()
            assert "the new program does not start" in status.refusal
            assert "No module named fairlead.agent" in status.refusal
            await client.send(b"still here")
            await client.until(lambda client: client.received == b"still here")
            assert len(client.legs) == 1, "not even the data channel was touched"
            (broken / "__init__.py").unlink()
            broken.rmdir()
            agent.configure("nonsense = 1\n")
            assert "unknown setting 'nonsense'" in (await agent.restart()).refusal
            agent.configure("allow_ports = [22]\n")
            status = await agent.restart()
            assert (status.restarts, status.refusal) == (3, "")
            assert (status.kept_sessions, status.lost_sessions) == (0, 1)
            end = await server.completion("alice-1")
            assert end.final_task_status == "Failed"
            assert "could not take the session up" in end.output
            assert "allow_ports" in end.output
            assert "Traceback" not in agent.log

    asyncio.run(scenario())


def test_a_handover_that_cannot_be_read_is_a_new_beginning_that_says_what_was_lost(tmp_path):
    async def scenario():
        async with gateway(tmp_path) as server:
            await registered(tmp_path, server)
            state = StateDirectory(tmp_path / "state")
            write_status(state, RunStatus(pid=os.getpid(), version="1", restarts=4))
            one, other = socket.socketpair()
            with (tmp_path / "handover").open("wb") as handover, state.locked() as lock, one, other:
                inherited = Inherited(os.dup(handover.fileno()), os.dup(lock), (os.dup(one.fileno()),))
                one.close()
                program = Program(state_dir=state.path, config=None, options={}, inherited=inherited)
                stopping = asyncio.Event()
                settings = load_settings(state.path)
                serving = asyncio.ensure_future(serve(settings, {}, stopping, program, asyncio.Event()))
                await server.until(lambda _: serving.done() or read_status(state).is_serving)
                status = read_status(state)
                assert (status.restarts, status.kept_sessions, status.lost_sessions) == (5, 0, 1)
                assert other.recv(1) == b"", "the connection that nobody can go on with is closed"
                stopping.set()
                await serving

    asyncio.run(scenario())


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_requests_that_come_too_often_or_with_a_stop_do_no_harm(tmp_path):
    async def scenario():
        async with (
            gateway(tmp_path) as server,
            tcp_server(echo) as port,
            agent_process(tmp_path, server) as agent,
        ):
            client = server.offer("alice-1", port)
            await client.until_open()
            for _ in range(20):
                agent.process.send_signal(signal.SIGHUP)
                await asyncio.sleep(0.1)
            await agent.restart()
            await agent.until(lambda: not agent.restarts_now and agent.status.is_serving)
            await client.send(b"still here")
            await client.until(lambda client: client.received == b"still here")
            assert "inherited" in json.loads(agent.arguments()[4])
            agent.process.send_signal(signal.SIGHUP)
            agent.process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(agent.process.wait(), PATIENCE_S) == 0, agent.log
            assert (await server.completion("alice-1")).output == "the agent on the node was stopped"

    asyncio.run(scenario())
