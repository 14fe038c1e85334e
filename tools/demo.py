"""`make demo`: a machine without an open port, reached by ssh and scp, from start to refusal.

Starts a server, an agent and an SSH server on this machine, with all state in a temporary directory; shows
each command before it runs it; checks what came of it; cleans up. With `--keep` it leaves everything running
and prints what to type.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.processes import StartFailed
from tools.sockets import sockets_of
from tools.ssh_server import SshServer
from tools.stack import SEED_SSH_CONFIG, CommandFailed, LocalStack, RunningAgent

FILE_BYTES = 64 * 1024 * 1024
PROXY_SSH_CONFIG = """\
# The same through Fairlead's own client: no AWS CLI in the path
host i-* mi-*
    ProxyCommand fairlead proxy %h %p
"""
DENY_SSH = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "VisualEditor1",
            "Effect": "Deny",
            "Action": "ssm:StartSession",
            "Resource": "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
        }
    ],
}
COMMAND_TIMEOUT_S = 120.0


class DemoFailed(Exception):
    """A step's check failed; the text says what was expected and what came."""


class Demo:
    """The story, step by step."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = LocalStack(directory, announce=self._say)
        self._step = 0

    def close(self) -> None:
        """End every process."""
        self._stack.stop()

    def run(self) -> tuple[RunningAgent, Path]:
        """Play the whole story; raises DemoFailed at the first check that fails."""
        agent, server = self._set_up()
        config = self._stack.write_ssh_config(server, "ssh_config", SEED_SSH_CONFIG)
        proxy_config = self._stack.write_ssh_config(server, "ssh_config_proxy", PROXY_SSH_CONFIG)
        self._heading("ssh and scp with the AWS CLI and the documented ssh configuration, to the letter")
        print(config.read_text().split("Host *")[0].rstrip())
        self._remote_command(config, agent)
        self._copy_both_ways(config, agent)
        self._heading("the same through fairlead proxy")
        self._remote_command(proxy_config, agent)
        self._copy_both_ways(proxy_config, agent)
        self._show_sockets(agent)
        self._show_history(agent)
        self._deny_and_allow_again(config, agent)
        return agent, config

    def _set_up(self) -> tuple[RunningAgent, SshServer]:
        self._heading("a server: one process, one TLS port, state in a directory")
        self._stack.start_server()
        self._say(f"set -a; . {self._stack.server_state}/admin.env; set +a")
        self._show("aws", "sts", "get-caller-identity")
        self._heading("a machine: an activation, then an agent that only dials out")
        agent = self._stack.add_agent("demo")
        print(f"{agent.node_id} is connected")
        self._heading("an SSH server on that machine, on a loopback port of its own")
        server = self._stack.add_ssh_server()
        print(f"{'OpenSSH' if server.is_openssh else 'asyncssh'} on 127.0.0.1:{server.port}")
        return agent, server

    def _remote_command(self, config: Path, agent: RunningAgent) -> None:
        said = self._show("ssh", "-F", config, agent.node_id, "echo reached $(uname -n); exit 7", status=7)
        self._check("reached " in said, "the remote command's output", said)

    def _copy_both_ways(self, config: Path, agent: RunningAgent) -> None:
        there, back = self._directory / "there.bin", self._directory / "back.bin"
        original = self._random_file()
        size = f"{FILE_BYTES // 2**20} MiB"
        print(f"sha256 {_sha256(original)}  {size} of random bytes")
        self._show("scp", "-q", "-F", config, original, f"{agent.node_id}:{there}")
        print(f"sha256 {_sha256(there)}  after the way up")
        self._show("scp", "-q", "-F", config, f"{agent.node_id}:{there}", back)
        print(f"sha256 {_sha256(back)}  after the way down")
        sums = {_sha256(path) for path in (original, there, back)}
        self._check(len(sums) == 1, "three equal sums", " ".join(sorted(sums)))
        for path in (original, there, back):
            path.unlink()

    def _show_sockets(self, agent: RunningAgent) -> None:
        self._heading("the agent's sockets: it listens on nothing")
        sockets = sockets_of(agent.child.pid)
        for entry in sockets:
            print(f"  {entry.state:12} {entry.local} -> {entry.remote}")
        listening = [entry for entry in sockets if entry.state == "LISTEN"]
        print(f"listening: {len(listening)}")
        self._check(not listening, "no listening socket", str(listening))
        self._check(bool(sockets), "the agent's outbound connection", "no socket at all")

    def _show_history(self, agent: RunningAgent) -> None:
        self._heading("every session is in the history: who, where to, when, why it ended")
        said = self._show(
            *(
                "aws",
                "ssm",
                "describe-sessions",
                "--state",
                "History",
                "--max-results",
                "2",
                "--output",
                "json",
            ),
            *("--filters", f"key=Target,value={agent.node_id}"),
        )
        sessions = json.loads(said)["Sessions"]
        self._check(len(sessions) == 2, "the sessions that were just held", said)

    def _deny_and_allow_again(self, config: Path, agent: RunningAgent) -> None:
        self._heading("disabling SSH by policy: the documented Deny, as an inline policy of the user")
        document = json.dumps(DENY_SSH)
        name = ("--user-name", "admin", "--policy-name", "NoSSH")
        self._show("aws", "iam", "put-user-policy", *name, "--policy-document", document)
        said = self._show("ssh", "-F", config, agent.node_id, "true", status=255)
        self._check("with an explicit deny" in said, "a refusal that says why", said)
        self._show("aws", "iam", "delete-user-policy", *name)
        self._show("ssh", "-F", config, agent.node_id, "true")

    def _show(self, *command: object, status: int = 0) -> str:
        """Print and run a command, print what it says, check its exit status, return what it said."""
        words = [str(word) for word in command]
        self._say(shlex.join(words))
        done = subprocess.run(
            words,
            env=self._stack.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
        )
        said = done.stdout
        if said.strip():
            print(said.strip())
        self._check(done.returncode == status, f"exit status {status}", f"{done.returncode}")
        return said

    def _random_file(self) -> Path:
        path = self._directory / "random.bin"
        path.write_bytes(os.urandom(FILE_BYTES))
        return path

    def _heading(self, text: str) -> None:
        self._step += 1
        print(f"\n[{self._step}] {text}", flush=True)

    @staticmethod
    def _say(command: str) -> None:
        print(f"$ {command}", flush=True)

    @staticmethod
    def _check(holds: bool, expected: str, got: str) -> None:
        if not holds:
            raise DemoFailed(f"expected {expected}, got: {got}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _explain_what_runs(demo_directory: Path, agent: RunningAgent, config: Path) -> None:
    print(
        f"""
Everything is still running. In another shell:

  export PATH={Path(sys.executable).parent}:$PATH
  set -a; . {demo_directory}/server/admin.env; set +a
  ssh -F {config} {agent.node_id}
  aws ssm describe-instance-information

Press Ctrl-C here to end it and delete {demo_directory}."""
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; 0 when every check held."""
    parser = argparse.ArgumentParser(prog="make demo", description="ssh and scp through the tunnel")
    parser.add_argument("--keep", action="store_true", help="leave everything running at the end")
    options = parser.parse_args(arguments)
    directory = Path(tempfile.mkdtemp(prefix="fairlead-demo-"))
    demo = Demo(directory)
    try:
        agent, config = demo.run()
        print("\nEvery check held.", flush=True)
        if options.keep:
            _explain_what_runs(directory, agent, config)
            agent.child.process.wait()
    except KeyboardInterrupt:
        return 130
    except (DemoFailed, StartFailed, CommandFailed, subprocess.TimeoutExpired) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    finally:
        demo.close()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
