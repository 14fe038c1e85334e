"""The shared AWS files, `~/.aws/config` and `~/.aws/credentials`, read as botocore reads them.

A reader of its own, since the standard one takes longer to import than a whole file takes to read here. It
knows sections, `key = value` (or `:`), comment lines, and one level of nesting by indentation. Writing
profiles is `client.aws_profile`'s part.
"""

from __future__ import annotations

import os

from fairlead.client.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Section = dict[str, str | dict[str, str]]

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Longest configuration file that is read."""


def config_path(environ: Mapping[str, str]) -> str:
    return os.path.expanduser(environ.get("AWS_CONFIG_FILE") or "~/.aws/config")


def credentials_path(environ: Mapping[str, str]) -> str:
    return os.path.expanduser(environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")


def parse_ini(text: str, path: str) -> dict[str, Section]:
    """Sections by the text between their brackets; keys in lower case; a nested block is a dict.

    Raises `SettingsError` naming `path` and the line that cannot be understood.
    """
    sections: dict[str, Section] = {}
    section: Section | None = None
    key: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        if line[0] in " \t" and key is not None and section is not None:
            _add_indented(section, key, stripped)
        elif stripped.startswith("[") and stripped.endswith("]"):
            section = sections.setdefault(stripped[1:-1].strip(), {})
            key = None
        else:
            name, value = _split_option(stripped)
            if section is None or not name:
                raise SettingsError(f"{path}, line {number}: expected [SECTION] or KEY = VALUE")
            key = name
            section[key] = value
    return sections


def _split_option(line: str) -> tuple[str, str]:
    positions = [line.find(mark) for mark in "=:" if mark in line]
    if not positions:
        return "", ""
    return line[: min(positions)].strip().lower(), line[min(positions) + 1 :].strip()


def _add_indented(section: Section, key: str, line: str) -> None:
    """An indented line is an option of a nested block when its key had no value, else more of that value."""
    value = section[key]
    if value == "":
        value = section[key] = {}
    if isinstance(value, dict):
        name, inner = _split_option(line)
        if name:
            value[name] = inner
    else:
        section[key] = f"{value}\n{line}"


def read_sections(path: str) -> dict[str, Section]:
    """Parse the file at `path`; an absent one has no sections. Raises `SettingsError` if unreadable."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as exc:
        raise SettingsError(f"cannot read {path}: {exc.strerror}") from None
    if len(data) > MAX_FILE_BYTES:
        raise SettingsError(f"{path} is longer than {MAX_FILE_BYTES} bytes")
    try:
        return parse_ini(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text") from None


class AwsFiles:
    """Both files together: profiles, `sso-session` and `services` sections by name."""

    def __init__(self, config: Mapping[str, Section], credentials: Mapping[str, Section]) -> None:
        self._profiles: dict[str, Section] = {}
        self._named: dict[tuple[str, str], Section] = {}
        for title, section in config.items():
            kind, _, name = title.partition(" ")
            name = name.strip().strip("\"'")
            if kind == "profile" and name:
                self._profiles.setdefault(name, {}).update(section)
            elif title == "default":
                self._profiles["default"] = {**section, **self._profiles.get("default", {})}
            elif name:
                self._named[kind, name] = section
        self.credentials = credentials
        for name, section in credentials.items():
            self._profiles.setdefault(name, {}).update(section)

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> AwsFiles:
        """Read the files that the environment names, or those in the home directory."""
        return cls(read_sections(config_path(environ)), read_sections(credentials_path(environ)))

    def has_profile(self, name: str) -> bool:
        return name in self._profiles

    def profile(self, name: str) -> Section:
        """The options of a profile, those of the credentials file winning; empty when there is none."""
        return self._profiles.get(name, {})

    def section(self, kind: str, name: str) -> Section | None:
        """A section such as `[services NAME]` or `[sso-session NAME]`, or None."""
        return self._named.get((kind, name))


def text_option(section: Section, key: str) -> str | None:
    """A plain option; None when it is absent, empty or a nested block."""
    value = section.get(key)
    return value if isinstance(value, str) and value else None
