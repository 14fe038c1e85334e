"""The CA certificates that this system trusts, as one PEM text."""

import ssl
from pathlib import Path

_USUAL_PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, BSDs
)


def system_roots() -> bytes:
    """All of them; empty where there are none. `SSL_CERT_FILE` does not count: it may be our own bundle."""
    for place in (ssl.get_default_verify_paths().openssl_cafile, *_USUAL_PLACES):
        path = Path(place)
        if path.is_file() and (content := path.read_bytes()):
            return content if content.endswith(b"\n") else content + b"\n"
    return b""
