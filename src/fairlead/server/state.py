"""The state directory: what the first start creates, and what later ones find.

    installation.json   account, default region, and a seal that only the right master key opens
    master.key          32 bytes in base64; everything secret in the database is sealed under it
    ca.key              our certificate authority: its key and certificate
    ca.pem              what agents and clients are to trust: our authority, or that of a given certificate
    tls.pem             the server's key and certificate, renewed while running
    ca-bundle.pem       the system's roots and `ca.pem`, for variables that replace the system's roots
    admin.env           the first administrator's environment
    fairlead.db         the embedded database
    audit.key           signs checkpoints of the audit log
    audit-checkpoint    the last of them
    reserve             space for administration on a full disk
    lock                held by the running server

Only the owner can read any of it. A later start changes none of it, except certificates that are due and,
when the server moved, the address in `admin.env`.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fairlead.control.sealing import KEY_BYTES, SealBroken, Sealer
from fairlead.server import admin_env
from fairlead.server.errors import StartError
from fairlead.server.private_files import (
    DIRECTORY_MODE,
    FILE_MODE,
    is_open_to_others,
    read_private,
    unfinished,
    write_private,
)
from fairlead.server.settings import DEFAULT_REGION, ServerSettings
from fairlead.transparency.notes import NoteSigner

ADMIN_ENV = "admin.env"
AUDIT_KEY = "audit.key"
CA_BUNDLE = "ca-bundle.pem"
CA_CERTIFICATE = "ca.pem"
CA_KEY = "ca.key"
DATABASE = "fairlead.db"
INSTALLATION = "installation.json"
LOCK = "lock"
MASTER_KEY = "master.key"
RESERVE = "reserve"
TLS = "tls.pem"

_SEAL_PLACE = b"fairlead installation"
_ACCOUNT_DIGITS = 12
_ADMIN_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")


@dataclass(frozen=True, slots=True)
class Installation:
    """What was decided at the first start, with the means to open what is sealed."""

    account_id: str
    region: str
    sealer: Sealer


class StateDirectory:
    """The directory, held for one process; a context manager that lets go of it."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched before `open`."""
        self.path = path
        self._lock: int | None = None

    def __enter__(self) -> "StateDirectory":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def open(self, *, exclusively: bool = True) -> None:
        """Make the directory if need be and, `exclusively`, take its lock. Raises StartError."""
        try:
            self._prepare()
            if exclusively:
                self._take_lock()
        except OSError as error:
            raise StartError(f"{self.path}: {error.strerror}. Choose another --state-dir.") from error

    def open_existing(self) -> None:
        """For commands beside a running server: nothing is made and nothing locked. Raises StartError."""
        if not self.file(INSTALLATION).exists():
            raise StartError(f"{self.path} holds no installation: the first start of the server creates it.")
        self.open(exclusively=False)

    def release(self) -> None:
        """Let the next process have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def holder(self) -> str | None:
        """The process id of the server that holds the directory; None if none does. Raises OSError."""
        try:
            descriptor = os.open(self.file(LOCK), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        finally:
            os.close(descriptor)
        return None

    def file(self, name: str) -> Path:
        """The path of one of its files."""
        return self.path / name

    def installation(self, settings: ServerSettings) -> Installation:
        """What the first start decided; decided now if this is it. StartError where settings contradict."""
        if self.file(INSTALLATION).exists():
            return self._read_installation(settings)
        return self._create_installation(settings)

    def create_database_file(self) -> Path:
        """The embedded database's file, made beforehand so that it and its companions are private."""
        path = self.file(DATABASE)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        return path

    def audit_signer(self, account_id: str) -> NoteSigner:
        """What signs checkpoints of the audit log; the key is made if there is none. Raises StartError."""
        path = self.file(AUDIT_KEY)
        if not path.exists():
            write_private(path, _pem(Ed25519PrivateKey.generate()))
        try:
            key = serialization.load_pem_private_key(read_private(path), password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise StartError(
                f"{path} holds no Ed25519 key: put back the one of before. Without it nobody can tell new "
                "checkpoints of the audit log from forged ones; to begin anew all the same, remove the file."
            )
        return NoteSigner(f"fairlead/audit/{account_id}", key)

    def write_admin_env(self, access_key_id: str, secret_access_key: str, region: str, url: str) -> None:
        """Write the first administrator's environment."""
        variables = dict(zip(_ADMIN_VARIABLES, (access_key_id, secret_access_key, region), strict=True))
        variables["AWS_DEFAULT_REGION"] = region  # boto3 and version 1 of the AWS CLI read only this one
        variables["AWS_ENDPOINT_URL"] = url
        bundle = self.file(CA_BUNDLE)
        if url.startswith("https:"):
            variables |= {"AWS_CA_BUNDLE": str(bundle), "SSL_CERT_FILE": str(bundle)}
        path = self.file(ADMIN_ENV)
        write_private(path, admin_env.render(path, variables))

    def refresh_admin_env(self, url: str) -> None:
        """If the administrator's environment is still there and names another address, correct that."""
        path = self.file(ADMIN_ENV)
        if path.exists():
            variables = admin_env.parse(path.read_text(encoding="utf-8"))
            key = tuple(variables.get(name) for name in _ADMIN_VARIABLES)
            if variables.get("AWS_ENDPOINT_URL") != url and None not in key:
                access_key_id, secret_access_key, region = map(str, key)
                self.write_admin_env(access_key_id, secret_access_key, region, url)

    def known_url(self) -> str | None:
        """The address in the administrator's environment, if that is still there."""
        path = self.file(ADMIN_ENV)
        if not path.exists():
            return None
        return admin_env.parse(path.read_text(encoding="utf-8")).get("AWS_ENDPOINT_URL")

    def _prepare(self) -> None:
        self.path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        status = self.path.stat()
        if status.st_uid != os.geteuid():
            raise StartError(
                f"{self.path} belongs to another user: run the server as that user, "
                "or choose another --state-dir."
            )
        is_ours = self.file(INSTALLATION).exists()
        strangers = set(self.path.iterdir()) - self._first_files()
        if strangers and not is_ours:
            raise StartError(
                f"{self.path} is not empty and not a state directory: choose an empty or a new --state-dir."
            )
        if is_open_to_others(status):
            if is_ours:
                raise StartError(f"{self.path} is open to other users: chmod 700 {self.path}")
            self.path.chmod(DIRECTORY_MODE)

    def _first_files(self) -> set[Path]:
        """What a first start that was cut short may leave before the installation is decided."""
        key = self.file(MASTER_KEY)
        return {self.file(LOCK), key, unfinished(key), unfinished(self.file(INSTALLATION))}

    def _take_lock(self) -> None:
        descriptor = os.open(self.file(LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StartError(
                f"{self.path} is in use by another server (process {holder}): stop that one first."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def _create_installation(self, settings: ServerSettings) -> Installation:
        if settings.master_key_file is None and not self.file(MASTER_KEY).exists():
            write_private(self.file(MASTER_KEY), base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        sealer = Sealer(self._master_key(settings), os.urandom)
        account_id = settings.account_id or _draw_account_id()
        region = settings.regions[0] if settings.regions else DEFAULT_REGION
        document = {
            "account_id": account_id,
            "region": region,
            "master_key_seal": base64.b64encode(sealer.seal(account_id.encode(), _SEAL_PLACE)).decode(),
        }
        write_private(self.file(INSTALLATION), json.dumps(document, indent=2).encode() + b"\n")
        return Installation(account_id, region, sealer)

    def _read_installation(self, settings: ServerSettings) -> Installation:
        path = self.file(INSTALLATION)
        try:
            document = json.loads(read_private(path))
            account_id, region = str(document["account_id"]), str(document["region"])
            seal = base64.b64decode(document["master_key_seal"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise StartError(f"{path} is damaged: restore it from a backup.") from error
        sealer = Sealer(self._master_key(settings), os.urandom)
        try:
            sealer.open(seal, _SEAL_PLACE)
        except SealBroken:
            raise StartError(
                "the master key is not the one that this installation was made with: "
                "put the right one back, or name it with --master-key-file."
            ) from None
        if settings.account_id not in (None, account_id):
            raise StartError(
                f"--account-id {settings.account_id}: {self.path} belongs to account {account_id}; "
                "leave the option out, or choose another --state-dir."
            )
        if settings.regions and settings.regions[0] != region:
            raise StartError(
                f"--region {settings.regions[0]}: the default region of {self.path} is {region}; "
                "name that one first."
            )
        return Installation(account_id, region, sealer)

    def _master_key(self, settings: ServerSettings) -> bytes:
        path = settings.master_key_file or self.file(MASTER_KEY)
        try:
            key = base64.b64decode(read_private(path), validate=False)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise StartError(
                f"{path} holds no master key: it must be {KEY_BYTES} random bytes in base64 "
                f"(head -c {KEY_BYTES} /dev/urandom | base64)."
            )
        return key


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _draw_account_id() -> str:
    """Twelve digits; never a leading zero, which spreadsheets and people lose."""
    lowest = 10 ** (_ACCOUNT_DIGITS - 1)
    return str(lowest + secrets.randbelow(9 * lowest))
