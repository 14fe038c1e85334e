"""The registration of a node on disk: who it is, its key, its trust anchors.

Everything lies in one state directory that only its owner can enter. Each file is written whole beside its
place, flushed to the disk and renamed, so that a crash leaves the old or the new one. `registration.json`
names the key file in force: replacing that one file makes a registration or a new key take effect.

The key itself is opaque here (`agent.keys` makes and uses it).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fairlead.agent.errors import IdentityError, InUseError

FORMAT_VERSION = 1

REGISTRATION_FILE = "registration.json"
ANCHORS_FILE = "anchors.pem"
LOCK_FILE = "agent.lock"

LOCK_PATIENCE_S = 1.0
"""How long a start waits for a process that is just ending, or only looking."""

_LOCK_RETRY_S = 0.02

MAX_REGISTRATION_BYTES = 16 * 1024
MAX_ANCHORS_BYTES = 256 * 1024
"""Certificates in the set of trust anchors: far more than any set that is kept by hand."""

_KEY_FILE = re.compile(r"key-[0-9a-f]{16}\.pem")
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What the server and the node agreed on at registration."""

    instance_id: str
    """The node's id, opaque; AWS form `mi-` and 17 hexadecimal digits."""

    region: str
    """Region that requests are signed for."""

    endpoint: str
    """URL of the server, without a trailing slash."""

    fingerprint: str
    """Random UUID of this installation, sent with every request for a role token."""

    key_file: str
    """Name of the file with the private key in force."""

    next_key_file: str | None = None
    """File with a key that the server may or may not have taken yet; None outside a key change."""


def normalised_certificates(pem: bytes) -> list[bytes]:
    """The certificates in `pem` as PEM blocks, each ending in a line break; other text is dropped."""
    return [match.group().strip() + b"\n" for match in _CERTIFICATE.finditer(pem)]


