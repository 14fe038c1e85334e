"""The instance metadata service, as an agent asks it (IMDSv2)."""

import socket

import pytest

from fairlead.agent.errors import MetadataError, SettingsError
from fairlead.agent.instance_metadata import (
    MAX_DOCUMENT_BYTES,
    PKCS7,
    RSA_SHA256,
    TIMEOUT_VARIABLE,
    MetadataService,
    SignedDocument,
    timeout_s,
)
from tests.support.identity_issuer import MetadataServiceOfTests

IDENTITY = "/latest/dynamic/instance-identity"
FOUND = {"document": b'{"instanceId" : "i-00000000"}\n', "rsa2048": b"MIAG\nCSqG\n", "signature": b"c2lnbg=="}


def metadata_at(url: str) -> MetadataService:
    """With time enough on any machine."""
    return MetadataService(url, {TIMEOUT_VARIABLE: "60"})


def test_a_session_token_comes_first_and_the_document_is_taken_to_the_last_byte() -> None:
    with MetadataServiceOfTests(FOUND) as service:
        found = metadata_at(service.url).signed_document()
    assert found == SignedDocument('{"instanceId" : "i-00000000"}\n', "MIAG\nCSqG\n", PKCS7)
    assert service.seen == ["PUT /latest/api/token", f"GET {IDENTITY}/document", f"GET {IDENTITY}/rsa2048"]


def test_a_service_without_pkcs7_gives_the_bare_signature() -> None:
    with MetadataServiceOfTests({"document": FOUND["document"], "signature": b"c2lnbg=="}) as service:
        found = metadata_at(service.url + "/").signed_document()
    assert (found.signature, found.signature_type) == ("c2lnbg==", RSA_SHA256)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({}, "has no signed instance identity document"),
        ({"document": b"{}"}, "has no signed instance identity document"),
        ({**FOUND, "document": b"x" * (MAX_DOCUMENT_BYTES + 1)}, "document that is no text of 1 to 4096"),
        ({**FOUND, "document": b"\xff"}, "document that is no text"),
        ({**FOUND, "rsa2048": b""}, "rsa2048 that is no text"),
        ({**FOUND, "document": (500, b"", {})}, "the request for document with HTTP status 500"),
        (
            {**FOUND, "document": (302, b"", {"Location": "http://127.0.0.1:1/"})},
            "HTTP status 302 Found; redirects are not followed",
        ),
        ({**FOUND, "document": (200, b"", {"Content-Length": "99999999"})}, "more than .* bytes"),
        ({"/latest/api/token": (403, b"", {})}, r"session token \(IMDSv2\) with HTTP status 403 Forbidden"),
        ({"/latest/api/token": b""}, "session token that cannot be one"),
        ({"/latest/api/token": b"a\r\nb"}, "session token that cannot be one"),
        ({"/latest/api/token": b"x" * 1025}, "session token that cannot be one"),
    ],
)
def test_an_answer_that_is_none_ends_in_one_line(answers, words) -> None:
    with MetadataServiceOfTests(answers) as service, pytest.raises(MetadataError, match=words) as caught:
        metadata_at(service.url).signed_document()
    assert "\n" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value) or "metadata service" in str(caught.value)


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with MetadataServiceOfTests(FOUND) as service:
        metadata_at(service.url).signed_document()


def test_where_nobody_listens_or_answers_there_is_no_cloud() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(MetadataError, match=f"{address} gave no answer in"):
            MetadataService(f"http://{address}", {TIMEOUT_VARIABLE: "0.1"}).signed_document()
    with pytest.raises(MetadataError, match=r"cannot be reached: .*; is this machine an instance of a cloud"):
        metadata_at(f"http://{address}").signed_document()


@pytest.mark.parametrize(
    "url",
    ["", "169.254.169.254", "https://169.254.169.254", "http://", "http://a/b", "http://a:0", "ftp://a"],
)
def test_an_endpoint_is_http_and_nothing_behind_it(url: str) -> None:
    with pytest.raises(SettingsError, match="--metadata-endpoint must be http://"):
        MetadataService(url)


def test_the_timeout_is_a_second_unless_the_environment_says_otherwise() -> None:
    assert timeout_s({}) == 1.0
    assert timeout_s({TIMEOUT_VARIABLE: "2.5"}) == 2.5
    for text in ("", "0", "-1", "61", "nan", "inf", "soon"):
        with pytest.raises(SettingsError, match="AWS_METADATA_SERVICE_TIMEOUT must be a number of seconds"):
            timeout_s({TIMEOUT_VARIABLE: text})
