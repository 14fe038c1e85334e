"""`fairlead doctor --server`: from the state directory to what the world gets from the public URL.

It runs beside the server and changes nothing. What a server is started with it cannot see: options that say
where things are have to be given here as well.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from fairlead.server.certificates import RENEW_BEFORE
from fairlead.server.checkpoints import CHECKPOINT_FILE
from fairlead.server.disk_reserve import LOW_BYTES, RESERVE_BYTES, free_bytes
from fairlead.server.errors import StartError
from fairlead.server.private_files import read_private
from fairlead.server.settings import ServerSettings
from fairlead.server.state import (
    CA_BUNDLE,
    CA_CERTIFICATE,
    CA_KEY,
    DATABASE,
    RESERVE,
    TLS,
    Installation,
    StateDirectory,
)
from fairlead.store.engine import DatabaseUnusable, open_engine, sqlite_url
from fairlead.store.migration import found_revision, newest_revision
from fairlead.transport.addresses import Endpoint, parse_endpoint
from fairlead.transport.diagnosis import Broken, Check, NotKnown
from fairlead.transport.dialer import connect
from fairlead.transport.errors import TransportError, printable
from fairlead.transport.network_path import NetworkPath
from fairlead.transport.tls import Trust

FAILURES = (StartError, SQLAlchemyError, DatabaseUnusable)
"""What a check may raise besides the errors of `transport`."""

CA_REMEDY = (
    "another program, or a proxy with a certificate of its own, answers there: stop it, or let it pass TLS on"
)

OVERDUE_AFTER = timedelta(days=1)
"""A running server renews its own certificate within an hour of when that is due."""

GIVEN_WARNING = timedelta(days=14)
"""A certificate of the operator's that ends sooner is told."""

CLOCK_TOLERANCE_S = 60.0

_CA_PAGE = "/ca.pem"
_NO_CA = b"This server speaks plain HTTP"
"""What that page says where there is none (`api.app`)."""


