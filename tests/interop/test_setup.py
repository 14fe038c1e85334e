"""Getting ready at a user's machine: the ssh configuration, the AWS profile, the plugin."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import Done, Site
from tests.support.waiting import wait_until
from tools.demo import PROXY_SSH_CONFIG
from tools.processes import environment
from tools.stack import SCRIPTS, SEED_SSH_CONFIG

pytestmark = pytest.mark.interop

POWERSHELL = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"
WINDOWS_SSH_CONFIG = f"""\
# SSH over Session Manager
host i-* mi-*
    ProxyCommand {POWERSHELL} "aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p"
"""  # noqa: E501 - to the letter
"""The block that the documentation has for users of Windows."""


class Home:
    """A user's home directory with nothing of AWS in the environment but what is in the home."""

    def __init__(self, site: Site, directory: Path) -> None:
        self.site = site
        self.directory = directory
        self.ssh_config = directory / ".ssh" / "config"
        self.env = environment(HOME=str(directory), PATH=site.stack.env["PATH"])

    def call(self, *command: object, **variables: str) -> Done:
        """Run a command as this user."""
        return self.site.call(*command, env={**self.env, **variables})

    def ssh(self, *arguments: object, **variables: str) -> Done:
        """`ssh` as this user; it asks the system for the home, not the environment, so the file is named."""
        return self.call("ssh", "-F", self.ssh_config, *arguments, **variables)


@pytest.fixture
def home(site: Site, tmp_path: Path) -> Home:
    """A user who has an ssh configuration with a server's name, key and port in it."""
    home = Home(site, tmp_path)
    home.ssh_config.parent.mkdir(mode=0o700)
    site.stack.write_ssh_config(site.server, str(home.ssh_config), "")
    return home


@pytest.fixture
def powershell(tmp_path: Path) -> Path:
    """A folder with a stand-in for PowerShell, under the name that a shell makes of its path.

    PowerShell takes its arguments for a command line and splits it at blanks, as a shell does.
    """
    folder = tmp_path / "windows"
    folder.mkdir()
    program = folder / POWERSHELL.replace("\\", "")
    program.write_text('#!/bin/sh\nexec sh -c "$*"\n', encoding="utf-8")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize("aws", [False, True], ids=["proxy", "aws"])
def test_after_ssh_config_install_a_plain_ssh_reaches_the_node(home: Home, aws: bool) -> None:
    before = home.ssh_config.read_text(encoding="utf-8")
    install = ("fairlead", "ssh-config", "--install", *(("--aws",) if aws else ()))
    assert home.call(*install).status == 0
    assert home.ssh_config.read_text(encoding="utf-8").startswith(before)
    assert home.call(*install).stdout.endswith("block is already there\n")
    admin = home.site.stack.env
    done = home.ssh(home.site.node_id, "echo in", **{k: v for k, v in admin.items() if k.startswith("AWS_")})
    assert done == Done(0, "in\n", "")


@pytest.mark.parametrize("block", [SEED_SSH_CONFIG, PROXY_SSH_CONFIG], ids=["aws", "proxy"])
def test_a_configured_profile_serves_the_aws_cli_and_both_clients(home: Home, block: str) -> None:
    aws = home.directory / ".aws"
    aws.mkdir()
    (aws / "config").write_text("[profile other]\nregion = eu-west-1\n", encoding="utf-8")
    admin = home.site.stack.env
    given = {name: value for name, value in admin.items() if name.startswith("AWS_")}
    assert home.call("fairlead", "configure", "--profile", "work", **given).status == 0
    assert (aws / "config").read_text(encoding="utf-8").startswith("[profile other]\nregion = eu-west-1\n")

    shown = home.call("aws", "--profile", "work", "ssm", "describe-instance-information", "--output", "json")
    assert home.site.node_id in [
        node["InstanceId"] for node in json.loads(shown.stdout)["InstanceInformationList"]
    ]
    home.site.stack.write_ssh_config(home.site.server, str(home.ssh_config), block)
    assert home.ssh(home.site.node_id, "echo in", AWS_PROFILE="work") == Done(0, "in\n", "")
    assert home.ssh(home.site.node_id, "true", AWS_PROFILE="other").status == 255


def test_without_the_plugin_the_aws_cli_says_so_and_no_session_stays(site: Site, tmp_path: Path) -> None:
    (tmp_path / "aws").symlink_to(SCRIPTS / "aws")
    env = {**site.stack.env, "PATH": str(tmp_path)}
    parameters = ("--document-name", "AWS-StartSSHSession", "--parameters", f"portNumber={site.server.port}")
    before = {session["SessionId"] for session in [*site.sessions("Active"), *site.sessions("History")]}
    done = site.call("aws", "ssm", "start-session", "--target", site.node_id, *parameters, env=env)
    assert done.status == 255
    assert "SessionManagerPlugin is not found" in done.stderr

    def new(state: str) -> list[dict[str, Any]]:
        return [session for session in site.sessions(state) if session["SessionId"] not in before]

    wait_until(lambda: new("History"), "the end of the session")
    assert [session["Status"] for session in new("History")] == ["Terminated"]
    assert new("Active") == []


def test_the_block_for_windows_asks_for_the_same_in_the_same_words(
    site: Site, powershell: Path, tmp_path: Path, recorder: "Recorder"
) -> None:
    env = {
        **site.stack.env,
        "AWS_ENDPOINT_URL": recorder.url,
        "PATH": f"{powershell}:{site.stack.env['PATH']}",
    }
    for number, block in enumerate((SEED_SSH_CONFIG, WINDOWS_SSH_CONFIG)):
        config = tmp_path / f"config-{number}"
        config.write_text(block, encoding="utf-8")
        for options in ((), ("-p", "2222")):
            assert (
                site.call("ssh", "-F", config, *options, "i-0123456789abcdef0", "true", env=env).status == 255
            )
    linux, linux_2222, windows, windows_2222 = recorder.bodies
    assert json.loads(linux) == {
        "Target": "i-0123456789abcdef0",
        "DocumentName": "AWS-StartSSHSession",
        "Parameters": {"portNumber": ["22"]},
    }
    assert (windows, windows_2222) == (linux, linux_2222)
    assert linux_2222 == linux.replace(b'"22"', b'"2222"')


def test_the_block_for_windows_reaches_the_node(site: Site, powershell: Path) -> None:
    config = site.stack.write_ssh_config(site.server, "ssh_config_windows", WINDOWS_SSH_CONFIG)
    env = {**site.stack.env, "PATH": f"{powershell}:{site.stack.env['PATH']}"}
    assert site.call("ssh", "-F", config, site.node_id, "echo in", env=env) == Done(0, "in\n", "")


class Recorder:
    """A server that keeps the bodies it is sent and refuses everything."""

    def __init__(self) -> None:
        bodies = self.bodies = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                answer = b'{"__type":"TargetNotConnected","Message":"not here"}'
                self.send_response(400)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()
