"""Writes an AWS profile that leads the AWS CLI, SDKs and our programs to a Fairlead server.

Endpoints are named per service, in a `services` section, for what the server offers: a global endpoint would
send every other AWS service there too. New sections are appended; nothing that exists is changed, and a
profile that exists is refused. Secrets go to the credentials file, mode 600, and never through argv.
"""

from __future__ import annotations

import os

from fairlead.client.aws_files import config_path, credentials_path, parse_ini, read_sections
from fairlead.client.errors import ClientError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICES = ("ssm", "sts", "iam")
"""The services that a Fairlead server answers for, as AWS profiles spell them."""


class ProfileError(ClientError):
    """The profile cannot be written."""


class ProfileContents:
    """What a profile says. `session_token` and `ca_bundle` may be None. A profile has keys, or else `options`
    that say where they come from."""

    __slots__ = (
        "access_key_id",
        "ca_bundle",
        "endpoint_url",
        "name",
        "options",
        "region",
        "secret_access_key",
        "session_token",
    )

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str,
        region: str,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        session_token: str | None = None,
        ca_bundle: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.endpoint_url = endpoint_url
        self.region = region
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self.session_token = session_token
        self.ca_bundle = ca_bundle
        self.options = dict(options or {})
        keys = (access_key_id, secret_access_key, session_token)
        for text in (name, endpoint_url, region, *keys, ca_bundle, *self.options.values()):
            if text is not None and (not text.isprintable() or text != text.strip() or not text):
                raise ProfileError("values must be non-empty single lines without blanks around them")
        if set(name) & set("[]\"'#;") or any(char.isspace() for char in name):
            raise ProfileError("a profile name must not contain blanks, brackets, quotes, # or ;")

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"ProfileContents({self.name!r}, {self.endpoint_url!r})"


def config_sections(contents: ProfileContents) -> str:
    """The sections for the config file."""
    title = "default" if contents.name == "default" else f"profile {contents.name}"
    lines = [f"[{title}]", f"region = {contents.region}", f"services = {contents.name}"]
    if contents.ca_bundle is not None:
        lines.append(f"ca_bundle = {contents.ca_bundle}")
    lines += [f"{name} = {value}" for name, value in contents.options.items()]
    lines += ["", f"[services {contents.name}]"]
    for service in SERVICES:
        lines += [f"{service} =", f"  endpoint_url = {contents.endpoint_url}"]
    return "\n".join(lines) + "\n"


def credentials_section(contents: ProfileContents) -> str:
    """The section for the credentials file."""
    lines = [
        f"[{contents.name}]",
        f"aws_access_key_id = {contents.access_key_id}",
        f"aws_secret_access_key = {contents.secret_access_key}",
    ]
    if contents.session_token is not None:
        lines.append(f"aws_session_token = {contents.session_token}")
    return "\n".join(lines) + "\n"


def write_profile(contents: ProfileContents, environ: Mapping[str, str]) -> tuple[str, str]:
    """Append the profile to both files; their paths.

    Raises `ProfileError` when any part of it exists or a file cannot be written; both are then as before.
    """
    config_file, credentials_file = config_path(environ), credentials_path(environ)
    title = "default" if contents.name == "default" else f"profile {contents.name}"
    taken_titles = (title, f"profile {contents.name}", f"services {contents.name}")
    for path, titles in ((config_file, taken_titles), (credentials_file, (contents.name,))):
        existing = {" ".join(section.split()) for section in read_sections(path)}
        for taken in titles:
            if taken in existing:
                raise ProfileError(f"{path} already has a section [{taken}]; choose another --profile NAME")
    if contents.access_key_id is None:
        append(config_file, config_sections(contents), secret=False)
        return config_file, credentials_file
    # Keys first: a profile without keys would look complete and fail later.
    keys = append(credentials_file, credentials_section(contents), secret=True)
    try:
        append(config_file, config_sections(contents), secret=False)
    except BaseException:
        keys.take_back()  # half a profile would be in the way of the next try
        raise
    return config_file, credentials_file


class Addition:
    """Bytes `start` to `end` of the file at `path`, appended by us."""

    __slots__ = ("_end", "_path", "_start")

    def __init__(self, path: str, start: int, end: int) -> None:
        self._path = path
        self._start = start
        self._end = end

    def take_back(self) -> None:
        """Cut the file to what it was, if that is possible and nobody else has written to it since."""
        try:
            if os.path.getsize(self._path) == self._end:
                os.truncate(self._path, self._start)
        except OSError:
            return


def append(path: str, text: str, *, secret: bool) -> Addition:
    """Append sections, after an empty line, to a file that need not exist; `secret` makes it mode 600.

    Raises `ProfileError` when it cannot be written; nothing of `text` is in it then.
    """
    parse_ini(text, path)  # what we write must read back
    try:
        os.makedirs(os.path.dirname(path) or ".", mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(descriptor, "rb+", buffering=0) as file:
            if secret:
                os.fchmod(descriptor, 0o600)
            size = os.fstat(descriptor).st_size
            last = os.pread(descriptor, 1, size - 1) if size else b""
            gap = "" if not size else "\n" if last == b"\n" else "\n\n"
            added = (gap + text).encode()
            try:
                _write_all(descriptor, added)
            except BaseException:
                file.truncate(size)
                raise
    except OSError as exc:
        raise ProfileError(f"cannot write {path}: {exc.strerror}") from None
    return Addition(path, size, size + len(added))


def _write_all(descriptor: int, data: bytes) -> None:
    """A full disk takes a part first and fails at the next write only."""
    while data:
        data = data[os.write(descriptor, data) :]
