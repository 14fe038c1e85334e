"""Whose word counts for which machines may join: a TOML file that `--instance-identity-file` names.

    account_ids = ["210987654321"]              # accounts of the cloud whose machines may join; none if empty
    max_age_minutes = 15                        # after its start, by the document alone; this is the default
    iam_role = "service-role/FairleadNode"      # what the nodes act with; this is the default

    [[issuer]]
    region = "eu-central-1"                     # as in the documents
    certificate_file = "/etc/fairlead/eu-central-1.pem"     # one or several, whose RSA keys sign for it

The keys in the certificates are trusted as they are: names and dates in them are not looked at, nor who
issued them. For EC2 they are the RSA-2048 certificates of "AWS public certificates for instance identity
document signatures" (EC2 User Guide), one for each region.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificates

from fairlead.control.bootstrap import NODE_ROLE
from fairlead.domain.instance_identity import IdentityTrust
from fairlead.server.errors import StartError

DEFAULT_MAX_AGE_MINUTES = 15
LONGEST_MAX_AGE_MINUTES = 24 * 60
MAX_FILE_BYTES = 256 * 1024
"""Of the file, and of each file of certificates."""
MAX_ISSUERS = 128
MAX_KEYS_PER_REGION = 8
MIN_KEY_BITS = 2048
MAX_KEY_BITS = 4096

_ENTRIES = frozenset({"account_ids", "max_age_minutes", "iam_role", "issuer"})
_ISSUER_ENTRIES = frozenset({"region", "certificate_file"})
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_ROLE = re.compile(r"(?:[!-.0-~]+/)*[\w+=,.@-]{1,64}", re.ASCII)


def read_trust(path: Path) -> IdentityTrust:
    """What a file says. Raises StartError, which names the file and the entry."""
    where = f"--instance-identity-file {path}"
    try:
        document = tomllib.loads(_content(path).decode())
    except OSError as error:
        raise StartError(f"{where}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise StartError(f"{where}: not TOML: {error}.") from error
    _check_entries(document, _ENTRIES, where)
    issuers = document.get("issuer")
    if not isinstance(issuers, list) or not 0 < len(issuers) <= MAX_ISSUERS:
        raise StartError(f"{where}: give 1 to {MAX_ISSUERS} tables [[issuer]].")
    keys: dict[str, tuple[bytes, ...]] = {}
    for number, entry in enumerate(issuers, 1):
        region, found = _issuer(entry, f"{where}: issuer {number}")
        if region in keys:
            raise StartError(f"{where}: issuer {number}: the region {region} is named twice.")
        keys[region] = found
    return IdentityTrust(
        issuer_keys=keys,
        account_ids=_account_ids(document, where),
        max_age=_max_age(document, where),
        iam_role=_role(document, where),
    )


def _account_ids(document: Mapping[str, Any], where: str) -> frozenset[str]:  # Any: whatever TOML holds
    given = document.get("account_ids")
    if not isinstance(given, list) or not all(
        isinstance(each, str) and _ACCOUNT_ID.fullmatch(each) for each in given
    ):
        raise StartError(f"{where}: account_ids must be a list of account ids, each a text of 12 digits.")
    return frozenset(given)


def _max_age(document: Mapping[str, Any], where: str) -> timedelta:  # Any: as above
    minutes = document.get("max_age_minutes", DEFAULT_MAX_AGE_MINUTES)
    if type(minutes) is not int or not 0 <= minutes <= LONGEST_MAX_AGE_MINUTES:
        raise StartError(f"{where}: max_age_minutes must be a number from 0 to {LONGEST_MAX_AGE_MINUTES}.")
    return timedelta(minutes=minutes)


def _role(document: Mapping[str, Any], where: str) -> str:  # Any: as above
    role = document.get("iam_role", NODE_ROLE)
    if not isinstance(role, str) or not _ROLE.fullmatch(role):
        raise StartError(f"{where}: iam_role must be a role's name, with its path in front if it has one.")
    return role


def _issuer(entry: Any, where: str) -> tuple[str, tuple[bytes, ...]]:  # Any: as above
    """The region and the keys that sign for it."""
    if not isinstance(entry, dict):
        raise StartError(f"{where}: not a table.")
    _check_entries(entry, _ISSUER_ENTRIES, where)
    region, file = entry.get("region"), entry.get("certificate_file")
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise StartError(f"{where}: region must be the name of a region, such as eu-central-1.")
    if not isinstance(file, str):
        raise StartError(f"{where}: certificate_file must be a path.")
    try:
        certificates = load_pem_x509_certificates(_content(Path(file)))
        keys = [certificate.public_key() for certificate in certificates]
    except OSError as error:
        raise StartError(f"{where}: {file}: {error.strerror}.") from error
    except ValueError as error:
        raise StartError(f"{where}: {file}: no certificates in PEM form that can be read.") from error
    if len(keys) > MAX_KEYS_PER_REGION:
        raise StartError(f"{where}: {file}: more than {MAX_KEYS_PER_REGION} certificates.")
    for key in keys:
        if not isinstance(key, RSAPublicKey) or not MIN_KEY_BITS <= key.key_size <= MAX_KEY_BITS:
            raise StartError(f"{where}: {file}: not only RSA keys of {MIN_KEY_BITS} to {MAX_KEY_BITS} bits.")
    return region, tuple(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys)


def _check_entries(table: Mapping[str, Any], known: frozenset[str], where: str) -> None:  # Any: as above
    unknown = sorted(set(table) - known)
    if unknown:
        raise StartError(f"{where}: unknown entry {unknown[0]}; there are {', '.join(sorted(known))}.")


def _content(path: Path) -> bytes:
    """The file. Raises OSError, or ValueError for one that is too long."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"longer than {MAX_FILE_BYTES} bytes")
    return data
