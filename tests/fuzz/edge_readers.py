"""Readers of our own programs: what a server, or who took its place, can answer to agent and client."""

import json
import socket
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar, cast

from fairlead.agent import gateway_client, handover, program, service_client, session_document
from fairlead.agent.ceiling import LOOPBACK, PORT_SESSION, Ceiling, PortRange
from fairlead.agent.completions import Pending
from fairlead.agent.errors import MalformedAnswerError, ServiceError, SessionRefusedError
from fairlead.agent.host_facts import parse_os_release
from fairlead.agent.outcome import STOPPED
from fairlead.aws.sigv4 import Credentials
from fairlead.client import api_calls, aws_files, plugin, resolved, role_credentials
from fairlead.client.settings import ClientSettings
from fairlead.protocol import control_channel
from fairlead.protocol.message import INTERACTIVE_SHELL
from fairlead.transport.endpoint_contract import EndpointState
from fairlead.transport.http import Response, ResponseHead
from tests.fuzz.target import as_json, recorded_frames
from tests.fuzz.wire_readers import framed

T = TypeVar("T")
NOW = 1795209769.0
KEYS = resolved.Resolved(Credentials("AKIAIOSFODNN7EXAMPLE", "secret"), None, "the environment")
CEILING = Ceiling((PortRange(22, 22),), (LOOPBACK,), frozenset({PORT_SESSION}))


def read_offer(data: bytes) -> None:
    """An interactive_shell as the agent takes it: to its target, which the ceiling must allow."""
    offer = control_channel.decode_control_message(framed(INTERACTIVE_SHELL, data)).body
    assert isinstance(offer, control_channel.StartSession)
    session_document.is_usable_session_id(offer.session_id)
    asked = session_document.parse_port_request(offer)
    assert len(asked.host) <= 255
    CEILING.check_session_type(session_document.session_type(offer))
    CEILING.check_target(asked.host, asked.port)
    assert asked.port == 22
    json.dumps(asked.properties)


def offer_seeds() -> list[bytes]:
    recorded = [frame[120:] for frame in recorded_frames() if frame[4:36].strip() == INTERACTIVE_SHELL]
    document = {
        "schemaVersion": "1.0",
        "sessionType": "Port",
        "parameters": {"portNumber": {"type": "String", "default": "22"}},
        "properties": {"portNumber": "{{ portNumber }}"},
    }
    content = {
        "SessionId": "s-1",
        "DocumentName": "AWS-StartSSHSession",
        "DocumentContent": document,
        "Parameters": {"portNumber": "22"},
        "SessionOwner": "arn:aws:iam::111122223333:user/al",
    }
    return [*recorded, *as_json({"Content": json.dumps(content), "SchemaVersion": 1})]


def read_token_answer(data: bytes) -> None:
    token = gateway_client.parse_token(data)
    assert 0 < len(token) <= gateway_client.MAX_TOKEN_CHARACTERS
    assert token.isprintable()


def token_seeds() -> list[bytes]:
    return [
        b"<CreateDataChannelResult><TokenValue>abc&#43;&amp;</TokenValue></CreateDataChannelResult>",
        b"<?xml version='1.0'?><R>\n <MessageSchemaVersion>1.0</MessageSchemaVersion>"
        b"<TokenValue> abc </TokenValue></R>",
    ]


class _AnsweredClient(service_client.ServiceClient):
    """The agent's calls, each with the same answer at once."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def _call(self, operation: str, *_: object) -> dict[str, Any]:
        return service_client.parse_answer(operation, self._response, NOW)


def read_service_answer(data: bytes) -> None:
    """What the agent makes of any answer to its calls; the first byte says whether it is an error."""
    status = 200 if data[:1] < b"\x80" else 400
    head = ResponseHead("HTTP/1.1", status, "Reason", [("date", "Fri, 20 Nov 2026 21:22:49 GMT")])
    client = _AnsweredClient(Response(head, data[1:], False))
    with suppress(ServiceError, MalformedAnswerError):
        _finished(client.register_managed_instance("i", "c", "f", "k"))
    token = _finished(client.request_role_token("f", lambda _: [], NOW))
    assert token.expires_at > NOW


def _finished(call: Coroutine[Any, None, T]) -> T:
    """The result of a coroutine that never waits."""
    try:
        call.send(None)
    except StopIteration as done:
        return cast(T, done.value)
    raise AssertionError("it waited")


def service_seeds() -> list[bytes]:
    good = {
        "InstanceId": "mi-0123456789abcdef0",
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "x",
        "SessionToken": "y",
        "TokenExpirationDate": NOW + 3600.5,
        "UpdateKeyPair": True,
    }
    bad = {"__type": "com.amazonaws#ThrottlingException", "message": "slower"}
    return [b"\x00" + as_json(good)[0], b"\xff" + as_json(bad)[0]]


class _AnsweringDialer:
    """In place of the client's dialer: every connection gives these bytes and ends."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def dial(self, _: object) -> socket.socket:
        return cast(socket.socket, _AnsweringSocket(self._data))


