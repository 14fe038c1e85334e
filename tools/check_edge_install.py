"""The install without extras, as on nodes and at users': is it enough for an agent and a client?

    python -m tools.check_edge_install

Builds the wheel, installs it with the locked base requirements into an environment of its own, and leads an
ssh through an agent and a client of that environment, against a server of this one. Needs the package
registry, and OpenSSH's client.
"""

import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

from tools.processes import StartFailed, start
from tools.stack import SCRIPTS, CommandFailed, LocalStack

ROOT = Path(__file__).parents[1]
CONNECT_TIMEOUT_S = 30.0
SERVER_MODULES = ("alembic", "sqlalchemy", "starlette", "uvicorn", "uvloop", "httptools")
ANSWER = "through the edge"


class CheckFailed(Exception):
    """Something is not as it should be; the text says what."""


def install(directory: Path) -> Path:
    """Make the environment in `directory`; returns the folder of its programs. Raises CommandFailed."""
    venv.create(directory / "venv", with_pip=False)
    programs = directory / "venv" / "bin"
    uv = str(SCRIPTS / "uv")
    target = ("--quiet", "--python", str(programs / "python"))
    build = ("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    _run(uv, *build, "--out-dir", str(directory), str(ROOT))
    (wheel,) = directory.glob("*.whl")
    requirements = str(ROOT / "requirements" / "base.txt")
    _run(uv, "pip", "install", *target, "--require-hashes", "--requirement", requirements)
    _run(uv, "pip", "install", *target, "--no-deps", str(wheel))
    return programs


def check_programs(programs: Path) -> None:
    """What is there starts; what is not there is missed in one line. Raises CheckFailed, CommandFailed."""
    found = _run(
        str(programs / "python"),
        "-c",
        f"from importlib.util import find_spec; print(*filter(find_spec, {SERVER_MODULES!r}))",
    )
    _expect(found.strip() == "", f"the base install brings server libraries: {found.strip()}")
    for program, arguments in (("fairlead", ["--version"]), ("session-manager-plugin", ["--version"])):
        _expect(_run(str(programs / program), *arguments).strip() != "", f"{program} has no version")
    server = subprocess.run(
        [str(programs / "fairlead"), "server", "--state-dir", "/nonexistent", "--listen", "127.0.0.1:1"],
        capture_output=True,
        text=True,
    )
    said = server.stderr.strip()
    _expect(
        server.returncode != 0 and "fairlead[server]" in said, f"the server names no missing extra: {said}"
    )
    _expect(len(said.splitlines()) == 1, f"the missing extra takes more than a line: {said}")


def check_session(programs: Path, directory: Path) -> None:
    """An ssh through agent and client of the edge. Raises CheckFailed, CommandFailed, StartFailed."""
    fairlead = programs / "fairlead"
    directory.mkdir()
    stack = LocalStack(directory)
    try:
        stack.start_server()
        server = stack.add_ssh_server()
        block = f"Host mi-*\n    ProxyCommand {fairlead} proxy %h %p\n"
        config = stack.write_ssh_config(server, "ssh_config", block)
        state = _register(stack, fairlead)
        run_agent = [fairlead, "agent", "run", "--state-dir", state]
        agent = start("agent", run_agent, directory / "agent.log", stack.env)
        try:
            status = stack.run(fairlead, "agent", "status", "--state-dir", state)
            node_id = dict(line.split(maxsplit=1) for line in status.splitlines())["node"]
            agent.wait_until(lambda: stack.is_connected(node_id), CONNECT_TIMEOUT_S)
            said = stack.run("ssh", "-F", config, node_id, f"echo {ANSWER}")
        finally:
            agent.stop()
        _expect(said == f"{ANSWER}\n", f"the remote command said {said!r}")
    finally:
        stack.stop()


def _register(stack: LocalStack, fairlead: Path) -> Path:
    activation = stack.aws("ssm", "create-activation", "--iam-role", "service-role/FairleadNode")
    state, code_file = stack.directory / "agent", stack.directory / "code"
    code_file.write_text(activation["ActivationCode"], encoding="utf-8")
    _, *arguments = stack.registration_command(activation["ActivationId"], code_file, state)
    stack.run(fairlead, *arguments)
    return state


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": ""})
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stderr)
    return done.stdout


def _expect(holds: bool, text: str) -> None:
    if not holds:
        raise CheckFailed(text)


def main(arguments: Sequence[str] = ()) -> int:
    """Run every check; 0 when all hold."""
    with tempfile.TemporaryDirectory(prefix="fairlead-edge-") as name:
        directory = Path(name)
        try:
            programs = install(directory)
            check_programs(programs)
            check_session(programs, directory / "stack")
        except (CheckFailed, CommandFailed, StartFailed) as error:
            print(f"the base install is not enough: {error}", file=sys.stderr)
            return 1
    print("the base install leads ssh from client to agent; no server library is in it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
