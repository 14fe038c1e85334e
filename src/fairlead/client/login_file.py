"""What `fairlead login` keeps for a profile: short credentials, and how to renew them. Owner only.

A JSON file for each profile in `~/.cache/fairlead/logins` (or below `XDG_CACHE_HOME`), mode 600 in a
directory of mode 700. It is replaced as a whole. One that belongs to somebody else, or that others can read,
is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import contextmanager
from hashlib import sha256

from fairlead.client.oidc_provider import LoginError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_FILE_BYTES = 128 * 1024
VERSION = 1
SETTINGS = ("issuer", "client_id", "scope", "role_arn", "session_name", "endpoint_url")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Login:
    """One sign-in. `settings` has the texts named in `SETTINGS`, and `duration_s` if one was asked for;
    `credentials` is as `credential_process` prints it. No secret is in `repr`."""

    __slots__ = ("credentials", "refresh_token", "settings")

    def __init__(
        self, settings: dict[str, str], credentials: dict[str, object], refresh_token: str | None
    ) -> None:
        self.settings = settings
        self.credentials = credentials
        self.refresh_token = refresh_token


class LoginFile:
    """The file of one profile."""

    def __init__(self, profile: str, environ: Mapping[str, str]) -> None:
        cache = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.directory = os.path.join(cache, "fairlead", "logins")
        # Of a hash, since a profile's name may have any character in it.
        self.path = os.path.join(self.directory, f"{sha256(profile.encode()).hexdigest()[:32]}.json")

    def read(self) -> Login | None:
        """What is kept, or None. Raises `LoginError` if it cannot be trusted or read."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise LoginError(f"cannot read {self.path}: {exc.strerror}") from None
        with open(descriptor, "rb") as file:
            self._check(os.fstat(descriptor), self.path)
            data = file.read(MAX_FILE_BYTES)
        return _login_of(data)

    def write(self, login: Login) -> None:
        """Replace what is kept, wholly or not at all. Raises `LoginError`."""
        content = json.dumps(
            {
                "version": VERSION,
                "settings": login.settings,
                "credentials": login.credentials,
                "refresh_token": login.refresh_token,
            }
        )
        temporary = f"{self.path}.{os.getpid()}.new"
        try:
            self._make_directory()
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as exc:
            raise LoginError(f"cannot write {self.path}: {exc.strerror}") from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time: a refresh token may be good for one use. Raises `LoginError`."""
        try:
            self._make_directory()
            descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise LoginError(f"cannot lock {self.path}: {exc.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make_directory(self) -> None:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        self._check(os.stat(self.directory), self.directory)

    @staticmethod
    def _check(status: os.stat_result, path: str) -> None:
        if status.st_uid != os.geteuid():
            raise LoginError(f"{path} belongs to another user: remove it")
        if status.st_mode & _OTHERS:
            raise LoginError(f"{path} is open to others: chmod go= {path}")


def _login_of(data: bytes) -> Login | None:
    """None for anything that `write` did not write: signing in again replaces it."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return None
    settings, credentials = document.get("settings"), document.get("credentials")
    refresh_token = document.get("refresh_token")
    if not isinstance(settings, dict) or not isinstance(credentials, dict):
        return None
    if not all(isinstance(settings.get(name), str) for name in SETTINGS):
        return None
    return Login(settings, credentials, refresh_token if isinstance(refresh_token, str) else None)
