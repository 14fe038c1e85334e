"""A small SSH server on asyncssh, for machines without sshd: commands, sftp and scp for the user who runs it.

python -m tools.asyncssh_server PORT HOST_KEY AUTHORIZED_KEYS
"""

import asyncio
import contextlib
import sys

import asyncssh

CHUNK_BYTES = 65_536


class _SftpServer(asyncssh.SFTPServer):
    """Ends with an exit status, for want of which scp takes a whole copy for a failed one."""

    def exit(self) -> None:
        self.channel.exit(0)


async def _run_command(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """Run the command as a shell would; exit when it has ended and all that it wrote was sent."""
    child = await asyncio.create_subprocess_shell(
        process.command or "exec ${SHELL:-/bin/sh}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    async with asyncio.TaskGroup() as pumps:
        feeder = pumps.create_task(_feed(process, child.stdin))
        pumps.create_task(_pump(child.stdout, process.stdout))
        pumps.create_task(_pump(child.stderr, process.stderr))
        status = await child.wait()
        feeder.cancel()
    process.exit(status)


async def _feed(process: "asyncssh.SSHServerProcess[bytes]", child_stdin: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, asyncssh.Error):
        while chunk := await process.stdin.read(CHUNK_BYTES):
            child_stdin.write(chunk)
            await child_stdin.drain()
    child_stdin.close()


async def _pump(source: asyncio.StreamReader, sink: "asyncssh.SSHWriter[bytes]") -> None:
    while chunk := await source.read(CHUNK_BYTES):
        sink.write(chunk)
        await sink.drain()


async def _serve(port: int, host_key: str, authorized_keys: str) -> None:
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[host_key],
        authorized_client_keys=authorized_keys,
        process_factory=_run_command,
        sftp_factory=_SftpServer,
        allow_scp=True,
        encoding=None,
    )
    async with server:
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
