"""A real server and hand-made peers for it: every request, signature and frame is crafted by the test.

`Stage` is the server with its audit trail and its log; `Peer` is somebody with credentials, or without, at a
loopback address of his own, so that one attacker's rate limits are not another's.
"""

import contextlib
import functools
import http.client
import itertools
import json
import re
import socket
import sqlite3
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from fairlead.agent import keys
from fairlead.aws.sigv4 import Credentials, Request, sign, sign_with
from fairlead.domain.audit import EventView
from fairlead.protocol import message as m
from fairlead.protocol.control_channel import ChannelClosed, decode_control_message, parse_channel_closed
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.open_channel import AgentOpen, ClientOpen, ControlOpen
from tests.support.waiting import PATIENCE_S, wait_until
from tools.stack import LocalStack

NODE_ROLE = "service-role/FairleadNode"
SSH_DOCUMENT = "AWS-StartSSHSession"
MESSAGE_ID = bytes(range(16))
REQUEST_ID = "b2b0a9c4-6a5e-4a5e-9d5c-3f1f3a0c9a11"


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The members of a JSON answer."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code: of a JSON answer behind the `#`, of an XML one the name of the element."""
        if self.body.startswith(b"{"):
            return str(self.json.get("__type", "")).rpartition("#")[2]
        found = re.search(rb"<Code>([^<]*)</Code>", self.body) or re.match(rb"<(\w+)", self.body)
        return found[1].decode() if found else ""

    @property
    def text(self) -> str:
        """The whole body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def token(self) -> str:
        """The token that a channel call gave."""
        found = re.search(rb"<TokenValue>([^<]*)</TokenValue>", self.body)
        assert found is not None, self.body
        return found[1].decode()


class Stage:
    """A server that is attacked, and what its operator sees."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.port = stack.port
        self.region = stack.env["AWS_REGION"]
        self.tls = ssl.create_default_context(cafile=str(stack.server_state / "ca.pem"))
        # The thread that reads a WebSocket would handle the session tickets of TLS 1.3 while another one
        # writes; ssl objects of this Python do not bear that, and now and then lose what is written.
        self.channel_tls = ssl.create_default_context(cafile=str(stack.server_state / "ca.pem"))
        self.channel_tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self.admin = Peer(
            self, Credentials(stack.env["AWS_ACCESS_KEY_ID"], stack.env["AWS_SECRET_ACCESS_KEY"])
        )
        self._sources = (f"127.66.{high}.{low}" for high, low in itertools.product(range(250), range(1, 250)))

    @property
    def database(self) -> Path:
        """The file of the embedded database."""
        return self.stack.server_state / "fairlead.db"

    @property
    def log(self) -> str:
        """Everything that the server has logged."""
        return self.stack.server.log.read_text(encoding="utf-8")

    def next_source(self) -> str:
        """A loopback address that nobody has attacked from yet."""
        return next(self._sources)

    def audit(self, event: str, **expected: object) -> list[dict[str, Any]]:
        """The records of one event whose values are as expected, oldest first."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database:
            rows = database.execute("SELECT event FROM audit_records ORDER BY sequence").fetchall()
        events = [json.loads(text) for (text,) in rows]
        records = [
            {
                "user_name": EventView(each).user_name,
                "source_address": each.get("sourceIPAddress"),
                "user_agent": each.get("userAgent"),
                "error_code": each.get("errorCode"),
                "response_elements": each.get("responseElements"),
                "event": each,
            }
            for each in events
            if each["eventName"] == event
        ]
        return [
            record for record in records if all(record[name] == value for name, value in expected.items())
        ]

    def wait_for_audit(self, event: str, text: str = "", **expected: object) -> dict[str, Any]:
        """The newest such record that holds `text`; it is written in the background, so wait for it."""

        found = functools.partial(self._audited, event, text, expected)
        wait_until(lambda: bool(found()), f"an audit record {event} {expected} with {text!r}")
        return found()[-1]

    def _audited(self, event: str, text: str, expected: dict[str, object]) -> list[dict[str, Any]]:
        return [record for record in self.audit(event, **expected) if text in repr(record)]

    def wait_for_log(self, text: str) -> None:
        """Until the log holds this text."""
        wait_until(lambda: text in self.log, f"{text!r} in the log")

    @contextlib.contextmanager
    def logging(self, *texts: str) -> Iterator[None]:
        """Fail unless what happens within the block leaves a new log line that holds all the texts."""
        before = len(self.log)
        yield
        wait_until(
            lambda: any(all(text in line for text in texts) for line in self.log[before:].splitlines()),
            f"a log line with {texts}; there were {self.log[before:]!r}",
        )

    @contextlib.contextmanager
    def auditing(self, event: str, text: str = "", **expected: object) -> Iterator[None]:
        """Fail unless what happens within the block leaves a new such record in the audit trail."""
        before = len(self._audited(event, text, expected))
        yield
        wait_until(
            lambda: len(self._audited(event, text, expected)) > before,
            f"a new audit record {event} {expected} with {text!r}",
        )

    def change_database(self, statement: str, *values: object) -> None:
        """What only a test may do: let time pass for one row, for instance."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database, database:
            assert database.execute(statement, values).rowcount > 0, "nothing was changed"

    def expire_tokens(self, channel_id: str) -> None:
        """The sixty seconds of every token of a channel are over."""
        self.change_database("UPDATE channel_tokens SET expires_at = 0 WHERE channel_id = ?", channel_id)

    def session_row(self, session_id: str) -> dict[str, Any]:
        """A session as it is stored."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=PATIENCE_S)) as database:
            database.row_factory = sqlite3.Row
            return dict(database.execute("SELECT * FROM sessions WHERE id = ?", (session_id,)).fetchone())

    def wait_for_status(self, session_id: str, status: str) -> dict[str, Any]:
        """The row of a session that comes to this status; it is told before it is stored."""
        wait_until(
            lambda: self.session_row(session_id)["status"] == status,
            f"session {session_id} to be {status}",
        )
        return self.session_row(session_id)

    def add_user(self, name: str, policy: dict[str, Any] | None = None) -> "Peer":
        """A new user with an access key; a policy of one statement, if given."""
        self.admin.iam("CreateUser", UserName=name).expect(200)
        if policy is not None:
            document = json.dumps({"Version": "2012-10-17", "Statement": policy})
            self.admin.iam("PutUserPolicy", UserName=name, PolicyName="its", PolicyDocument=document).expect(
                200
            )
        created = self.admin.iam("CreateAccessKey", UserName=name).expect(200).text
        key_id, secret = (
            re.search(f"<{tag}>([^<]+)</{tag}>", created) for tag in ("AccessKeyId", "SecretAccessKey")
        )
        assert key_id is not None
        assert secret is not None
        return Peer(self, Credentials(key_id[1], secret[1].replace("&#43;", "+")))

    def add_activation(self, limit: int = 1) -> dict[str, str]:
        """Id and code of a new activation."""
        return self.admin.ssm("CreateActivation", IamRole=NODE_ROLE, RegistrationLimit=limit).expect(200).json

    def add_node(self) -> "Node":
        """A registered node whose key and credentials the test holds."""
        return Node(self, self.add_activation())


class Peer:
    """Somebody at an address of his own. Without credentials, requests are not signed."""

    def __init__(self, stage: Stage, credentials: Credentials | None = None) -> None:
        self.stage = stage
        self.credentials = credentials
        self.source = stage.next_source() if hasattr(stage, "admin") else "127.0.0.1"

    def ssm(self, operation: str, **members: object) -> "Checked":
        """A call of the session service."""
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"AmazonSSM.{operation}"),
        ]
        return self.call("POST", "/", "ssm", headers, json.dumps(members).encode())

    def iam(self, operation: str, **members: str) -> "Checked":
        """A call of the identity service."""
        return self._query("iam", {"Action": operation, "Version": "2010-05-08", **members})

    def sts(self, operation: str, **members: str) -> "Checked":
        """A call of the service that gives temporary credentials."""
        return self._query("sts", {"Action": operation, "Version": "2011-06-15", **members})

    def _query(self, service: str, fields: dict[str, str]) -> "Checked":
        body = "&".join(f"{name}={_form_encoded(value)}" for name, value in fields.items())
        headers = [("Content-Type", "application/x-www-form-urlencoded")]
        return self.call("POST", "/", service, headers, body.encode())

    def channel_call(self, raw_path: str) -> "Checked":
        """CreateControlChannel or CreateDataChannel at a path that goes out as it is written."""
        body = json.dumps({"MessageSchemaVersion": "1.0", "RequestId": REQUEST_ID}).encode()
        return self.call("POST", raw_path, "ssmmessages", [("Content-Type", "application/json")], body)

    def call(
        self, method: str, target: str, service: str, headers: list[tuple[str, str]], body: bytes
    ) -> "Checked":
        """One request, signed if there are credentials."""
        return self.send(method, target, self.signed(method, target, service, headers, body), body)

    def signed(
        self, method: str, target: str, service: str, headers: list[tuple[str, str]], body: bytes = b""
    ) -> list[tuple[str, str]]:
        """The headers of a request with its signature."""
        headers = [("Host", f"127.0.0.1:{self.stage.port}"), *headers]
        path, _, query = target.partition("?")
        return headers + self.signature(Request(method, path, query, headers, body), service)

    def signature(self, request: Request, service: str) -> list[tuple[str, str]]:
        """The headers that sign a request."""
        if self.credentials is None:
            return []
        return sign_with(
            self.credentials, request, region=self.stage.region, service=service, now=time.time()
        )

    def send(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes = b"") -> "Checked":
        """One request, exactly as given."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.stage.port,
            timeout=PATIENCE_S,
            context=self.stage.tls,
            source_address=(self.source, 0),
        )
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Checked(response.status, response.read())

    @contextlib.contextmanager
    def websocket(self, target: str) -> Iterator[ClientConnection]:
        """A WebSocket at a target that goes out as it is written; InvalidStatus when it is refused."""
        host = f"127.0.0.1:{self.stage.port}"
        path, _, query = target.partition("?")
        signature = self.signature(Request("GET", path, query, [("Host", host)]), "ssmmessages")
        with (
            self.connection() as raw,
            connect(
                f"wss://{host}{target}",
                sock=raw,
                ssl=self.stage.channel_tls,
                server_hostname="127.0.0.1",
                additional_headers=signature,
                compression=None,
                ping_interval=None,
                open_timeout=PATIENCE_S,
                close_timeout=1,
                max_size=None,
                max_queue=None,
                proxy=None,
            ) as channel,
        ):
            yield channel

    def connection(self) -> socket.socket:
        """A TCP connection from this peer's own address."""
        return socket.create_connection(("127.0.0.1", self.stage.port), PATIENCE_S, (self.source, 0))

    def upgrade_status(self, target: str) -> int:
        """The HTTP status with which a WebSocket is refused; 101 when it is not."""
        try:
            with self.websocket(target):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code

    def start_session(self, node: "Node", **members: object) -> "Grant":
        """StartSession to port 22 of a node."""
        answer = self.ssm("StartSession", Target=node.id, DocumentName=SSH_DOCUMENT, **members).expect(200)
        return Grant(answer.json["SessionId"], answer.json["TokenValue"], answer.json["StreamUrl"])

    @contextlib.contextmanager
    def client_channel(self, grant: "Grant") -> Iterator[ClientConnection]:
        """The client's data channel of a session, opened with its token."""
        with self.websocket(data_channel(grant.session_id)) as channel:
            channel.send(client_open(grant.token))
            self.stage.wait_for_log(f"session {grant.session_id}: the client joined")
            yield channel