class ServerDoctor:
    """The checks of one run. `clock` gives epoch seconds, `free` the bytes that are free at a path."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        clock: Callable[[], float] = time.time,
        free: Callable[[Path], int] = free_bytes,
        connect_timeout_s: float | None = None,
    ) -> None:
        self._settings = settings
        self._state = StateDirectory(settings.state_dir)
        self._clock = clock
        self._free = free
        self._paths = [
            NetworkPath(
                partial(self._destination, url),
                {},
                CA_REMEDY,
                clock=clock,
                connect_timeout_s=connect_timeout_s,
                asked=_CA_PAGE,
            )
            for url in settings.public_urls or (None,)
        ]

    def checks(self) -> list[Check]:
        """All of them. The parts of the state directory do not hang on each other."""
        return [
            Check("state directory", self._look_at_directory),
            Check("master key", self._look_at_master_key),
            Check("CA", self._look_at_ca, stands_alone=True),
            Check("certificate", self._look_at_certificate, stands_alone=True),
            Check("database", self._look_at_database, stands_alone=True),
            Check("disk", self._look_at_disk, stands_alone=True),
            Check("time", self._look_at_time, stands_alone=True),
            Check("process", self._look_at_process),
            *(check for path in self._paths for check in self._checks_of(path)),
        ]

    def close(self) -> None:
        """Let go of the connections."""
        for path in self._paths:
            path.close()

    def _checks_of(self, path: NetworkPath) -> list[Check]:
        """Of one public URL; they name it where there are several."""
        checks = [*path.checks(), Check("service", partial(self._look_at_answer, path))]
        if len(self._paths) == 1:
            return checks
        return [replace(check, hop=f"{check.hop} of {path.endpoint.authority}") for check in checks]

    @cached_property
    def _installation(self) -> Installation:
        return self._state.installation(self._settings)

    @cached_property
    def _url(self) -> str:
        """The preferred public URL. Raises NotKnown."""
        url = next(iter(self._settings.public_urls), None) or self._written_url()
        if url is None:
            raise NotKnown("the server's address is not said here: give --public-url", bars_the_way=True)
        return url

    def _written_url(self) -> str | None:
        """The address in admin.env; None where that is gone, as it should be one day, or damaged."""
        try:
            return self._state.known_url()
        except ValueError:
            return None

    @property
    def _uses_tls(self) -> bool:
        try:
            return not (self._settings.insecure_http or self._url.startswith("http:"))
        except NotKnown:
            return self._state.file(TLS).exists()

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _destination(self, url: str | None) -> tuple[Endpoint, Trust]:
        bundle = self._state.file(CA_BUNDLE)
        return parse_endpoint(url or self._url), Trust(str(bundle), "the state directory")

    def _look_at_directory(self) -> str:
        self._state.open_existing()
        return f"{self._state.path}, for its owner only"

    def _look_at_master_key(self) -> str:
        installation = self._installation
        return f"opens the installation of account {installation.account_id}, region {installation.region}"

    def _look_at_ca(self) -> str:
        if not self._uses_tls:
            return "none: the server speaks plain HTTP"
        if self._settings.tls_cert is not None:
            return f"that of {self._settings.tls_cert}"
        certificate = self._certificate(self._state.file(CA_KEY))
        self._check_times(
            certificate, timedelta(0), "it ends with the installation: make a new one, and register anew"
        )
        ca_file = self._state.file(CA_CERTIFICATE)
        if _first_of(ca_file, ca_file.read_bytes()) != certificate:
            raise Broken(
                f"{ca_file} is not the certificate of {self._state.file(CA_KEY)}",
                "start the server anew, which writes it again",
            )
        return f"valid until {certificate.not_valid_after_utc:%Y-%m-%d}"

    def _look_at_certificate(self) -> str:
        if not self._uses_tls:
            return "none: the server speaks plain HTTP"
        given = self._settings.tls_cert
        if given is not None:
            certificate = _first_of(given, given.read_bytes())
            self._check_times(certificate, GIVEN_WARNING, f"renew {given}")
        else:
            certificate = self._certificate(self._state.file(TLS))
            margin = RENEW_BEFORE - OVERDUE_AFTER
            self._check_times(certificate, margin, "start the server anew: it issues a new one (see its log)")
        urls = self._settings.public_urls or filter(None, [self._written_url()])
        hosts = [parse_endpoint(url).host for url in urls]
        lacking = [host for host in hosts if not _covers(certificate, host)]
        if lacking:
            raise Broken(
                f"the certificate is not for {', '.join(lacking)}",
                f"get one with that name for {given}"
                if given is not None
                else "start the server with that --public-url: it issues a new one",
            )
        shown = ", ".join(hosts) or "names that are not said here"
        return f"for {shown}, valid until {certificate.not_valid_after_utc:%Y-%m-%d}"

    def _certificate(self, path: Path) -> x509.Certificate:
        return _first_of(path, read_private(path))

    def _check_times(self, certificate: x509.Certificate, margin: timedelta, remedy: str) -> None:
        ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
        if ends <= self._now:
            raise Broken(f"the certificate has expired: it was valid until {ends:%Y-%m-%d %H:%M} UTC", remedy)
        if ends - self._now < margin:
            raise Broken(f"the certificate ends soon, at {ends:%Y-%m-%d %H:%M} UTC", remedy)
        if begins > self._now:
            raise Broken(
                f"the certificate is valid from {begins:%Y-%m-%d %H:%M} UTC on, and this machine's clock says"
                f" {self._now:%Y-%m-%d %H:%M} UTC",
                "set the clock (NTP)",
            )

    def _look_at_database(self) -> str:
        file = self._state.file(DATABASE)
        if self._settings.database_url is None and not file.exists():
            raise Broken(
                f"{file} is missing", "restore it from a backup, or give the --database-url of the server"
            )
        engine = open_engine(self._settings.database_url or sqlite_url(file))
        try:
            found, newest = found_revision(engine), newest_revision()
        finally:
            engine.dispose()
        if found is not None and found > newest:
            raise Broken(
                f"the database is of a later version of Fairlead (schema {printable(found, 40)}, here"
                f" {newest})",
                "start the version that used it last, or a later one",
            )
        if found != newest:
            return f"schema {found or 'none yet'}: the next start brings it to {newest}"
        return f"schema {newest}"

    def _look_at_disk(self) -> str:
        reserve = self._state.file(RESERVE)
        kept = reserve.stat().st_size if reserve.exists() else 0
        free = self._free(self._state.path)
        if self._settings.database_url is None and free < LOW_BYTES + max(0, RESERVE_BYTES - kept):
            raise Broken(
                f"the disk of {self._state.path} is full ({free // 1_000_000} MB free): no session starts",
                f"free {(RESERVE_BYTES + LOW_BYTES) // 1_000_000} MB or more",
            )
        return f"{free // 1_000_000} MB free"

    def _look_at_time(self) -> str:
        """The last checkpoint of the audit log is of the past, unless the clock was set back since."""
        checkpoint = self._state.file(CHECKPOINT_FILE)
        if not checkpoint.exists():
            raise NotKnown("no checkpoint of the audit log says when the server ran last")
        ahead = checkpoint.stat().st_mtime - self._clock()
        if ahead > CLOCK_TOLERANCE_S:
            raise Broken(
                f"the clock was set back: the audit log's last checkpoint is {ahead:.0f} s in the future",
                "set the clock (NTP); records of the audit log are out of order for that long",
            )
        return "goes forward"

    def _look_at_process(self) -> str:
        holder = self._state.holder()
        if holder is not None:
            return f"process {holder}"
        occupied = self._occupied_address()
        if occupied is not None:
            raise Broken(
                f"no server runs with {self._state.path}, and another program has its port, {occupied}",
                "stop that program, or start the server with another --listen",
            )
        raise Broken(
            f"no server runs with {self._state.path}",
            f"start it: fairlead server --state-dir {self._state.path} (or its service)",
        )

    def _occupied_address(self) -> str | None:
        """Where the server would be, if something accepts connections there."""
        try:
            endpoint = parse_endpoint(self._url)
            connect(endpoint.host, endpoint.port).close()
        except (NotKnown, TransportError):
            return None
        return endpoint.authority

    def _look_at_answer(self, path: NetworkPath) -> str:
        """Whether it is this server that answered at the public URL, and by that name."""
        answer = path.answer
        assert answer is not None
        status, authority = answer.head.status, path.endpoint.authority
        if status == 421:
            raise Broken(
                f"the server does not go by the name {authority}",
                f"start it with --public-url {path.endpoint.scheme}://{path.endpoint.host_header} as well",
            )
        if not self._uses_tls and status == 404 and answer.body.startswith(_NO_CA):
            return f"{authority} answers, in plain HTTP"
        ca = self._state.file(CA_CERTIFICATE)
        if status == 200 and ca.exists() and answer.body == ca.read_bytes():
            return f"{authority} answers with our CA"
        raise Broken(
            f"what answers at {authority} is not this server (HTTP {status})",
            "another program or a proxy has the address: correct the name's address or the port",
        )


def _first_of(path: Path, pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise Broken(f"{path} holds no certificate in PEM", "restore it from a backup") from error


def _covers(certificate: x509.Certificate, host: str) -> bool:
    """Whether a certificate is for a host name or address (RFC 9525 §6.3: one leading `*` for one label)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        wildcard = f"*.{host.partition('.')[2]}"
        return any(name.lower() in (host, wildcard) for name in names.get_values_for_type(x509.DNSName))
