import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from fairlead.server.certificates import (
    CA_LIFETIME,
    LEAF_LIFETIME,
    RENEW_BEFORE,
    IssuedCertificate,
    anchors_of,
    create_ca,
    first_certificate,
    is_due,
    issue_leaf,
    pin_of,
)

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
NAMES = ["ssm.example.com", "127.0.0.1", "::1"]
CA = create_ca("123456789012", NOW)


def _handshake(ca: bytes, leaf: IssuedCertificate, name: str, directory: Path) -> None:
    """A TLS handshake in memory, verified against the real clock; raises SSLError."""
    file = directory / "leaf.pem"
    file.write_bytes(leaf.key + leaf.certificate)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(file)
    client_context = ssl.create_default_context(cadata=ca.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue


@pytest.mark.parametrize("name", NAMES)
def test_a_leaf_is_trusted_for_each_of_its_names_by_who_trusts_the_ca(name: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ca = create_ca("123456789012", now)
    _handshake(ca.certificate, issue_leaf(ca, NAMES, now), name, tmp_path)


def test_a_leaf_is_not_trusted_for_another_name_or_by_who_trusts_another_ca(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ca, other = create_ca("123456789012", now), create_ca("123456789012", now)
    leaf = issue_leaf(ca, NAMES, now)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(ca.certificate, leaf, "other.example.com", tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(other.certificate, leaf, NAMES[0], tmp_path)


def test_the_ca_lives_for_ten_years_and_cannot_make_further_cas() -> None:
    certificate = x509.load_pem_x509_certificate(CA.certificate)
    constraints = certificate.extensions.get_extension_for_oid(ExtensionOID.BASIC_CONSTRAINTS)
    assert certificate.not_valid_after_utc == NOW + CA_LIFETIME
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


def test_the_chain_that_is_shown_ends_with_the_ca() -> None:
    chain = x509.load_pem_x509_certificates(issue_leaf(CA, NAMES, NOW).certificate)
    assert len(chain) == 2
    assert chain[1] == x509.load_pem_x509_certificate(CA.certificate)


def test_a_leaf_is_renewed_a_month_before_its_end() -> None:
    leaf = issue_leaf(CA, NAMES, NOW).certificate
    end = NOW + LEAF_LIFETIME
    assert not is_due(leaf, CA.certificate, NAMES, NOW)
    assert not is_due(leaf, CA.certificate, NAMES, end - RENEW_BEFORE)
    assert is_due(leaf, CA.certificate, NAMES, end - RENEW_BEFORE + timedelta(seconds=1))


def test_a_leaf_that_lacks_a_name_is_due_and_one_that_has_more_is_not() -> None:
    leaf = issue_leaf(CA, NAMES, NOW).certificate
    assert is_due(leaf, CA.certificate, [*NAMES, "new.example.com"], NOW)
    assert not is_due(leaf, CA.certificate, NAMES[:1], NOW)


def test_a_leaf_of_another_ca_is_due() -> None:
    other = create_ca("123456789012", NOW)
    assert is_due(issue_leaf(other, NAMES, NOW).certificate, CA.certificate, NAMES, NOW)


def test_a_name_in_another_alphabet_stands_in_the_certificate_as_dns_has_it() -> None:
    leaf = x509.load_pem_x509_certificate(issue_leaf(CA, ["höhle.example"], NOW).certificate)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--hhle-5qa.example"]


def test_a_pin_is_the_hash_of_the_first_certificate() -> None:
    assert pin_of(CA.certificate + b"more") == pin_of(CA.certificate)
    assert pin_of(CA.certificate).startswith("sha256:")
    assert len(pin_of(CA.certificate)) == len("sha256:") + 64


def test_the_anchors_of_a_chain_are_its_cas_and_of_a_lone_certificate_itself() -> None:
    assert anchors_of(issue_leaf(CA, NAMES, NOW).certificate) == CA.certificate
    assert anchors_of(CA.certificate) == CA.certificate
    with pytest.raises(ValueError, match="PEM"):
        anchors_of(b"nothing")


def test_a_certificate_is_found_beside_its_key() -> None:
    assert first_certificate(CA.key + CA.certificate) == CA.certificate
    with pytest.raises(ValueError, match="PEM"):
        first_certificate(CA.key)
