"""A node's agent as a process of its own, as on a real machine."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REGISTRATION_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
_POLL_S = 0.05
_PROGRAM = (sys.executable, "-m", "fairlead", "agent")


class AgentFailed(Exception):
    """The agent's program ended, with what it wrote last."""


class FairleadAgent:
    """One node on this machine; `state_dir` holds its identity, `log` what its processes write."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.log = state_dir.with_name(f"{state_dir.name}.log")
        self.node_id = ""
        self._process: subprocess.Popen[bytes] | None = None

    def register(
        self, endpoint_url: str, activation_id: str, code: str, region: str, trust: tuple[str, ...]
    ) -> None:
        """Register; the code goes by standard input. Raises AgentFailed."""
        arguments = ["register", "--endpoint", endpoint_url, "--activation-id", activation_id]
        arguments += ["--activation-code-file", "-", "--region", region, *trust]
        self._run(*arguments, "--state-dir", str(self.state_dir), standard_input=f"{code}\n")
        shown = self._run("status", "--state-dir", str(self.state_dir))
        self.node_id = dict(line.split(maxsplit=1) for line in shown.splitlines())["node"]

    def start(self, options: tuple[str, ...] = ()) -> None:
        """Run the agent."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [*_PROGRAM, "run", "--state-dir", str(self.state_dir), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Return when the condition holds. Raises AgentFailed if the agent ends, or after the timeout."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self._process is None or self._process.poll() is not None:
                raise AgentFailed(f"the agent has ended: {self.log.read_text(errors='replace')[-2000:]}")
            if time.monotonic() > deadline:
                raise AgentFailed(f"not within {timeout_s} s: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End the agent; its registration stays."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the agent as a crash would."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _run(self, *arguments: str, standard_input: str | None = None) -> str:
        done = subprocess.run(  # noqa: S603  # our own interpreter and module
            [*_PROGRAM, *arguments],
            input=standard_input or "",
            capture_output=True,
            text=True,
            timeout=REGISTRATION_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise AgentFailed(f"fairlead agent {arguments[0]} ended with {done.returncode}: {done.stderr}")
        return done.stdout
