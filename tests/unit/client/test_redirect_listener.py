"""Which request brings the code. The listener itself is in integration/test_login.py."""

import pytest

from fairlead.client.redirect_listener import redirect_parameters


def test_the_redirect_with_the_state_is_taken():
    request = b"GET /callback?code=c&state=s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert redirect_parameters(request, "s") == {"code": "c", "state": "s"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x16\x03\x01\x00",
        b"GET /favicon.ico HTTP/1.1",
        b"GET /callback HTTP/1.1",
        b"GET /callback?code=c HTTP/1.1",
        b"GET /callback?code=c&state=other HTTP/1.1",
        b"GET /callback?code=c&state=s&code=d HTTP/1.1",
        b"GET /other?code=c&state=s HTTP/1.1",
        b"POST /callback?code=c&state=s HTTP/1.1",
        b"GET /callback?code=c&state=%ff HTTP/1.1",
        b"GET /callback?" + b"&".join(b"a%d=b" % number for number in range(40)) + b"&state=s HTTP/1.1",
    ],
)
def test_anything_else_is_not(line):
    assert redirect_parameters(line + b"\r\n\r\n", "s") is None