class Checked(Answer):
    """An answer that can be held to a status."""

    def expect(self, status: int, code: str = "") -> "Checked":
        """Fail with the whole answer unless status and code are these."""
        assert (self.status, self.code if code else "") == (status, code), f"{self.status} {self.text}"
        return self


@dataclass(frozen=True)
class Grant:
    """What StartSession gave."""

    session_id: str
    token: str
    stream_url: str


class Node(Peer):
    """A node in the attacker's hands."""

    def __init__(self, stage: Stage, activation: dict[str, str]) -> None:
        super().__init__(stage)
        self.key = keys.generate_key()
        self.fingerprint = REQUEST_ID
        self.id: str = (
            self.ssm(
                "RegisterManagedInstance",
                ActivationId=activation["ActivationId"],
                ActivationCode=activation["ActivationCode"],
                Fingerprint=self.fingerprint,
                PublicKey=self.key.public_base64,
                PublicKeyType="Rsa",
            )
            .expect(200)
            .json["InstanceId"]
        )
        self.credentials = self.new_credentials()

    def new_credentials(self) -> Credentials:
        """Temporary credentials for the node's key."""
        answer = self.by_key("RequestManagedInstanceRoleToken", Fingerprint=self.fingerprint).expect(200).json
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])

    def by_key(self, operation: str, **members: object) -> Checked:
        """A call that is signed with the node's key, as `operation` of the session service."""
        body = json.dumps(members).encode()
        headers = [
            ("Host", f"127.0.0.1:{self.stage.port}"),
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", f"AmazonSSM.{operation}"),
        ]
        signature = sign(
            Request("POST", "/", "", headers, body),
            credential_id=self.id,
            signer=lambda _scope, text: keys.sign(self.key.private_pem, text.encode()),
            region=self.stage.region,
            service="ssm",
            now=time.time(),
        )
        return self.send("POST", "/", headers + signature, body)

    @contextlib.contextmanager
    def control_channel(self) -> Iterator[ClientConnection]:
        """This node's own control channel, open: the node is connected."""
        token = self.channel_call(f"/v1/control-channel/{self.id}").expect(201).token
        connected = f"node {self.id} is connected"
        before = self.stage.log.count(connected)
        with self.websocket(control_channel(self.id)) as channel:
            channel.send(control_open(token))
            wait_until(lambda: self.stage.log.count(connected) > before, "the control channel")
            yield channel

    @contextlib.contextmanager
    def agent_channel(self, session_id: str) -> Iterator[ClientConnection]:
        """The agent's data channel of a session, opened with a token of its own."""
        token = self.channel_call(f"/v1/data-channel/{session_id}").expect(201).token
        with self.websocket(data_channel(session_id)) as channel:
            channel.send(agent_open(token, self.id))
            self.stage.wait_for_log(f"session {session_id}: the agent joined")
            yield channel


