"""Faults that a user meets beyond the network, against a real server and agent: the first line names each."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fairlead.client.doctor import FAILURES, ClientDoctor, Question
from fairlead.testing.agent import FairleadAgent
from fairlead.testing.server import FairleadServer
from fairlead.transport.diagnosis import Diagnosis, diagnose
from tests.support.small_servers import answers, says, tcp_server
from tests.support.waiting import wait_until

BANNER = b"SSH-2.0-OpenSSH_9.9 \x1b[31mtest\r\n"
FORBIDDEN_PORT = 9
UNKNOWN_NODE = "mi-0123456789abcdef0"


class Site(NamedTuple):
    """A server, a node with its agent, and the port of something like sshd on it."""

    server: FairleadServer
    agent: FairleadAgent
    port: int


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with (
        FairleadServer(tmp_path_factory.mktemp("doctor") / "s") as server,
        tcp_server(says(BANNER)) as port,
    ):
        yield Site(server, server.start_agent("web", options=("--allow-ports", "1024-65535")), port)


def environment(site: Site, **changes: str | None) -> dict[str, str]:
    changed = {**site.server.environment({"PATH": "/usr/bin:/bin"}), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def look(
    site: Site,
    target: str | None = None,
    *,
    port: int | None = None,
    environ: dict[str, str] | None = None,
    **question: Any,
) -> Diagnosis:
    asked = Question(target, port or site.port, **question)
    doctor = ClientDoctor(asked, environ or environment(site), "false")
    try:
        return diagnose(doctor.checks(), FAILURES)
    finally:
        doctor.close()


def verdict(site: Site, target: str | None = None, **changes: Any) -> str:
    diagnosis = look(site, target, **changes)
    line = diagnosis.lines()[0]
    assert line.isprintable()
    assert site.server.admin_env["AWS_SECRET_ACCESS_KEY"] not in "\n".join(diagnosis.lines())
    return line


def a_user(site: Site, name: str, statements: list[dict[str, Any]]) -> dict[str, str]:
    """The environment of a new user with this policy."""
    iam: Any = site.server.boto3_client("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="ssh", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return environment(
        site, AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"]
    )


def active_sessions(site: Site) -> list[Any]:
    listed: list[Any] = site.server.call_ssm("DescribeSessions", {"State": "Active"})["Sessions"]
    return listed


# -- nothing is broken --


def test_all_the_way_to_sshd_and_nothing_is_left_behind(site: Site) -> None:
    diagnosis = look(site, site.agent.node_id)
    assert diagnosis.broken is None, diagnosis.lines()
    found = {each.hop: each for each in diagnosis.findings}
    assert found["sshd"].text == f"port {site.port} answers: SSH-2.0-OpenSSH_9.9 [31mtest"
    assert "key" not in found  # unless a user or a key is named
    wait_until(lambda: not active_sessions(site), "the end of the probe's session")


def test_without_a_target_it_ends_with_who_one_is(site: Site) -> None:
    diagnosis = look(site)
    assert diagnosis.lines()[0].startswith("everything works (settings ")
    assert diagnosis.findings[-1].text == f"arn:aws:iam::{site.server.account_id}:user/admin"


# -- settings and credentials --


def test_no_region(site: Site) -> None:
    environ = environment(site, AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert verdict(site, environ=environ).startswith("broken: settings: no AWS region: give --region, ")


def test_a_profile_that_does_not_exist(site: Site) -> None:
    said = verdict(site, profile="nobody")
    assert said.startswith("broken: settings: the AWS profile 'nobody' does not exist; `fairlead configure")


def test_no_credentials(site: Site) -> None:
    environ = environment(site, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert verdict(site, environ=environ).startswith("broken: credentials: no AWS credentials (")


def test_a_wrong_secret(site: Site) -> None:
    said = verdict(site, environ=environment(site, AWS_SECRET_ACCESS_KEY="w" * 40))
    assert said.startswith("broken: identity: ")
    assert "(SignatureDoesNotMatch)" in said
    assert said.endswith("; the secret access key from the environment is probably wrong")


def test_an_unknown_key(site: Site) -> None:
    said = verdict(site, environ=environment(site, AWS_ACCESS_KEY_ID="AKIA" + "X" * 16))
    assert said.startswith("broken: identity: ")
    assert "; the access key from the environment is not known there; check" in said


def test_credentials_that_have_expired(site: Site) -> None:
    refusal = b"<Error><Code>ExpiredToken</Code><Message>is expired</Message></Error>"
    with tcp_server(answers(("403 Forbidden", refusal))) as port:
        said = verdict(site, environ=environment(site, AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{port}"))
    assert said.endswith(
        "(ExpiredToken): is expired; the credentials from the environment have expired: renew them"
    )


def test_an_endpoint_that_is_no_sts(site: Site) -> None:
    with tcp_server(answers(("404 Not Found", b"nginx"))) as port:
        said = verdict(site, environ=environment(site, AWS_ENDPOINT_URL_STS=f"http://127.0.0.1:{port}"))
    assert "does not answer GetCallerIdentity as STS (HTTP 404); check AWS_ENDPOINT_URL" in said


# -- the node and the right to it --


def test_an_unknown_node(site: Site) -> None:
    said = verdict(site, UNKNOWN_NODE)
    assert said.startswith(
        f"broken: node: there is no node {UNKNOWN_NODE} in account {site.server.account_id}"
    )


def test_a_node_that_is_offline_and_one_that_two_machines_are(site: Site, tmp_path: Path) -> None:
    agent = site.server.start_agent("other")
    agent.stop()
    wait_until(lambda: not site.server.is_connected(agent.node_id))
    said = verdict(site, agent.node_id)
    assert said.startswith(f"broken: node: {agent.node_id} is not connected, last heard ")
    assert said.endswith("; run `fairlead doctor --node --state-dir DIR` on that machine")
    clone = FairleadAgent(tmp_path / "clone")
    subprocess.run(["cp", "-a", agent.state_dir, clone.state_dir], check=True)
    agent.start()
    clone.start()
    try:
        twins = f"broken: node: two agents are alive as {agent.node_id}, seen last at 20"
        wait_until(lambda: verdict(site, agent.node_id).startswith(twins), look_every_s=0.2)
    finally:
        clone.stop()
        agent.stop()


ALLOW_SSH = {"Effect": "Allow", "Action": ["ssm:StartSession", "ssm:TerminateSession"], "Resource": "*"}


def test_no_permission_for_the_target_and_no_right_to_ask_why(site: Site) -> None:
    deny = {
        "Effect": "Deny",
        "Action": "ssm:StartSession",
        "Resource": f"arn:aws:ssm:*:*:managed-instance/{site.agent.node_id}",
    }
    said = verdict(site, site.agent.node_id, environ=a_user(site, "target", [ALLOW_SSH, deny]))
    assert said.startswith("broken: permission: ")
    assert "with an explicit deny" in said
    arn = f"arn:aws:iam::{site.server.account_id}:user/target"
    assert f"; an administrator sees why: fairlead iam why {arn} ssm:StartSession arn:aws:ssm:" in said


def test_no_permission_for_the_document_and_the_statement_that_decides(site: Site) -> None:
    deny = {
        "Sid": "NoSsh",
        "Effect": "Deny",
        "Action": "ssm:StartSession",
        "Resource": "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
    }
    ask = {"Effect": "Allow", "Action": "fairlead:ExplainAccess", "Resource": "*"}
    said = verdict(site, site.agent.node_id, environ=a_user(site, "document", [ALLOW_SSH, deny, ask]))
    assert said.startswith("broken: permission: ")
    assert "document/AWS-StartSSHSession: denied by Deny in " in said
    assert said.endswith('Deny in statement "NoSsh" of "ssh", inline policy of user "document"')


def test_somebody_with_no_more_than_the_right_to_sessions(site: Site) -> None:
    diagnosis = look(site, site.agent.node_id, environ=a_user(site, "plain", [ALLOW_SSH]))
    assert diagnosis.lines()[0].endswith("; not known: node")


# -- what is behind the node --


def test_sshd_is_not_running(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        said = verdict(site, site.agent.node_id, port=taken.getsockname()[1])
    assert said.startswith("broken: sshd: ")
    assert "Connection refused" in said
    assert said.endswith("; start sshd on the node, or give the --port that it listens on")


def test_a_port_that_the_node_does_not_allow(site: Site) -> None:
    said = verdict(site, site.agent.node_id, port=FORBIDDEN_PORT)
    assert said.startswith("broken: sshd: ")
    assert "does not allow connections to port 9: its setting allow_ports is 1024-65535" in said
    assert said.endswith("; allow it in the node's agent.toml, or give another --port")


def test_something_else_than_sshd(site: Site) -> None:
    with tcp_server(says(b"220 mail.example ESMTP\r\n")) as port:
        said = verdict(site, site.agent.node_id, port=port)
    assert said.startswith(
        f"broken: sshd: port {port} of {site.agent.node_id} is not sshd's: it says '220 mail"
    )


def test_the_wrong_gateway_is_a_broken_data_channel(site: Site) -> None:
    """The API sends the client to a gateway that is not there."""
    grant = {
        "SessionId": "x-1",
        "TokenValue": "t" * 40,
        "StreamUrl": "ws://127.0.0.1:9/v1/data-channel/x-1?role=publish",
    }
    script: list[dict[str, Any]] = [{"Status": "connected"}, {"Nodes": []}, grant, {}]
    identity = b"<Arn>arn:aws:iam::1:user/u</Arn><Account>1</Account>"

    def serve(connection: socket.socket) -> None:
        request = connection.recv(65536)
        body = b"ok" if b"GET /healthz" in request else identity if b"GetCallerIdentity" in request else None
        answer = body or json.dumps(script.pop(0)).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))

    with tcp_server(serve) as port:
        url = f"http://127.0.0.1:{port}"
        said = verdict(site, site.agent.node_id, environ=environment(site, AWS_ENDPOINT_URL=url))
    assert said.startswith("broken: data channel: cannot connect to 127.0.0.1:9: Connection refused; ")


# -- the command --


def test_the_command_says_it_on_its_first_line_and_by_its_status(site: Site) -> None:
    def run(*words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "fairlead", "doctor", *words]
        return subprocess.run(command, env=environment(site, **changes), capture_output=True, text=True)

    good = run(site.agent.node_id, "--port", str(site.port), "--json")
    assert (good.returncode, good.stderr) == (0, "")
    assert json.loads(good.stdout)["BrokenHop"] is None
    bad = run(AWS_SECRET_ACCESS_KEY="w" * 40)
    assert (bad.returncode, bad.stderr) == (1, "")
    assert bad.stdout.splitlines()[0].startswith("broken: identity: ")
