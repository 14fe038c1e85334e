"""Readers of HTTP and of AWS's protocols: what anybody can send to the server, and any server to us."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from ipaddress import ip_network
from typing import Any

from fairlead.api.dispatch import SERVED_OPERATIONS, describe, identify
from fairlead.api.origin import OriginReader
from fairlead.api.public_names import PublicNames
from fairlead.aws import arn, json_protocol, query_protocol, sigv4
from fairlead.aws.canonical import Request
from fairlead.aws.errors import AwsError
from fairlead.control import node_keys, paging
from fairlead.control.sealing import KEY_BYTES, Sealer
from fairlead.domain.errors import HostRefused
from fairlead.domain.operations.nodes import DESCRIBE_INSTANCE_INFORMATION
from fairlead.gateway import upgrade
from fairlead.gateway.doorkeeper import refusal
from fairlead.gateway.requests import ChannelAddress, is_signed, single_header
from fairlead.policy.parser import parse_identity_policy
from fairlead.policy.trust_parser import parse_trust_policy
from fairlead.policy.variables import parse_template
from fairlead.transport import addresses, http, proxies
from fairlead.transport.errors import TransportError
from fairlead.transport.upgrade import NONCE_BYTES, accept_value, check_upgrade
from tests.fuzz.target import as_json, recorded_requests

NOW = 1795209769
ENDPOINT = addresses.parse_endpoint("https://gateway.example:8443/v1/x")
NONCE = bytes(NONCE_BYTES)
ORIGINS = OriginReader([ip_network("10.0.0.0/8")])
NAMES = PublicNames(["https://gateway.example:8443"], ["127.0.0.1:18080"])
SEALER = Sealer(bytes(KEY_BYTES), bytes)
LISTING = paging.Listing(DESCRIBE_INSTANCE_INFORMATION, "111122223333", "us-east-1", ())
JSON_OPERATIONS = [operation for operation in SERVED_OPERATIONS if operation.service not in ("iam", "sts")]
QUERY_OPERATIONS = [operation for operation in SERVED_OPERATIONS if operation.service in ("iam", "sts")]


def request_of(data: bytes) -> Request:
    """The request that bytes on the wire would be, taken apart without any check."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, _, rest = first.decode("latin-1").partition(" ")
    path, _, query = rest.rpartition(" ")[0].partition("?")
    headers = [
        (name.decode("latin-1"), value.strip().decode("latin-1"))
        for name, _, value in (line.partition(b":") for line in lines)
    ]
    return Request(method, path, query, headers, body)


def judge_signature(data: bytes) -> None:
    """From the header to the verdict; no signature made by chance is right."""
    signed = sigv4.parse(request_of(data))
    with suppress(AwsError):
        sigv4.check_scope(signed, service="ssm", regions={"us-east-1"})
    with suppress(AwsError):
        sigv4.verify(signed, _recorded_key_verifier(), signed.signed_at)
    sigv4.verify_hmac(signed, "another secret", signed.signed_at)
    raise AssertionError("a signature was right by chance")


@cache
def _recorded_key_verifier() -> "sigv4.Verifier":
    return node_keys.rsa_verifier(public_key_seeds()[0])


def identify_request(data: bytes) -> None:
    """What the API takes an unverified request for, and where it says that it comes from."""
    request = request_of(data)
    assert len(describe(identify(request))) <= 300
    origin = ORIGINS.read(request, "10.1.2.3", is_secure=False)
    assert len(origin.source_address) <= 45
    assert origin.user_agent.isprintable()
    NAMES.stream_base_url(NAMES.check(request.header_values("host")))


def read_upgrade(data: bytes) -> None:
    """The gateway's own look at a request for a WebSocket."""
    head = data.partition(b"\r\n\r\n")[0]
    request = upgrade.parse_request(head)
    address = ChannelAddress.parse(request.path)
    if address is not None:
        assert request.path == f"/v1/{address.kind.value}/{address.id}"
    single_header(request, "sec-websocket-key")
    is_signed(request)
    try:
        NAMES.check(request.header_values("host"))
    except HostRefused as error:
        raise refusal(error) from error


def upgrade_seeds() -> list[bytes]:
    return [request for request in recorded_requests() if request.startswith(b"GET ")]


def read_json_body(data: bytes) -> None:
    """The first byte chooses the operation."""
    if data:
        json_protocol.decode(JSON_OPERATIONS[data[0] % len(JSON_OPERATIONS)].input, data[1:])


def json_body_seeds() -> list[bytes]:
    seeds = []
    for raw in recorded_requests():
        found = identify(request_of(raw)).operation
        if found in JSON_OPERATIONS:
            seeds.append(bytes([JSON_OPERATIONS.index(found)]) + raw.partition(b"\r\n\r\n")[2])
    return seeds


def read_form(data: bytes) -> None:
    """The first byte chooses the operation."""
    if data:
        form = query_protocol.parse_form(data[1:])
        query_protocol.decode(QUERY_OPERATIONS[data[0] % len(QUERY_OPERATIONS)].input, form)