def control_channel(node_id: str) -> str:
    """Path and query of a control channel."""
    return f"/v1/control-channel/{node_id}?role=subscribe&stream=input"


def data_channel(session_id: str) -> str:
    """Path and query of a data channel."""
    return f"/v1/data-channel/{session_id}?role=publish_subscribe"


def send(channel: ClientConnection, *messages: str | bytes) -> None:
    """Send what the server need not hear to the end: its refusal may be here between two messages."""
    with contextlib.suppress(ConnectionClosed):
        for message in messages:
            channel.send(message)


def client_open(token: str) -> str:
    """A client's open frame."""
    return ClientOpen(REQUEST_ID, token, "a-client", "1.2.764.0").encode()


def agent_open(token: str, node_id: str) -> str:
    """An agent's open frame for a data channel."""
    return AgentOpen(REQUEST_ID, token, node_id).encode()


def control_open(token: str) -> str:
    """An agent's open frame for its control channel."""
    return ControlOpen(REQUEST_ID, token, "3.3.0.0", "Linux").encode()


def frame(message_type: bytes, payload: bytes = b"{}", sequence_number: int = 0) -> bytes:
    """An agent message with a right digest."""
    return m.make_frame(
        message_type,
        payload,
        message_id=MESSAGE_ID,
        created_date=int(time.time() * 1000),
        sequence_number=sequence_number,
    )


