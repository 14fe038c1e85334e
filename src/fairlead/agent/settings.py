"""The agent's settings: read once at start, frozen, handed on as the few numbers that each part needs.

Sources, strongest first: options of the command line, the configuration file, the defaults below. The
configuration file is TOML with the names of the fields as keys, by default `agent.toml` in the state
directory, where it need not exist. An unknown key is an error: a misspelt limit must not be silently absent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from fairlead.agent.ceiling import (
    LOOPBACK,
    MAX_PORT,
    MIN_PORT,
    PORT_SESSION,
    Ceiling,
    PortRange,
    parse_hosts,
    parse_ports,
    parse_session_types,
)
from fairlead.agent.errors import SettingsError

CONFIG_FILE_NAME = "agent.toml"

MAX_CONFIG_BYTES = 64 * 1024
"""A larger configuration file is taken for a mistake."""

KIB = 1024
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Everything that an operator can choose about a running agent."""

    state_dir: Path
    """Directory of the registration; not a key of the configuration file."""

    allow_ports: tuple[PortRange, ...] = (PortRange(MIN_PORT, MAX_PORT),)
    """Ports that sessions may lead to: numbers or ranges, such as ["22", "8000-8099"]. Default: all."""

    allow_hosts: tuple[str, ...] = (LOOPBACK,)
    """Hosts that sessions may lead to, compared as written: "loopback", names or addresses."""

    allow_session_types: frozenset[str] = frozenset({PORT_SESSION})
    """Types of session that this node serves."""

    max_sessions: int = 200
    """Sessions at the same time; a further one is refused with this limit's name."""

    window_bytes: int = 4 * MIB
    """Bytes towards the client that may await acknowledgement before the target is read no further."""

    max_payload_bytes: int = 128 * KIB
    """Largest payload of one message towards the client."""

    payload_digests: bool = False
    """Put a SHA-256 digest into every message also where both ends could agree to leave it out (SSH, which
    protects its own bytes). Costs about half a CPU second per GB and end."""

    dial_timeout_s: float = 10.0
    """How long a connection to the target may take."""

    redial_limit: int = 5
    """How often the target is dialled again when it hangs up before its first byte, as a busy sshd does."""

    source_address_per_principal: bool = True
    """On Linux, reach IPv4 loopback targets from an address in 127.0.0.0/8 that is derived from the session's
    owner, so that sshd's limits per source address count users and not the whole node."""

    half_closed_grace_s: float = 1.0
    """How long a client may be silent after its target's last byte before the session ends without its
    word."""

    resume_window_s: float = 300.0
    """How long a session waits for its lost data channel before it ends."""

    ping_interval_s: float = 54.0
    """Silence on the control channel after which the agent sends a ping."""

    pong_timeout_s: float = 30.0
    """How long any sign of life may take after a ping before the connection is given up."""

    data_ping_interval_s: float = 20.0
    """Silence on a data channel after which the agent sends a ping."""

    heartbeat_interval_s: float = 300.0
    """How often the node reports its state (UpdateInstanceInformation)."""

    request_timeout_s: float = 15.0
    """How long one request to the server may take, from dialling to the last byte of the answer; after one in
    vain up to twice as long, and so on to a minute, until there is an answer."""

    reconnect_first_s: float = 1.0
    """Upper bound of the first delay before the control channel is opened again."""

    reconnect_cap_s: float = 60.0
    """Upper bound of every such delay; the bound doubles from the first to this one."""

    log_level: str = "info"
    """"debug", "info", "warning" or "error"."""

    @property
    def ceiling(self) -> Ceiling:
        return Ceiling(self.allow_ports, self.allow_hosts, self.allow_session_types)


_PARSERS = {
    "allow_ports": parse_ports,
    "allow_hosts": parse_hosts,
    "allow_session_types": parse_session_types,
}
_LOG_LEVELS = ("debug", "info", "warning", "error")

