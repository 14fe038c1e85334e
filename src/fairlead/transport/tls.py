"""Client TLS contexts from the standard library alone, and what to say when a certificate is not trusted.

Which CA file counts is decided in one place, `trust_source`, and remembered by name, so that a failure can
say which file was used. The variables *replace* the system's roots, as they do for OpenSSL and the AWS CLI.
"""

from __future__ import annotations

import os
import ssl

from fairlead.transport.errors import TlsError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CA_VARIABLES = ("SSL_CERT_FILE", "AWS_CA_BUNDLE")
"""The variables that may name a CA file, strongest first. The stock plugin knows the first, the AWS CLI the
second; our programs honour both."""


SYSTEM_ROOTS_FOLLOW = b"# The certificates that the system trusts:\n"
"""Line in the bundle that a server of ours writes: its own CA stands before it, the system's behind it."""

MAX_OWN_ROOTS_BYTES = 64 * 1024
"""How far into a bundle that line is looked for."""


class Trust:
    """Which roots are trusted: a PEM file or hashed directory and who named it; None means the system's."""

    __slots__ = ("named_by", "path")

    def __init__(self, path: str | None, named_by: str) -> None:
        self.path = path
        self.named_by = named_by

    @property
    def shown(self) -> str:
        return "the system's CA certificates" if self.path is None else f"{self.path} (from {self.named_by})"


def trust_source(
    explicit: str | None, environ: Mapping[str, str], profile_ca_bundle: str | None = None
) -> Trust:
    """The roots: explicit file, `SSL_CERT_FILE`, `AWS_CA_BUNDLE`, the profile's `ca_bundle`, the system."""
    if explicit:
        return Trust(explicit, "the command line")
    for variable in CA_VARIABLES:
        if environ.get(variable):
            return Trust(environ[variable], variable)
    if profile_ca_bundle:
        return Trust(os.path.expanduser(profile_ca_bundle), "ca_bundle of the AWS profile")
    return Trust(None, "the system")


def client_context(trust: Trust) -> ssl.SSLContext:
    """A context for connections to a gateway or API: TLS 1.2 or later, certificate and host name checked.

    Raises `TlsError` when the CA file cannot be read or holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.path is None:
        context.load_default_certs()
        return context
    is_directory = os.path.isdir(trust.path)
    try:
        if is_directory:
            context.load_verify_locations(capath=trust.path)
        else:
            context.load_verify_locations(cafile=trust.path)
    except ssl.SSLError:
        raise TlsError(f"the CA file {trust.path} (from {trust.named_by}) holds no PEM certificate") from None
    except OSError as exc:
        raise TlsError(
            f"cannot read the CA file {trust.path}, named by {trust.named_by}: {exc.strerror}"
        ) from None
    return context


def likely_context(trust: Trust) -> ssl.SSLContext | None:
    """A context with the few roots that are likely to do; None where they cannot be told from the rest.

    All roots of a system take 20 ms to load, which is as long as everything else before the connection. Whom
    this context trusts `client_context` trusts as well: for somebody whom it does not, ask that one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if trust.path is None:
            directory = ssl.get_default_verify_paths().capath
            if not directory or not any(name.endswith(".0") for name in os.listdir(directory)):
                return None
            context.load_verify_locations(capath=directory)  # looked up by the hash of a name, when needed
        else:
            with open(trust.path, "rb") as file:
                own, mark, _ = file.read(MAX_OWN_ROOTS_BYTES).partition(SYSTEM_ROOTS_FOLLOW)
            if not mark:
                return None
            context.load_verify_locations(cadata=own.decode("ascii"))
    except (OSError, ValueError):  # ssl's errors are of the former, a text that is not ASCII of the latter
        return None
    return context


def explain_tls_failure(exc: Exception, authority: str, trust: Trust) -> str:
    """One line for a TLS handshake with `authority` (HOST:PORT) that failed with `exc`."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        reason = printable(exc.verify_message or "verification failed")
        return (
            f"the certificate of {authority} is not trusted: {reason.rstrip('.')}; CA certificates used:"
            f" {trust.shown}; name the right CA file with AWS_CA_BUNDLE"
        )
    if isinstance(exc, ssl.SSLError):
        reason = (exc.reason or "handshake failed").lower().replace("_", " ")
        if exc.reason == "WRONG_VERSION_NUMBER":
            reason = "it does not speak TLS; is the address right, or a proxy in the way?"
        return f"TLS with {authority} failed: {reason}"
    reason = printable(str(exc) or type(exc).__name__)
    return f"{authority} ended the TLS handshake ({reason}); is a proxy in the way?"