@dataclass(frozen=True)
class Goodbye:
    """How the server closed a WebSocket, and what it told the user before."""

    code: int | None
    reason: str
    told: str


def goodbye(channel: ClientConnection) -> Goodbye:
    """Read until the server closes; fail if it does not."""
    told = ""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            received = channel.recv(max(0.01, deadline - time.monotonic()))
        except ConnectionClosed as closed:
            close = closed.rcvd
            return Goodbye(close.code if close else None, close.reason if close else "", told)
        except TimeoutError:
            raise AssertionError("the server did not close the connection") from None
        if isinstance(received, bytes):
            told = told_text(received) or told


def told(channel: ClientConnection) -> str:
    """Read until the server tells the client's user why the session is over."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        received = channel.recv(max(0.01, deadline - time.monotonic()))
        if isinstance(received, bytes) and told_text(received):
            return told_text(received)


def told_text(received: bytes) -> str:
    """What a `channel_closed` says to the user; empty for every other message."""
    try:
        if m.peek_type(received) != m.CHANNEL_CLOSED:
            return ""
        return parse_channel_closed(m.decode(received).payload).output
    except MalformedMessage:
        return ""


def next_control_message(channel: ClientConnection) -> Any:
    """The body of the next control message, whatever it is."""
    received = channel.recv(PATIENCE_S)
    assert isinstance(received, bytes)
    return decode_control_message(received).body


def is_closed_message(body: object, session_id: str) -> bool:
    """True for the news that a session is over."""
    return isinstance(body, ChannelClosed) and body.session_id == session_id


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux: /proc/PID/status)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def _form_encoded(value: str) -> str:
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in value.encode()
    )
