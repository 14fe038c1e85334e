"""Which roots are trusted, and what is said when that does not suffice."""

import ssl
from datetime import UTC, datetime

import pytest

from fairlead.server.certificates import create_ca
from fairlead.transport.errors import TlsError
from fairlead.transport.tls import (
    SYSTEM_ROOTS_FOLLOW,
    Trust,
    client_context,
    explain_tls_failure,
    likely_context,
    trust_source,
)


@pytest.fixture(scope="module")
def authority() -> bytes:
    return create_ca("111122223333", datetime(2026, 11, 1, tzinfo=UTC)).certificate


@pytest.mark.parametrize(
    ("explicit", "environ", "profile", "path", "named_by"),
    [
        ("/e", {"SSL_CERT_FILE": "/s"}, "/p", "/e", "the command line"),
        (None, {"SSL_CERT_FILE": "/s", "AWS_CA_BUNDLE": "/a"}, "/p", "/s", "SSL_CERT_FILE"),
        (None, {"SSL_CERT_FILE": "", "AWS_CA_BUNDLE": "/a"}, "/p", "/a", "AWS_CA_BUNDLE"),
        (None, {}, "/p", "/p", "ca_bundle of the AWS profile"),
        (None, {}, None, None, "the system"),
    ],
)
def test_the_strongest_name_decides(explicit, environ, profile, path, named_by):
    trust = trust_source(explicit, environ, profile)
    assert (trust.path, trust.named_by) == (path, named_by)


def test_the_context_checks_names_and_refuses_old_protocols():
    context = client_context(Trust(None, "the system"))
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_directory_of_roots_will_do(tmp_path):
    client_context(Trust(str(tmp_path), "AWS_CA_BUNDLE"))


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot read the CA file"), (b"x", "no PEM certificate")]
)
def test_a_ca_file_that_is_no_good_is_named_with_its_variable(tmp_path, content, said):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TlsError, match=said) as refused:
        client_context(Trust(str(path), "AWS_CA_BUNDLE"))
    assert str(path) in str(refused.value)
    assert "AWS_CA_BUNDLE" in str(refused.value)


def test_of_a_servers_bundle_only_its_own_part_is_loaded(tmp_path, authority):
    path = tmp_path / "ca-bundle.pem"
    path.write_bytes(authority + SYSTEM_ROOTS_FOLLOW + b"not looked at")
    context = likely_context(Trust(str(path), "AWS_CA_BUNDLE"))
    assert context is not None
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize("content", [b"%s", SYSTEM_ROOTS_FOLLOW + b"%s", b"\xff" + SYSTEM_ROOTS_FOLLOW, None])
def test_of_any_other_file_all_is_needed(tmp_path, authority, content):
    path = tmp_path / "ca-bundle.pem"
    if content is not None:
        path.write_bytes(content.replace(b"%s", authority))
    assert likely_context(Trust(str(path), "AWS_CA_BUNDLE")) is None


def test_of_the_systems_roots_none_is_loaded_where_they_can_be_looked_up(tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert likely_context(Trust(None, "the system")) is None
    (tmp_path / "0a775a30.0").touch()
    context = likely_context(Trust(None, "the system"))
    assert context is not None
    assert context.get_ca_certs() == []


def test_an_untrusted_certificate_is_explained_with_the_file_and_the_remedy():
    failure = ssl.SSLCertVerificationError("x")
    failure.verify_message = "self-signed certificate in certificate chain"
    text = explain_tls_failure(failure, "h:1", Trust("/ca.pem", "SSL_CERT_FILE"))
    assert text == (
        "the certificate of h:1 is not trusted: self-signed certificate in certificate chain; CA certificates"
        " used: /ca.pem (from SSL_CERT_FILE); name the right CA file with AWS_CA_BUNDLE"
    )
    assert "the system's CA certificates" in explain_tls_failure(failure, "h:1", Trust(None, "the system"))


def test_other_failures_keep_their_reason():
    failure = ssl.SSLError()
    failure.reason = "WRONG_VERSION_NUMBER"
    assert "does not speak TLS" in explain_tls_failure(failure, "h:1", Trust(None, "the system"))
    failure.reason = "TLSV1_ALERT_INTERNAL_ERROR"
    assert "tlsv1 alert internal error" in explain_tls_failure(failure, "h:1", Trust(None, "the system"))
    reset = ConnectionResetError("reset by peer")
    assert "h:1 ended the TLS handshake (reset by peer)" in explain_tls_failure(reset, "h:1", Trust(None, ""))