class _AnsweringSocket:
    def __init__(self, data: bytes) -> None:
        self._pieces = [data[:700], data[700:]]

    def settimeout(self, _: float) -> None: ...
    def sendall(self, _: bytes) -> None: ...
    def close(self) -> None: ...

    def recv(self, _: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


class _Source:
    def get(self) -> resolved.Resolved:
        return KEYS

    def forget(self) -> None: ...


def read_api_answer(data: bytes) -> None:
    """What the client makes of any bytes that come back to StartSession and ResumeSession."""
    for name in ("start", "resume"):
        dialer = cast(Any, _AnsweringDialer(data))
        api = api_calls.SessionApi(
            "https://gateway.example",
            "us-east-1",
            cast(Any, _Source()),
            dialer,
            clock=lambda: NOW,
            sleep=bool,
        )
        if name == "start":
            with suppress(api_calls.ServiceError):
                api.start_session({"Target": "mi-1"})
        else:
            api.resume_session("s-1")


def api_seeds() -> list[bytes]:
    good = b'{"SessionId":"al-1","TokenValue":"t","StreamUrl":"wss://gateway.example/v1/data-channel/al-1"}'
    bad = b'{"__type":"com.amazonaws#RequestTimeTooSkewed","message":"Signature expired: now"}'
    return [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(good), good),
        b"HTTP/1.1 403 No\r\nConnection: close\r\nDate: Fri, 20 Nov 2026 21:22:49 GMT\r\n\r\n" + bad,
    ]


def read_sts_answer(data: bytes) -> None:
    """What the client makes of any bytes that come back to AssumeRole."""
    settings = ClientSettings({"AWS_ENDPOINT_URL": "https://gateway.example"}, region="us-east-1")
    profile: aws_files.Section = {"role_arn": "arn:aws:iam::111122223333:role/r"}
    found = role_credentials.assumed_role_credentials(
        settings, cast(Any, _AnsweringDialer(data)), profile, KEYS
    )
    assert found.credentials.access_key_id


def sts_seeds() -> list[bytes]:
    good = (
        b"<R><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>a&amp;b</SecretAccessKey>"
        b"<SessionToken>t</SessionToken><Expiration>2026-11-20T21:22:49Z</Expiration></Credentials></R>"
    )
    bad = b"<R><Error><Code>AccessDenied</Code><Message>no</Message></Error></R>"
    return [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(good), good),
        b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%b" % (len(bad), bad),
    ]


def read_dates(data: bytes) -> None:
    """Dates in answers: none, or seconds since the epoch."""
    text = data.decode("latin-1")
    for found in (api_calls.parse_http_date(text), resolved.parse_expiration(text)):
        assert found is None or abs(found) < 1e12
    offset = service_client.clock_offset_s(text, NOW)
    assert offset is None or abs(offset) < 1e12


def date_seeds() -> list[bytes]:
    return [b"Fri, 20 Nov 2026 21:22:49 GMT", b"2026-11-20T21:22:49Z", b"2026-11-20T21:22:49.5+01:00"]


def read_plugin_call(data: bytes) -> None:
    """The session's response and the request as the AWS CLI hands them on, one on each line."""
    response, _, request = data.decode("utf-8", "surrogateescape").partition("\n")
    call = plugin.parse_call(["plugin", response, "us-east-1", "StartSession", "", request], {})
    assert call.grant.token_value


def plugin_seeds() -> list[bytes]:
    response, request = as_json(
        {"SessionId": "al-1", "TokenValue": "t", "StreamUrl": "wss://gateway.example/"},
        {"Target": "mi-1", "DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["22"]}},
    )
    return [response + b"\n" + request]


def read_ini(data: bytes) -> None:
    for section in aws_files.parse_ini(data.decode("utf-8", "surrogateescape"), "~/.aws/config").values():
        aws_files.text_option(section, "region")


def ini_seeds() -> list[bytes]:
    return [b"[default]\nregion = us-east-1\n[profile x]\ns3 =\n  a = b\nrole_arn: c\n# comment\n"]


def read_os_release(data: bytes) -> None:
    parse_os_release(data.decode("utf-8", "replace"))


def refuse_target(data: bytes) -> None:
    """Whatever host and port are asked for, only what was allowed passes."""
    host, _, port = data.decode("utf-8", "replace").partition("\n")
    with suppress(SessionRefusedError):
        CEILING.check_target(host, len(port))
        assert len(port) == 22


def read_handover(data: bytes) -> None:
    """What one process of the agent leaves to the next: refused as a whole, or good to the last session."""
    agent, sessions = handover.decode(memoryview(data))
    handover.encode_agent(agent)
    for session in sessions:
        handover.encode_session(session)


def handover_seeds() -> list[bytes]:
    start = control_channel.StartSession("s-1", "AWS-StartSSHSession", {}, {"portNumber": "22"}, "al")
    endpoint = EndpointState(b"a channel", 3, False, True, 10, 20)
    done = Pending(bytes(16), control_channel.TaskComplete("s-0", "Success", "mi-1", "over", 2))
    whole = handover.AgentState(incarnation="i", sessions=2, pending=(done,), ended=(("s-0", STOPPED),))
    sessions = (
        handover.SessionState(start=start, endpoint=endpoint, target=7, early=None),
        handover.SessionState(
            start=control_channel.StartSession("s-2", "d", {}, {}), endpoint=None, early=b"SSH-2.0-x"
        ),
    )
    records = [handover.encode_session(session) for session in sessions]
    parts = [handover.encode_prefix(2), handover.encode_agent(whole), *records, handover.encode_suffix()]
    return [
        b"".join(parts),
        handover.encode_prefix(0)
        + handover.encode_agent(handover.AgentState(incarnation="i"))
        + handover.encode_suffix(),
    ]


def read_program(data: bytes) -> None:
    """The arguments with which an agent is started, by itself or by hand."""
    found = program.parse_program([data.decode("utf-8", "surrogateescape")])
    assert found.inherited is None or min(found.inherited.targets, default=3) >= 3


def program_seeds() -> list[bytes]:
    given = {"state_dir": "/var/lib/fairlead", "config": None, "options": {"allow_ports": ["22"]}}
    return as_json(given, {**given, "inherited": {"handover": 3, "lock": 4, "targets": [5]}, "check": True})