_RANGES: dict[str, tuple[float, float]] = {
    "max_sessions": (1, 10_000),
    "window_bytes": (64 * KIB, 16 * MIB),
    "max_payload_bytes": (1 * KIB, 128 * KIB),
    "dial_timeout_s": (0.1, 120),
    "redial_limit": (0, 20),
    "half_closed_grace_s": (0.05, 86_400),
    "resume_window_s": (0, 86_400),
    "ping_interval_s": (1, 3600),
    "pong_timeout_s": (1, 600),
    "data_ping_interval_s": (1, 3600),
    "heartbeat_interval_s": (10, 3600),
    "request_timeout_s": (1, 120),
    "reconnect_first_s": (0.05, 60),
    "reconnect_cap_s": (0.05, 3600),
}
"""Smallest and largest useful value of every number."""


def load_settings(
    state_dir: Path, config_file: Path | None = None, options: Mapping[str, object] | None = None
) -> AgentSettings:
    """Merge defaults, the configuration file and `options` (field name to value; None means not given).

    A `config_file` that was named must exist; the default one need not. Raises `SettingsError`.
    """
    path = config_file or state_dir / CONFIG_FILE_NAME
    values = _read_config(path, required=config_file is not None)
    settings = {key: _checked(str(path), key, value) for key, value in values.items()}
    for key, value in (options or {}).items():
        if value is not None:
            settings[key] = _checked("option", key, value)
    merged = AgentSettings(state_dir=state_dir, **settings)  # type: ignore[arg-type]  # checked key by key above
    if merged.reconnect_first_s > merged.reconnect_cap_s:
        raise SettingsError("reconnect_first_s is above reconnect_cap_s: lower it or raise the cap")
    return merged


def _read_config(path: Path, *, required: bool) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError:
        if required:
            raise SettingsError(f"{path}: no such configuration file") from None
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > MAX_CONFIG_BYTES:
        raise SettingsError(f"{path}: larger than {MAX_CONFIG_BYTES} bytes; this is not a configuration file")
    try:
        return tomllib.loads(content.decode())
    except ValueError as error:  # both undecodable bytes and malformed TOML
        raise SettingsError(f"{path}: not valid TOML: {error}") from error


def _checked(origin: str, key: str, value: object) -> object:
    """`value` as the field `key` holds it. Raises `SettingsError` naming origin, key and expectation."""
    known = {field.name: field for field in fields(AgentSettings) if field.name != "state_dir"}
    if key not in known:
        raise SettingsError(f"{origin}: unknown setting {key!r}; known are: {', '.join(sorted(known))}")
    if key in _PARSERS:
        return _checked_list(origin, key, value)
    if key in _RANGES:
        return _checked_number(origin, key, value, known[key].type == "int")
    if key == "log_level":
        if value not in _LOG_LEVELS:
            raise SettingsError(f"{origin}: log_level must be one of {', '.join(_LOG_LEVELS)}")
        return value
    if not isinstance(value, bool):
        raise SettingsError(f"{origin}: {key} must be true or false")
    return value


def _checked_list(origin: str, key: str, value: object) -> object:
    if not isinstance(value, list):
        raise SettingsError(f"{origin}: {key} must be a list")
    entries = [str(entry) for entry in value if isinstance(entry, str | int) and not isinstance(entry, bool)]
    if len(entries) != len(value):
        raise SettingsError(f"{origin}: {key} must hold only texts and numbers")
    try:
        return _PARSERS[key](entries)
    except ValueError as error:
        raise SettingsError(f"{origin}: {error}") from error


def _checked_number(origin: str, key: str, value: object, whole: bool) -> int | float:
    low, high = _RANGES[key]
    kind = "a whole number" if whole else "a number"
    allowed = isinstance(value, int) or (isinstance(value, float) and not whole)
    if not allowed or isinstance(value, bool) or not low <= value <= high:  # type: ignore[operator]  # a number here
        raise SettingsError(f"{origin}: {key} must be {kind} from {low} to {high}")
    return value if whole else float(value)  # type: ignore[return-value, arg-type]  # a number here