class StateDirectory:
    """Reads and writes the files of one state directory. Every method may raise `IdentityError`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Create the directory, or check that an existing one is ours; prove that it can be written to."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.check_private()
            probe = self.path / f".write-test-{secrets.token_hex(4)}"
            probe.touch(mode=0o600)
            probe.unlink()
        except OSError as error:
            raise IdentityError(
                f"{self.path}: cannot be used as a state directory: {error.strerror}"
            ) from error

    @contextlib.contextmanager
    def locked(self, patience_s: float = LOCK_PATIENCE_S, inherited: int | None = None) -> Iterator[int]:
        """Hold the directory for this process: a second agent would fight the first for the node's name.

        Gives the descriptor of the lock. `inherited` is the one that this process held before it replaced its
        program: the lock belongs to the open file and was never released. Where somebody has removed that
        file meanwhile, a new one is locked.
        """
        try:
            if inherited is not None and self._is_lock_file(inherited):
                descriptor = inherited
            else:
                descriptor = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be locked: {error.strerror}") from error
        try:
            try:
                _lock(descriptor, patience_s)
            except BlockingIOError:
                raise InUseError(
                    f"{self.path}: in use by another agent process; stop that one first"
                ) from None
            yield descriptor
        finally:
            os.close(descriptor)

    def is_in_use(self) -> bool:
        """Whether a process works with the directory; others that only look do not count."""
        try:
            descriptor = os.open(self.path / LOCK_FILE, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise IdentityError(f"{self.path}: the lock cannot be looked at: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _is_lock_file(self, descriptor: int) -> bool:
        try:
            held, named = os.fstat(descriptor), (self.path / LOCK_FILE).stat()
        except OSError:
            return False
        return (held.st_dev, held.st_ino) == (named.st_dev, named.st_ino)

    def is_registered(self) -> bool:
        return (self.path / REGISTRATION_FILE).exists()

    def load(self) -> Registration:
        """Read the registration, having checked that nobody else could have made it, or can read the key."""
        path = self.path / REGISTRATION_FILE
        try:
            if not path.exists():
                raise IdentityError(
                    f"{self.path}: this node is not registered yet; run `fairlead agent register` first"
                )
            self.check_private()
            content = path.read_bytes()
        except OSError as error:
            raise IdentityError(f"{path}: cannot be read: {error.strerror}") from error
        if len(content) > MAX_REGISTRATION_BYTES:
            raise IdentityError(
                f"{path}: larger than {MAX_REGISTRATION_BYTES} bytes; register again with --force"
            )
        try:
            return _registration_from_json(content)
        except (ValueError, TypeError, KeyError) as error:
            raise IdentityError(f"{path}: damaged ({error}); register again with --force") from error

    def save(self, registration: Registration) -> None:
        """Put `registration` in force and remove key files that it does not name."""
        document = {"version": FORMAT_VERSION, **asdict(registration)}
        self.write(REGISTRATION_FILE, json.dumps(document, indent=2).encode() + b"\n")
        for path in self.path.glob("key-*.pem"):
            if _KEY_FILE.fullmatch(path.name) and path.name not in (
                registration.key_file,
                registration.next_key_file,
            ):
                path.unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove the registration and every key, also what a crash left of them; trust anchors stay.

        What registers here next is another machine to the server: key and fingerprint are new.
        """
        try:
            for pattern in (REGISTRATION_FILE, f".{REGISTRATION_FILE}.*", "key-*.pem", ".key-*.pem.*"):
                for path in self.path.glob(pattern):
                    path.unlink(missing_ok=True)
            self._sync_directory()
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be cleared: {error.strerror}") from error

    def write_key(self, private_key_pem: bytes) -> str:
        """Store a private key under a new name, not yet in force; return that name."""
        name = f"key-{secrets.token_hex(8)}.pem"
        self.write(name, private_key_pem)
        return name

    def unregistered_key(self) -> str | None:
        """The newest key file that no registration names: of a registration whose answer was lost."""
        try:
            registration = self.load()
            registered = {registration.key_file, registration.next_key_file}
        except IdentityError:
            registered = set()  # none, or one too damaged to be read: a key that it may have named is as good
        try:
            found = [
                (path.stat().st_mtime, path.name)
                for path in self.path.glob("key-*.pem")
                if _KEY_FILE.fullmatch(path.name) and path.name not in registered
            ]
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be looked through: {error.strerror}") from error
        return max(found)[1] if found else None

    def read_key(self, name: str) -> bytes:
        """The private key in a key file."""
        try:
            return self.key_path(name).read_bytes()
        except OSError as error:
            raise IdentityError(f"{self.key_path(name)}: cannot be read: {error.strerror}") from error

    def key_path(self, name: str) -> Path:
        return self.path / name

    def adopt_next_key(self, registration: Registration) -> Registration:
        """Put the pending key of a key change in force and forget the one before it."""
        if registration.next_key_file is None:
            raise ValueError("no key change is pending")
        adopted = replace(registration, key_file=registration.next_key_file, next_key_file=None)
        self.save(adopted)
        return adopted

    @property
    def anchors_path(self) -> Path | None:
        """File with the trust anchors, or None where the system's roots are used."""
        path = self.path / ANCHORS_FILE
        return path if path.exists() else None

    def write_anchors(self, pem: bytes | None) -> None:
        """Replace the trust anchors by the certificates in `pem`; None returns to the system's roots."""
        if pem is None:
            (self.path / ANCHORS_FILE).unlink(missing_ok=True)
        else:
            self.write(ANCHORS_FILE, _checked_anchors(pem, []))

    def extend_anchors(self, pem: bytes) -> int:
        """Add the certificates in `pem` that are not yet anchors; return how many were new.

        This is how a server announces its next authority before the present one ends. The caller must have
        had `pem` over a verified connection.
        """
        present = normalised_certificates(self.anchors_path.read_bytes()) if self.anchors_path else []
        known = {_body(certificate) for certificate in present}
        new = [one for one in normalised_certificates(pem) if _body(one) not in known]
        if new:
            self.write(ANCHORS_FILE, _checked_anchors(b"".join(new), present))
        return len(new)

    def write(self, name: str, content: bytes) -> None:
        """Write `content` as file `name`: for the owner only, whole or not at all, and on the disk."""
        temporary = self.path / f".{name}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with open(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self.path / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            self._sync_directory()
        except OSError as error:
            raise IdentityError(f"{self.path / name}: cannot be written: {error.strerror}") from error

    def _sync_directory(self) -> None:
        """Without this a rename may be lost in a power failure although the file's content is safe."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def check_private(self) -> None:
        """Nobody else could have written what lies in the directory. Raises `IdentityError`."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            raise IdentityError(f"{self.path}: no such state directory") from None
        except OSError as error:
            raise IdentityError(f"{self.path}: cannot be looked at: {error.strerror}") from error
        if not stat.S_ISDIR(status.st_mode):
            raise IdentityError(f"{self.path}: not a directory")
        if status.st_uid != os.geteuid():
            raise IdentityError(
                f"{self.path}: belongs to the user with id {status.st_uid}, and this runs as {os.geteuid()}; "
                "run it as that user"
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise IdentityError(f"{self.path}: open to other users; run `chmod 700 {self.path}`")


def _lock(descriptor: int, patience_s: float) -> None:
    """Lock an open file for this process. Raises `BlockingIOError` when another one keeps it."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOCK_RETRY_S)
        else:
            return


def _registration_from_json(content: bytes) -> Registration:
    document = json.loads(content)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    version = document.pop("version")
    if version != FORMAT_VERSION:
        raise ValueError(f"format version {version!r} is not {FORMAT_VERSION}")
    registration = Registration(**document)
    texts = {name: value for name, value in asdict(registration).items() if name != "next_key_file"}
    if not all(isinstance(value, str) and value for value in texts.values()):
        raise ValueError("a field is empty or not a text")
    for name in (registration.key_file, registration.next_key_file):
        if name is not None and not _KEY_FILE.fullmatch(name):
            raise ValueError("a key file has an impossible name")
    return registration


def _checked_anchors(pem: bytes, present: list[bytes]) -> bytes:
    certificates = normalised_certificates(pem)
    if not certificates:
        raise IdentityError("no certificate found: expected PEM text with -----BEGIN CERTIFICATE-----")
    anchors = b"".join([*present, *certificates])
    if len(anchors) > MAX_ANCHORS_BYTES:
        raise IdentityError(f"the trust anchors would exceed {MAX_ANCHORS_BYTES} bytes")
    return anchors


def _body(certificate: bytes) -> bytes:
    """The certificate without its line breaks, which may differ between two copies."""
    return b"".join(certificate.split())
