"""Which OpenID Connect issuers are trusted to say who somebody is: a TOML file that `--oidc-file` names.

    [[issuer]]
    url = "https://login.example.org/realms/staff"
    audiences = ["fairlead"]          # client ids that tokens must have been issued to
    algorithms = ["RS256"]            # those that the issuer signs with; this is the default
    ca_file = "/etc/ssl/login.pem"    # optional: trust this CA for it, and no other

The URL is compared with `iss` in tokens and with the issuer's own discovery document, character for character
(OpenID Connect Core §2, Discovery §4.3). Plain HTTP is for tests: it takes `insecure_http = true`, and
loopback only.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fairlead.server.errors import StartError
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import TransportError
from fairlead.transport.tls import client_context, trust_source

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Signatures with a public key. `none` and shared secrets are not among them and cannot be asked for."""
DEFAULT_ALGORITHMS = ("RS256",)
MAX_FILE_BYTES = 256 * 1024
MAX_ISSUERS = 32
_ENTRIES = frozenset({"url", "audiences", "algorithms", "ca_file", "insecure_http"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIssuer:
    """One trusted issuer."""

    url: str
    """As in `iss`."""
    audiences: frozenset[str]
    """Client ids whose tokens are taken."""
    algorithms: tuple[str, ...] = DEFAULT_ALGORITHMS
    ca_file: str | None = None
    """Whom to trust for it instead of the system's roots."""

    @property
    def provider(self) -> str:
        """What policies call it: the URL without its scheme."""
        return self.url.partition("://")[2]

    @property
    def discovery_url(self) -> str:
        """Where it says about itself (OpenID Connect Discovery §4.1)."""
        return f"{self.url.rstrip('/')}/.well-known/openid-configuration"


def read_issuers(path: Path) -> tuple[OidcIssuer, ...]:
    """The issuers that a file names. Raises StartError, which names the file and the entry."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        document = tomllib.loads(data.decode())
    except OSError as error:
        raise StartError(f"--oidc-file {path}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise StartError(f"--oidc-file {path}: not TOML: {error}.") from error
    entries = document.get("issuer")
    if len(data) > MAX_FILE_BYTES or set(document) != {"issuer"} or not isinstance(entries, list):
        raise StartError(f"--oidc-file {path}: give one or more tables [[issuer]] and nothing else.")
    if len(entries) > MAX_ISSUERS:
        raise StartError(f"--oidc-file {path}: at most {MAX_ISSUERS} issuers.")
    issuers = tuple(
        _issuer(entry, f"--oidc-file {path}: issuer {number}") for number, entry in enumerate(entries, 1)
    )
    if len({issuer.provider for issuer in issuers}) != len(issuers):
        raise StartError(f"--oidc-file {path}: an issuer is named twice.")
    return issuers


def _issuer(entry: Any, where: str) -> OidcIssuer:  # Any: whatever TOML holds
    if not isinstance(entry, dict):
        raise StartError(f"{where}: not a table.")
    unknown = sorted(set(entry) - _ENTRIES)
    if unknown:
        raise StartError(f"{where}: unknown entry {unknown[0]}; there are {', '.join(sorted(_ENTRIES))}.")
    audiences = _texts(entry, "audiences", where)
    algorithms = _texts(entry, "algorithms", where) if "algorithms" in entry else DEFAULT_ALGORITHMS
    for algorithm in algorithms:
        if algorithm not in ALGORITHMS:
            raise StartError(f"{where}: algorithm {algorithm}: give some of {', '.join(ALGORITHMS)}.")
    ca_file = entry.get("ca_file")
    if ca_file is not None and not isinstance(ca_file, str):
        raise StartError(f"{where}: ca_file must be a path.")
    try:
        client_context(trust_source(ca_file, {}))
    except TransportError as error:
        raise StartError(f"{where}: {error}.") from error
    return OidcIssuer(
        url=_url(entry, where), audiences=frozenset(audiences), algorithms=algorithms, ca_file=ca_file
    )


def _texts(entry: Mapping[str, Any], name: str, where: str) -> tuple[str, ...]:  # Any: as above
    values = entry.get(name)
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise StartError(f"{where}: {name} must be a list of one or more texts.")
    return tuple(values)


def _url(entry: Mapping[str, Any], where: str) -> str:  # Any: as above
    url = entry.get("url")
    if not isinstance(url, str):
        raise StartError(f"{where}: url is missing.")
    try:
        parse_endpoint(url)
        parts = urlsplit(url)
    except (TransportError, ValueError) as error:
        raise StartError(f"{where}: {error}.") from error
    if parts.scheme not in ("https", "http") or "?" in url or "#" in url:
        raise StartError(f"{where}: url {url}: give https://NAME[:PORT][/PATH].")
    if parts.scheme == "http" and entry.get("insecure_http") is not True:
        raise StartError(f"{where}: url {url}: http:// needs insecure_http = true, for a trial on loopback.")
    return url
