"""The settings of a server process: one frozen value, read once from the command line's options.

Whether the files exist, the port is free and the database answers shows when they are used.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from fairlead.domain.service_settings import ActivationTier
from fairlead.server.errors import StartError

DEFAULT_REGION = "us-east-1"
DEFAULT_LISTEN = "127.0.0.1:8443"
DEFAULT_AUDIT_DAYS = 90
MAX_AUDIT_DAYS = 3660

_WILDCARDS = ("", "*", "0.0.0.0", "::")  # noqa: S104 - these are refused, not bound, without --public-url
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+){0,6}", re.ASCII)
_MAX_REGION_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Host (a name, an IPv4 or a bare IPv6 address) and port; port 0 takes a free one."""

    host: str
    port: int

    @property
    def is_wildcard(self) -> bool:
        """True if every interface is listened on, so that the address names nothing."""
        return self.host in _WILDCARDS

    @property
    def is_loopback(self) -> bool:
        """True if only this machine can connect."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def authority(self, port: int | None = None) -> str:
        """`host:port` as in a URL; `port` replaces a 0."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port if port is None else port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What the operator decided."""

    state_dir: Path
    """Where everything is kept that must survive: keys, certificates, the embedded database."""
    listen: ListenAddress
    """The one address for everything."""
    public_urls: tuple[str, ...] = ()
    """Under which names the world reaches the server, the preferred one first. Empty: the listen address."""
    tls_cert: Path | None = None
    """A certificate (with its chain) to show instead of one from our own CA."""
    tls_key: Path | None = None
    """The private key of `tls_cert`; None if it stands in the same file."""
    insecure_http: bool = False
    """Plain HTTP, on loopback only: for a proxy on the same machine that does TLS, or for a trial."""
    database_url: str | None = None
    """`postgresql://…` or `sqlite:///FILE`. None: a SQLite file in the state directory."""
    account_id: str | None = None
    """The account, 12 digits. None: the one of the first start, which draws one."""
    regions: tuple[str, ...] = ()
    """The regions that requests may be signed for, the default first. Empty: the one of the first start."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """From whom forwarded headers are believed."""
    master_key_file: Path | None = None
    """Where the master key is kept instead of the state directory: 32 bytes in base64."""
    oidc_file: Path | None = None
    """The OpenID Connect issuers whose users may take on roles (`oidc_settings`). None: there are none."""
    instance_identity_file: Path | None = None
    """Which clouds' machines may join by their instance identity (`instance_identity_settings`). None: there
    are none."""
    activation_tier: ActivationTier = ActivationTier.ADVANCED
    """The tier of hybrid nodes until somebody decides by the API. AWS begins with `standard`."""
    skip_default_document_check: bool = False
    """Whether StartSession without a document needs the right to the target only, and not to the default
    document, as in AWS until 2025. A named document is always checked."""
    access_log: bool = False
    """Log one line for each API call."""
    audit_days: int = DEFAULT_AUDIT_DAYS
    """How many days audit records are kept at least."""
    audit_checkpoint_dir: Path | None = None
    """A second place for checkpoints of the audit log. None: there is none."""

    @property
    def scheme(self) -> str:
        """What the port speaks."""
        return "http" if self.insecure_http else "https"


def read_settings(
    *,
    state_dir: Path,
    listen: str = DEFAULT_LISTEN,
    public_urls: Sequence[str] = (),
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    insecure_http: bool = False,
    database_url: str | None = None,
    account_id: str | None = None,
    regions: Sequence[str] = (),
    trusted_proxies: Sequence[str] = (),
    master_key_file: Path | None = None,
    oidc_file: Path | None = None,
    instance_identity_file: Path | None = None,
    activation_tier: str = ActivationTier.ADVANCED.value,
    skip_default_document_check: bool = False,
    access_log: bool = False,
    audit_days: int = DEFAULT_AUDIT_DAYS,
    audit_checkpoint_dir: Path | None = None,
) -> ServerSettings:
    """Check the options, each by itself and together. Raises StartError."""
    settings = ServerSettings(
        state_dir=state_dir.expanduser().absolute(),
        listen=_parse_listen(listen),
        public_urls=tuple(_parse_public_url(url, insecure_http=insecure_http) for url in public_urls),
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure_http=insecure_http,
        database_url=database_url,
        account_id=_parse_account_id(account_id),
        regions=tuple(_parse_region(region) for region in regions),
        trusted_proxies=tuple(_parse_network(text) for text in trusted_proxies),
        master_key_file=master_key_file,
        oidc_file=oidc_file,
        activation_tier=_parse_tier(activation_tier),
        instance_identity_file=instance_identity_file,
        skip_default_document_check=skip_default_document_check,
        access_log=access_log,
        audit_days=audit_days,
        audit_checkpoint_dir=audit_checkpoint_dir,
    )
    _check_together(settings)
    return settings


def _check_together(settings: ServerSettings) -> None:
    if settings.listen.is_wildcard and not settings.public_urls:
        raise StartError(
            "--listen names every interface, so clients cannot be told where to connect: "
            "add --public-url https://NAME:PORT with the name that they use."
        )
    if settings.insecure_http and settings.tls_cert is not None:
        raise StartError("--insecure-http and --tls-cert exclude each other: leave one of them out.")
    if settings.insecure_http and not settings.listen.is_loopback:
        raise StartError(
            "--insecure-http is for loopback only: listen on 127.0.0.1:PORT, or leave it out to speak TLS."
        )
    if not 1 <= settings.audit_days <= MAX_AUDIT_DAYS:
        raise StartError(f"--audit-days {settings.audit_days}: give 1 to {MAX_AUDIT_DAYS}.")
    if settings.audit_checkpoint_dir is not None and not settings.audit_checkpoint_dir.is_dir():
        raise StartError(
            f"--audit-checkpoint-dir {settings.audit_checkpoint_dir}: there is no such directory."
        )
    if settings.tls_key is not None and settings.tls_cert is None:
        raise StartError("--tls-key needs --tls-cert: name the certificate that the key belongs to.")


def _parse_listen(text: str) -> ListenAddress:
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""  # an IPv6 address without brackets: where its port begins cannot be told
    if not colon or not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise StartError(f"--listen {text}: give HOST:PORT, such as {DEFAULT_LISTEN} or [::1]:8443.")
    return ListenAddress(host, int(port))


def _parse_public_url(text: str, *, insecure_http: bool) -> str:
    advice = f"--public-url {text}: give https://NAME or https://NAME:PORT"
    try:
        parts = urlsplit(text)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except (ValueError, UnicodeError) as error:
        raise StartError(f"{advice}; {error}.") from None
    if parts.scheme == "http" and not insecure_http:
        raise StartError(f"{advice}; http:// needs --insecure-http.")
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise StartError(f"{advice}.")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise StartError(f"{advice}, without a path: AWS programs send everything to the root.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _parse_account_id(text: str | None) -> str | None:
    if text is not None and not _ACCOUNT_ID.fullmatch(text):
        raise StartError(f"--account-id {text}: an account id has exactly 12 digits.")
    return text


def _parse_region(text: str) -> str:
    if len(text) > _MAX_REGION_CHARACTERS or not _REGION.fullmatch(text):
        raise StartError(f"--region {text}: give a name such as {DEFAULT_REGION} or home-1.")
    return text


def _parse_tier(text: str) -> ActivationTier:
    try:
        return ActivationTier(text)
    except ValueError:
        raise StartError(f"--activation-tier {text}: choose standard or advanced.") from None


def _parse_network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise StartError(f"--trusted-proxy {text}: give a network such as 10.0.0.0/8 ({error}).") from None
