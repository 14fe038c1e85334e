"""`fairlead agent`: where the code may come from, what a failure looks like, what status shows."""

import os
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from fairlead.agent.__main__ import main
from fairlead.agent.identity import Registration, StateDirectory
from fairlead.agent.program import Program
from fairlead.cli import agent as commands
from tests.support.certificates import Authority

CODE = "Qk3mZ8vT1xYp0LwRs5Nd"
REGISTER = [
    "register",
    "--endpoint",
    "https://127.0.0.1:1",
    "--activation-id",
    "9f0e2b0c-5a6e-4a4e-9d4a-2f6b8a5f0c11",
]


def invoke(*arguments, given=None):
    return CliRunner().invoke(commands.app, [str(argument) for argument in arguments], input=given)


@pytest.fixture
def taken(monkeypatch):
    """Registers nothing; collects what would have been registered."""
    requests = []

    async def register(request, state, environ):
        requests.append(request)
        return registration()

    monkeypatch.setattr("fairlead.agent.registration.register", register)
    return requests


def registration(key_file="key-0123456789abcdef.pem"):
    return Registration(
        instance_id="mi-0123456789abcdef0",
        region="eu-west-1",
        endpoint="https://fairlead.example",
        fingerprint="f",
        key_file=key_file,
    )


def test_the_code_comes_from_the_option_a_file_or_standard_input(taken, tmp_path):
    file = tmp_path / "code"
    file.write_text(f"{CODE}\n")
    state = ["--state-dir", tmp_path / "state"]
    assert invoke(*REGISTER, "--activation-code", CODE, *state).exit_code == 0
    assert invoke(*REGISTER, "--activation-code-file", file, *state).exit_code == 0
    assert invoke(*REGISTER, "--activation-code", "-", *state, given=f"{CODE}\n").exit_code == 0
    assert invoke(*REGISTER, "--activation-code-file", "-", *state, given=f"{CODE}\n").exit_code == 0
    assert [request.activation_code for request in taken] == [CODE] * 4


class TestByInstanceIdentity:
    @pytest.fixture(autouse=True)
    def requests(self, monkeypatch):
        requests = []

        async def register_instance(request, state, environ):
            requests.append(request)
            return registration()

        monkeypatch.setattr("fairlead.agent.instance_registration.register_instance", register_instance)
        return requests

    def invoke(self, directory, *more):
        endpoint = ("--endpoint", "https://127.0.0.1:1", "--state-dir", directory)
        return invoke("register", *endpoint, *more)

    def test_neither_activation_nor_region_are_needed(self, requests, tmp_path):
        assert self.invoke(tmp_path, "--instance-identity").exit_code == 0
        (request,) = requests
        assert (request.metadata_endpoint, request.activation) == ("http://169.254.169.254", None)

    def test_an_activation_and_another_service_may_be_given(self, requests, tmp_path):
        more = ("--activation-id", "an id", "--activation-code", CODE)
        more += ("--metadata-endpoint", "http://127.0.0.1:1", "--force")
        assert self.invoke(tmp_path, "--instance-identity", *more).exit_code == 0
        (request,) = requests
        assert (request.metadata_endpoint, request.activation) == ("http://127.0.0.1:1", ("an id", CODE))
        assert request.force

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ([], "give --activation-id and the activation's code, or --instance-identity"),
            (["--instance-identity", "--region", "x"], "leave --region out"),
            (["--instance-identity", "--activation-id", "x"], "give the activation code"),
            (["--instance-identity", "--activation-code", CODE], "--activation-id is missing"),
            (
                ["--activation-id", "x", "--activation-code", CODE, "--metadata-endpoint", "http://x"],
                "--metadata-endpoint is for --instance-identity",
            ),
        ],
    )
    def test_what_does_not_go_together_is_said_in_one_line(self, requests, tmp_path, options, words):
        done = self.invoke(tmp_path, *options)
        assert done.exit_code == 1
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert requests == []


def test_success_names_the_node_and_the_next_step(taken, tmp_path):
    done = invoke(*REGISTER, "--activation-code", CODE, "--state-dir", tmp_path)
    assert "mi-0123456789abcdef0" in done.stdout
    assert f"fairlead agent run --state-dir {tmp_path}" in done.stdout


