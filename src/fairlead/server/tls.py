"""The server's TLS context, kept up to date while it is in use.

New connections get a renewed certificate at once, because it is loaded into the context that they are made
from; connections that exist go on with theirs.
"""

import logging
import os
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime

from fairlead.server.certificates import (
    IssuedCertificate,
    anchors_of,
    create_ca,
    first_certificate,
    is_due,
    issue_leaf,
    pin_of,
)
from fairlead.server.errors import StartError
from fairlead.server.private_files import read_private, write_private
from fairlead.server.settings import ServerSettings
from fairlead.server.state import CA_BUNDLE, CA_CERTIFICATE, CA_KEY, TLS, StateDirectory
from fairlead.server.system_roots import system_roots
from fairlead.transport.tls import SYSTEM_ROOTS_FOLLOW

_log = logging.getLogger(__name__)

_NO_PASSWORD = ""  # an encrypted key is an error: nobody is there to be asked


class Certificates:
    """Our own CA and the certificate that it issued, or the operator's, in one context."""

    def __init__(
        self,
        state: StateDirectory,
        settings: ServerSettings,
        account_id: str,
        names: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        """Create or renew what is needed, and load it. Raises StartError."""
        self._state = state
        self._names = names
        self._now = now
        self._given = settings.tls_cert
        self._given_key = settings.tls_key
        self._loaded_stamp: tuple[float, ...] = ()
        """When the files that are in use were changed: in seconds, one for each."""
        self._ca = None if self._given is not None else self._own_ca(account_id)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.options |= ssl.OP_NO_RENEGOTIATION
        # Tickets of TLS 1.3 take a sixth of a handshake's time, and no agent, client or SDK ever comes back
        # with one. After a restart, when all come back at once, nobody's would be good for anything either.
        self.context.num_tickets = 0
        self.refresh()

    @property
    def anchors(self) -> bytes:
        """What clients and agents are to trust (PEM)."""
        return self._state.file(CA_CERTIFICATE).read_bytes()

    @property
    def pin(self) -> str:
        """`sha256:HEX` of the CA certificate, for `--ca-pin`."""
        return pin_of(self.anchors)

    def refresh(self) -> bool:
        """Renew what is due, and load what changed; true if something did. Raises StartError."""
        if self._ca is None:
            return self._load_given()
        return self._renew(self._ca)

    def _own_ca(self, account_id: str) -> IssuedCertificate:
        """Key and certificate stand in one file, so that neither is there without the other."""
        path = self._state.file(CA_KEY)
        if not path.exists():
            ca = create_ca(account_id, self._now())
            write_private(path, ca.key + ca.certificate)
        both = read_private(path)
        try:
            certificate = first_certificate(both)
        except ValueError as error:
            raise StartError(f"{path} is damaged: restore it from a backup.") from error
        self._keep_anchors(certificate)
        return IssuedCertificate(certificate, both)

    def _renew(self, ca: IssuedCertificate) -> bool:
        path = self._state.file(TLS)
        try:
            due = not path.exists() or is_due(read_private(path), ca.certificate, self._names, self._now())
            if due:
                leaf = issue_leaf(ca, self._names, self._now())
                write_private(path, leaf.key + leaf.certificate)
                _log.info("issued a certificate for %s", ", ".join(self._names))
            stamp = (path.stat().st_mtime,)
            if stamp != self._loaded_stamp:
                self.context.load_cert_chain(path)
                self._loaded_stamp = stamp
        except (ValueError, ssl.SSLError) as error:
            raise StartError(f"{path} or the CA beside it is damaged ({error}).") from error
        return due

    def _load_given(self) -> bool:
        assert self._given is not None
        paths = [path for path in (self._given, self._given_key) if path is not None]
        try:
            stamp = tuple(os.stat(path).st_mtime for path in paths)
            if stamp == self._loaded_stamp:
                return False
            self.context.load_cert_chain(self._given, self._given_key, password=_NO_PASSWORD)
            anchors = anchors_of(self._given.read_bytes())
        except ssl.SSLError as error:
            raise StartError(
                f"--tls-cert {self._given}: certificate and key do not load or do not fit ({error.reason})."
            ) from error
        except ValueError as error:
            raise StartError(f"--tls-cert {self._given}: not a certificate in PEM.") from error
        except OSError as error:
            raise StartError(f"{error.filename or self._given}: {error.strerror}.") from error
        self._loaded_stamp = stamp
        self._keep_anchors(anchors)
        return True

    def _keep_anchors(self, anchors: bytes) -> None:
        path = self._state.file(CA_CERTIFICATE)
        bundle = self._state.file(CA_BUNDLE)
        if not (path.exists() and bundle.exists()) or path.read_bytes() != anchors:
            # The bundle first: a crash in between leaves the other one as it was, and both are written again.
            write_private(bundle, anchors + SYSTEM_ROOTS_FOLLOW + system_roots())
            write_private(path, anchors)