def form_seeds() -> list[bytes]:
    seeds = []
    for raw in recorded_requests():
        found = identify(request_of(raw)).operation
        if found in QUERY_OPERATIONS:
            seeds.append(bytes([QUERY_OPERATIONS.index(found)]) + raw.partition(b"\r\n\r\n")[2])
    return seeds


def read_arn(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert str(arn.Arn.parse(text)) == text


def read_identity_policy(data: bytes) -> None:
    parse_identity_policy(data.decode("utf-8", "surrogateescape"))


def read_trust_policy(data: bytes) -> None:
    parse_trust_policy(data.decode("utf-8", "surrogateescape"))


def read_template(data: bytes) -> None:
    parse_template(data.decode("utf-8", "surrogateescape"))


def policy_seeds() -> list[bytes]:
    statement: Mapping[str, Any] = {
        "Sid": "One",
        "Effect": "Allow",
        "Action": ["ssm:StartSession", "ssm:*"],
        "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*",
    }
    trust = {"Effect": "Allow", "Principal": {"Service": "ssm.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return as_json(
        {"Version": "2012-10-17", "Statement": [statement]},
        {"Version": "2012-10-17", "Statement": {**statement, "Effect": "Deny", "NotAction": "iam:*"}},
        {"Version": "2012-10-17", "Statement": [trust]},
    )


def read_public_key(data: bytes) -> None:
    """The text that a node sends, and the DER behind it."""
    with suppress(node_keys.InvalidRequest):
        node_keys.parse_public_key(data.decode("utf-8", "surrogateescape"))
    node_keys.parse_public_key(base64.b64encode(data).decode())


def read_paging_token(data: bytes) -> None:
    paging.decode_moment_and_id(SEALER, LISTING, data.decode("utf-8", "surrogateescape"))


def paging_seeds() -> list[bytes]:
    return [paging.encode_position(SEALER, LISTING, "2026-01-01T00:00:00+00:00", "mi-1").encode()]


def read_http_answer(data: bytes) -> None:
    """An answer as it comes and cut into pieces: the same; no more is kept than the limits say."""
    if not data:
        return
    step = data[0] % 64 + 1
    whole = _answer([data[1:]])
    cut = _answer([data[start : start + step] for start in range(1, len(data), step)])
    if isinstance(whole, http.Response):
        assert isinstance(cut, http.Response)
        assert (cut.head.status, cut.body) == (whole.head.status, whole.body)
        assert len(whole.body) <= http.MAX_BODY_BYTES
        return
    assert type(cut) is type(whole)
    raise whole


def _answer(pieces: list[bytes]) -> http.Response | TransportError:
    reader = http.ResponseReader()
    try:
        for piece in [*(piece for piece in pieces if piece), b""]:
            response = reader.feed(piece)
            if response is not None:
                return response
    except TransportError as refused:
        return refused
    raise AssertionError("neither an answer nor an error at the end of the connection")


def answer_seeds() -> list[bytes]:
    return [
        b"\x05HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: Fri, 20 Nov 2026 21:22:49 GMT\r\n\r\n{}",
        b"\x09HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
        b"\x03HTTP/1.0 403 Forbidden\r\nConnection: close\r\n\r\n<Error/>",
        b"\x30HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    ]


def read_upgrade_answer(data: bytes) -> None:
    parsed = http.parse_head(data)
    if parsed is not None:
        check_upgrade(parsed[0], NONCE, ENDPOINT.authority)


def upgrade_answer_seeds() -> list[bytes]:
    accept = accept_value(NONCE).encode()
    return [
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    ]


def read_connect_answer(data: bytes) -> None:
    """What a proxy says to CONNECT."""
    proxy = proxies.Proxy("proxy.example", 3128, None, "HTTPS_PROXY")
    proxies.check_connect_response(data, ENDPOINT, proxy)


def connect_seeds() -> list[bytes]:
    return [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\n",
    ]


def read_url(data: bytes) -> None:
    """A URL from anywhere: a StreamUrl of a server, a setting."""
    endpoint = addresses.parse_endpoint(data.decode("utf-8", "surrogateescape"))
    assert endpoint.target.isprintable()
    assert 1 <= endpoint.port <= 65535
    assert addresses.split_host_port(endpoint.authority, 1) == (endpoint.host, endpoint.port)


def read_proxy(data: bytes) -> None:
    """The variables of the environment that choose a proxy."""
    value, _, exempt = data.decode("utf-8", "surrogateescape").partition("\n")
    proxies.is_exempt("gateway.example", 443, exempt)
    proxies.is_exempt("192.0.2.1", 443, exempt)
    proxy = proxies.parse_proxy(value, "HTTPS_PROXY")
    proxies.connect_request(ENDPOINT, proxy)


def public_key_seeds() -> list[bytes]:
    register = next(raw for raw in recorded_requests() if b".RegisterManagedInstance" in raw)
    return [base64.b64decode(json.loads(request_of(register).body)["PublicKey"])]