def test_the_region_is_that_of_the_option_the_environment_or_the_usual_one(taken, tmp_path, monkeypatch):
    base = [*REGISTER, "--activation-code", CODE, "--state-dir", tmp_path]
    monkeypatch.delenv("AWS_REGION", raising=False)
    invoke(*base)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    invoke(*base)
    invoke(*base, "--region", "ap-south-1")
    assert [request.region for request in taken] == ["us-east-1", "eu-west-1", "ap-south-1"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--activation-code", CODE, "--activation-code-file", "file"],
        ["--activation-code-file", "/no/such/file"],
        ["--activation-code", CODE, "--ca-pin", "nonsense"],
        ["--activation-code", CODE],
    ],
)
def test_a_failure_is_one_line_and_status_1(tmp_path, arguments):
    done = invoke(*REGISTER, *arguments, "--state-dir", tmp_path / "state")
    assert done.exit_code == 1
    assert done.stderr.startswith("fairlead agent: ")
    assert done.stderr.count("\n") == 1
    assert CODE not in done.stderr


def test_status_shows_node_server_anchor_and_whether_an_agent_runs(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.prepare()
    state.save(registration(state.write_key(b"key")))
    assert "anchors    those of the environment" in invoke("status", "--state-dir", state.path).stdout
    authority = Authority()
    state.write_anchors(authority.pem)
    lines = dict(
        line.split(maxsplit=1) for line in invoke("status", "--state-dir", state.path).stdout.splitlines()
    )
    assert lines == {
        "node": "mi-0123456789abcdef0",
        "server": "https://fairlead.example",
        "region": "eu-west-1",
        "running": "no",
        "anchor": authority.pin,
    }
    with state.locked():
        assert "running    yes" in invoke("status", "--state-dir", state.path).stdout


def test_before_a_disk_is_copied_the_registration_is_taken_off_it(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.prepare()
    state.save(registration(state.write_key(b"key")))
    done = invoke("prepare-image", "--state-dir", state.path)
    assert (done.exit_code, done.stdout.count("\n")) == (0, 1)
    assert not state.is_registered()
    with state.locked():
        refused = invoke("prepare-image", "--state-dir", state.path)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)


def test_run_hands_its_options_to_the_program_that_stays(tmp_path, monkeypatch):
    executed, held = [], []
    monkeypatch.setattr(os, "execv", lambda path, arguments: executed.append((path, arguments)))
    monkeypatch.setattr(signal, "pthread_sigmask", lambda how, signals: held.append((how, signals)))
    done = invoke(
        "run",
        "--state-dir",
        tmp_path,
        "--allow-ports",
        "22,80",
        "--allow-ports",
        "443",
        "--log-level",
        "debug",
    )
    assert done.exit_code == 0, done.stderr
    options = {
        "allow_ports": ["22", "80", "443"],
        "allow_hosts": None,
        "allow_session_types": None,
        "log_level": "debug",
    }
    program = Program(state_dir=tmp_path, config=None, options=options)
    assert held == [(signal.SIG_BLOCK, {signal.SIGHUP})], "until the program has a handler for it"
    assert executed == [(sys.executable, program.command)]


def test_restart_says_what_came_of_it_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "fairlead.agent.restart_request.request_restart", lambda state: f"restarted {state.path}"
    )
    done = invoke("restart", "--state-dir", tmp_path)
    assert (done.exit_code, done.stdout) == (0, f"restarted {tmp_path}\n")


def test_restart_without_a_running_agent_is_one_line_and_status_1(tmp_path):
    done = invoke("restart", "--state-dir", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith("fairlead agent: ")
    assert "no agent runs" in done.stderr
    assert done.stderr.count("\n") == 1


def test_run_refuses_options_that_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "execv", pytest.fail)
    done = invoke("run", "--state-dir", tmp_path, "--allow-ports", "ssh")
    assert done.exit_code == 1
    assert "allow_ports: 'ssh' is neither a port number nor a range" in done.stderr


def test_the_program_ends_with_1_where_nothing_is_registered(tmp_path, capsys):
    program = Program(state_dir=tmp_path, config=tmp_path / "no.toml", options={})
    assert main(program.command[4:]) == 1
    assert "no such configuration file" in capsys.readouterr().err


def test_the_running_agent_loads_neither_server_nor_command_line_nor_cryptography():
    program = "import fairlead.agent.process, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    modules = loaded.stdout.split()
    forbidden = {"typer", "rich", "click", "cryptography", "sqlalchemy", "starlette", "uvicorn", "websockets"}
    assert not forbidden & set(modules)
    layers = ("control", "domain", "policy", "store", "api", "gateway", "server", "client", "cli")
    assert not [name for name in modules if name.startswith(tuple(f"fairlead.{layer}" for layer in layers))]
