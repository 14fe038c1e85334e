"""The server's own certificate authority, and the certificates that it issues to the server.

A CA of ten years, which clients and agents pin or trust, and a leaf of ninety days, renewed long before it
ends. Elliptic keys (P-256), because a handshake then costs little. Keeping the files is left to `state`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3652)
LEAF_LIFETIME = timedelta(days=90)
RENEW_BEFORE = timedelta(days=30)
"""How long before its end a leaf is replaced."""
BACKDATED = timedelta(minutes=10)
"""How far clocks of others may be behind ours."""

_CA_KEY_USAGE = ("key_cert_sign", "crl_sign")
_LEAF_KEY_USAGE = ("digital_signature",)
_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate with its private key, both in PEM."""

    certificate: bytes
    key: bytes


def create_ca(account_id: str, now: datetime) -> IssuedCertificate:
    """A new authority, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Fairlead"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Fairlead CA {account_id} {now:%Y-%m-%d}"),
        ]
    )
    builder = _builder(name, name, key.public_key(), now, CA_LIFETIME).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    certificate = builder.add_extension(_key_usage(_CA_KEY_USAGE), critical=True).sign(key, hashes.SHA256())
    return _issued(certificate, key)


def issue_leaf(ca: IssuedCertificate, names: Sequence[str], now: datetime) -> IssuedCertificate:
    """A new server certificate for these DNS names and IP addresses; the CA's follows it in the PEM."""
    ca_certificate = x509.load_pem_x509_certificate(ca.certificate)
    ca_key = _private_key(ca.key)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    certificate = (
        _builder(subject, ca_certificate.subject, key.public_key(), now, LEAF_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(_LEAF_KEY_USAGE), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = _issued(certificate, key)
    return IssuedCertificate(leaf.certificate + ca.certificate, leaf.key)


def is_due(leaf: bytes, ca: bytes, names: Iterable[str], now: datetime) -> bool:
    """True if a leaf (PEM) should be replaced: it ends soon, lacks a name, or comes from another CA."""
    certificate = x509.load_pem_x509_certificate(leaf)
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
    except Exception:  # any reason why the CA is not its issuer
        return True
    lacks_a_name = not {_general_name(name) for name in names} <= set(extension.value)
    return lacks_a_name or certificate.not_valid_after_utc - now < RENEW_BEFORE


def first_certificate(pem: bytes) -> bytes:
    """The first certificate of a PEM text that may hold other things too. Raises ValueError without one."""
    return x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.PEM)


def pin_of(certificate: bytes) -> str:
    """`sha256:HEX` of the first certificate of a PEM text, in DER: what `--ca-pin` compares."""
    der = x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)
    return f"sha256:{sha256(der).hexdigest()}"


def anchors_of(chain: bytes) -> bytes:
    """What clients need to trust a given chain (PEM): its CA certificates, or the lone certificate itself.

    Raises ValueError for a text that holds no certificate.
    """
    certificates = x509.load_pem_x509_certificates(chain)
    return b"".join(
        certificate.public_bytes(serialization.Encoding.PEM)
        for certificate in (certificates[1:] or certificates)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _KEY_USAGES})


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())


def _issued(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> IssuedCertificate:
    return IssuedCertificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
