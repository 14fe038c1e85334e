"""Our client comes back after a cut with its resume secret: without credentials, and not without the right.

Server, agent and client are the real ones; the client reaches the server by a wire that the test cuts.
"""

import json
import os
import re
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fairlead.testing.server import FairleadServer
from tests.support.waiting import PATIENCE_S, wait_until
from tools.processes import free_port
from tools.wire import Wire

USER = "alice"
ALLOW = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"}}
)
DENY = ALLOW.replace("Allow", "Deny")


class Echo(socketserver.ThreadingTCPServer):
    """What the node leads to: sends back what comes, and counts who is connected."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), EchoHandler)
        self.connected = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()


class EchoHandler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Echo)
        self.server.connected += 1
        try:
            while data := self.request.recv(65_536):
                self.request.sendall(data)
        finally:
            self.server.connected -= 1


class World:
    """A server behind a wire, a node, and a port on it."""

    def __init__(self, directory: Path, wire: Wire, server: FairleadServer, echo: Echo) -> None:
        self.directory = directory
        self.wire = wire
        self.server = server
        self.echo = echo
        self.iam = server.boto3_client("iam")
        self.node_id = server.start_agent().node_id

    def add_user(self) -> "Client":
        self.iam.create_user(UserName=USER)
        self.iam.put_user_policy(UserName=USER, PolicyName="allow", PolicyDocument=ALLOW)
        return Client(self, self.iam.create_access_key(UserName=USER)["AccessKey"])

    def remove_user(self) -> None:
        """Wholly, as far as it is there."""
        if USER not in [user["UserName"] for user in self.iam.list_users()["Users"]]:
            return
        for key in self.iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            self.iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
        for name in self.iam.list_user_policies(UserName=USER)["PolicyNames"]:
            self.iam.delete_user_policy(UserName=USER, PolicyName=name)
        self.iam.delete_user(UserName=USER)

    def events(self, session_id: str) -> list[str]:
        """The names of the audit records about a session, oldest first."""
        with closing(sqlite3.connect(self.server.state_dir / "fairlead.db")) as database:
            rows = database.execute(
                "SELECT event FROM audit_records WHERE event LIKE ? ORDER BY sequence", (f"%{session_id}%",)
            )
            events = [json.loads(text) for (text,) in rows]
        about = ("requestParameters", "serviceEventDetails")
        return [
            event["eventName"]
            for event in events
            if any(session_id in str(event.get(member)) for member in about)
        ]

    def ended(self, session_id: str) -> dict[str, Any]:
        """The session in the history."""
        filters = [{"key": "SessionId", "value": session_id}]
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = self.server.call_ssm("DescribeSessions", {"State": "History", "Filters": filters})[
                "Sessions"
            ]
            return bool(found)

        wait_until(look, "the end of the session")
        return found[0]


class Client:
    """`fairlead proxy` of the user, whose credentials come from a program that may stop giving them."""

    def __init__(self, world: World, key: dict[str, str]) -> None:
        self.world = world
        self.credentials = world.directory / "credentials.json"
        members = {"Version": 1, "AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]}
        self.credentials.write_text(json.dumps(members))
        config = world.directory / "config"
        config.write_text(f"[profile user]\ncredential_process = cat {self.credentials}\n")
        endpoint = f"https://127.0.0.1:{world.wire.port}"
        bundle = str(world.server.ca_bundle)
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        env |= {"AWS_PROFILE": "user", "AWS_CONFIG_FILE": str(config), "AWS_REGION": world.server.region}
        env |= {"AWS_ENDPOINT_URL": endpoint, "AWS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}
        port = str(world.echo.server_address[1])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fairlead", "proxy", world.node_id, port],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.say(b"hello\n")
        active = world.server.call_ssm("DescribeSessions", {"State": "Active"})["Sessions"]
        self.session_id = active[0]["SessionId"]  # the newest

    def say(self, line: bytes) -> None:
        """Send a line and read it again."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()
        assert self.process.stdout.readline() == line

    def cut_and_say(self, line: bytes) -> None:
        """Send a line and cut the wire as it passes."""
        assert self.process.stdin is not None
        self.world.wire.cut_after(0)
        self.process.stdin.write(line)
        self.process.stdin.flush()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Only the client goes by the wire."""
    directory = tmp_path_factory.mktemp("comebacks")
    wire = Wire()
    port = free_port()
    wire.lead_to(port)
    names = [f"https://127.0.0.1:{port}", f"https://127.0.0.1:{wire.port}"]
    try:
        server = FairleadServer(directory / "state", listen=f"127.0.0.1:{port}", public_urls=names)
        with server, Echo() as echo:
            yield World(directory, wire, server, echo)
            echo.shutdown()
    finally:
        wire.close()


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    client = world.add_user()
    yield client
    client.process.kill()
    client.process.communicate()
    world.remove_user()


def test_a_client_whose_credentials_are_gone_comes_back_again_and_again(client: Client) -> None:
    client.credentials.unlink()
    for number in range(3):
        line = b"line %d\n" % number
        client.cut_and_say(line)
        assert client.process.stdout is not None
        assert client.process.stdout.readline() == line
    out, err = client.process.communicate(b"the end\n", timeout=PATIENCE_S)
    assert (client.process.returncode, out, err) == (0, b"the end\n", b"")
    events = client.world.events(client.session_id)
    assert events.count("SessionReattached") >= 3
    assert "ResumeSession" not in events


def deny(world: World) -> None:
    world.iam.put_user_policy(UserName=USER, PolicyName="deny", PolicyDocument=DENY)


@pytest.mark.parametrize(
    ("withdraw", "words"),
    [
        (deny, rb"user/alice is not authorized to perform: ssm:StartSession .* with an explicit deny"),
        (World.remove_user, rb"user/alice was deleted"),
    ],
)
def test_a_client_whose_user_lost_the_right_meanwhile_ends_with_the_reason_on_every_hop(
    client: Client, withdraw: Callable[[World], None], words: bytes
) -> None:
    world = client.world
    client.say(b"still here\n")
    withdraw(world)
    client.say(b"what runs goes on\n")
    client.cut_and_say(b"and does not come back\n")
    _, err = client.process.communicate(timeout=PATIENCE_S)
    assert client.process.returncode == 1
    assert re.fullmatch(
        rb"fairlead proxy: .*The right to this session was withdrawn: .*" + words + rb".*\n", err
    )
    session = world.ended(client.session_id)
    assert session["Status"] == "Terminated"
    assert "The right to this session was withdrawn" in session["Details"]
    wait_until(lambda: world.echo.connected == 0, "the end of the connection behind the node")
    assert "SessionAccessRevoked" in world.events(client.session_id)


def test_a_session_begins_although_its_first_connections_are_cut_in_the_middle_of_tls(world: World) -> None:
    before = world.wire.cuts
    world.wire.cut_after(0, 1)
    client = world.add_user()
    try:
        assert world.wire.cuts == before + 2
        out, err = client.process.communicate(b"the end\n", timeout=PATIENCE_S)
    finally:
        client.process.kill()
        world.remove_user()
    assert (client.process.returncode, out) == (0, b"the end\n")
    assert re.fullmatch(rb"fairlead proxy: [^\n]*TLS [^\n]*; trying again for up to 20 s\n", err)
