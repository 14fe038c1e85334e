"""The opening handshake, checked with the example of RFC 6455 §1.3."""

import pytest

from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import UpgradeError
from fairlead.transport.http import parse_head
from fairlead.transport.upgrade import accept_value, check_upgrade, takes_resume_secrets, upgrade_request

NONCE = b"the sample nonce"
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ENDPOINT = parse_endpoint("wss://h.example:8443/v1/data-channel/s?role=publish_subscribe")


def answer(*headers: str, status: str = "101 Switching Protocols"):
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers]) + "\r\n\r\n"
    return parse_head(head.encode())[0]


GOOD = ("Upgrade: WebSocket", "Connection: keep-alive, Upgrade", f"Sec-WebSocket-Accept: {ACCEPT}")


def test_the_request_is_that_of_the_rfc():
    lines = upgrade_request(ENDPOINT, NONCE, [("X-Extra", "1")]).decode().split("\r\n")
    assert lines[0] == "GET /v1/data-channel/s?role=publish_subscribe HTTP/1.1"
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" in lines
    assert {"Host: h.example:8443", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "X-Extra: 1"} < set(
        lines
    )
    assert not any("Extensions" in line for line in lines)


def test_the_rfc_example_is_accepted():
    assert accept_value(NONCE) == ACCEPT
    check_upgrade(answer(*GOOD), NONCE, "h:1")


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (GOOD[1:], "does not switch"),
        ((GOOD[0], "Connection: close", GOOD[2]), "does not switch"),
        (GOOD[:2], "wrong Sec-WebSocket-Accept"),
        ((*GOOD[:2], "Sec-WebSocket-Accept: AAAA"), "wrong Sec-WebSocket-Accept"),
        ((*GOOD, "Sec-WebSocket-Extensions: permessage-deflate"), "extension"),
        ((*GOOD, "Sec-WebSocket-Protocol: chat"), "subprotocol"),
    ],
)
def test_a_wrong_answer_is_refused(headers, said):
    with pytest.raises(UpgradeError, match=said):
        check_upgrade(answer(*headers), NONCE, "h:1")


def test_another_status_is_told_with_its_reason():
    with pytest.raises(UpgradeError, match=r"h:1 refuses .*HTTP 403 Forbidden") as refused:
        check_upgrade(answer(status="403 Forbidden"), NONCE, "h:1")
    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("header", "takes"), [("Fairlead-Resume: 1\r\n", True), ("Fairlead-Resume: 2\r\n", False), ("", False)]
)
def test_a_gateway_says_whether_it_takes_resume_secrets(header, takes):
    parsed = parse_head(f"HTTP/1.1 101 Switching Protocols\r\n{header}\r\n".encode())
    assert takes_resume_secrets(parsed[0]) is takes
