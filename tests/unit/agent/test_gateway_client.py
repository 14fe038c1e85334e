"""The token in the gateway's XML answer: found wherever the root is called what it likes, else refused."""

import pytest

from fairlead.agent.errors import MalformedAnswerError
from fairlead.agent.gateway_client import MAX_TOKEN_DOCUMENT_BYTES, parse_token


@pytest.mark.parametrize(
    ("document", "token"),
    [
        (b"<?xml version='1.0'?><R><TokenValue>abc+/=</TokenValue></R>", "abc+/="),
        (b"<Any xmlns='urn:x'>\n <TokenValue >\n a&amp;b </TokenValue>\n</Any>", "a&b"),
    ],
)
def test_the_token_is_found(document, token):
    assert parse_token(document) == token


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<R/>",
        b"<R><TokenValue></TokenValue></R>",
        b"<R><TokenValue>a</TokenValue><TokenValue>b</TokenValue></R>",
        b"<R><TokenValue>a<b/>c</TokenValue></R>",
        b"<R><TokenValue>a\x00b</TokenValue></R>",
        b"<R><TokenValue>a&#10;b</TokenValue></R>",
        b"<R><TokenValue>" + b"a" * 9000 + b"</TokenValue></R>",
        b"<R><TokenValue>a</TokenValue></R>" + b" " * MAX_TOKEN_DOCUMENT_BYTES,
        b"\xff\xfe",
    ],
)
def test_anything_else_is_no_token(document):
    with pytest.raises(MalformedAnswerError, match="no usable TokenValue"):
        parse_token(document)
