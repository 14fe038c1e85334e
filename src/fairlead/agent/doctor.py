"""`fairlead doctor --node`: from the state directory to sshd on this machine, by the way of the server.

It looks at what a running agent uses and does what that does, beside it: nothing is changed, and no session
is touched.
"""

from __future__ import annotations

import asyncio
import time
from functools import cached_property
from typing import TYPE_CHECKING

from fairlead.agent import keys
from fairlead.agent.ceiling import PORT_SESSION
from fairlead.agent.connector import Connector
from fairlead.agent.control_channel import LINK_OPEN
from fairlead.agent.credentials import explain, key_signer
from fairlead.agent.errors import AgentError, ServiceError, SessionRefusedError
from fairlead.agent.identity import StateDirectory
from fairlead.agent.process import node_trust
from fairlead.agent.run_status import read_status
from fairlead.agent.service_client import ServiceClient
from fairlead.agent.settings import load_settings
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.diagnosis import Broken, Check, split_remedy
from fairlead.transport.dialer import connect
from fairlead.transport.errors import TransportError, printable
from fairlead.transport.network_path import NetworkPath

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fairlead.agent.identity import Registration
    from fairlead.agent.settings import AgentSettings
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.tls import Trust

FAILURES = (AgentError,)
"""What a check may raise besides the errors of `transport`."""

CA_REMEDY = "give the node the server's CA: register it again with --force and --ca or --ca-pin"

TARGET_HOST = "localhost"
"""Where sessions of the SSH document lead."""

BANNER_PATIENCE_S = 10.0
MAX_BANNER_BYTES = 255
"""Longest identification (RFC 4253 §4.2)."""

RECENT_TWIN_S = 3600.0
"""Another agent that was seen longer ago is taken for settled."""

SSH_BANNER = b"SSH-"

_REGISTER_AGAIN = "register the machine again with `fairlead agent register --force`"
_REMEDIES = {
    "InvalidInstanceId": f"the node was deregistered: {_REGISTER_AGAIN}",
    "InvalidSignatureException": f"the key in the state directory is not the node's: {_REGISTER_AGAIN}",
    "MachineFingerprintDoesNotMatch": f"another registration took the node's place: {_REGISTER_AGAIN}",
}


class NodeDoctor:
    """The checks of one run. `clock` gives epoch seconds."""

    def __init__(
        self,
        state_dir: Path,
        environ: Mapping[str, str],
        port: int = 22,
        *,
        clock: Callable[[], float] = time.time,
        connect_timeout_s: float | None = None,
    ) -> None:
        self._state = StateDirectory(state_dir)
        self._environ = environ
        self._port = port
        self._clock = clock
        self._path = NetworkPath(
            self._destination, environ, CA_REMEDY, clock=clock, connect_timeout_s=connect_timeout_s
        )

    def checks(self) -> list[Check]:
        """All of them, in the order of the hops. What does not hang on the server is judged without it
        as well, but what is wrong before that comes first."""
        return [
            Check("state directory", self._look_at_directory),
            Check("registration", self._look_at_registration),
            Check("settings", self._look_at_settings),
            *self._path.checks(),
            Check("credentials", self._prove_identity),
            Check("agent", self._look_at_process, stands_alone=True),
            Check("twins", self._look_for_twins),
            Check("control channel", self._look_at_link),
            Check("ceiling", self._ask_ceiling, stands_alone=True),
            Check("sshd", self._read_banner, stands_alone=True),
        ]

    def close(self) -> None:
        """Let go of the connection."""
        self._path.close()

    @cached_property
    def _registration(self) -> Registration:
        return self._state.load()

    @cached_property
    def _settings(self) -> AgentSettings:
        return load_settings(self._state.path)

    def _destination(self) -> tuple[Endpoint, Trust]:
        return parse_endpoint(self._registration.endpoint), node_trust(self._state, self._environ)

    def _look_at_directory(self) -> str:
        self._state.check_private()
        return f"{self._state.path}, for its owner only"

    def _look_at_registration(self) -> str:
        registration = self._registration
        keys.public_key(self._state.read_key(registration.key_file))
        return f"{registration.instance_id} at {registration.endpoint}, region {registration.region}"

    def _look_at_settings(self) -> str:
        ports = ", ".join(str(each) for each in self._settings.allow_ports)
        return f"allow_ports {ports}, allow_hosts {', '.join(self._settings.allow_hosts)}"

    def _prove_identity(self) -> str:
        registration = self._registration
        candidates = [name for name in (registration.key_file, registration.next_key_file) if name]
        for name in candidates:
            try:
                return asyncio.run(self._request_token(name))
            except ServiceError as error:
                if name != candidates[-1] and error.status < 500:
                    continue  # of a key change that was cut short: the agent tries both as well
                remedy = _REMEDIES.get(error.code)
                if remedy is None:
                    raise Broken(explain(error)) from error
                raise Broken(str(error), remedy) from error
        raise AssertionError("unreachable: the last candidate returns or raises")

    async def _request_token(self, key_file: str) -> str:
        endpoint, trust = self._destination()
        registration, settings = self._registration, self._settings
        service = ServiceClient(Connector(endpoint, trust, self._environ, settings.request_timeout_s))
        signer = key_signer(self._state, registration, key_file, self._clock)
        token = await service.request_role_token(registration.fingerprint, signer, self._clock())
        return f"the server knows this node and gives it credentials ({token.access_key_id})"

    def _look_at_process(self) -> str:
        if not self._state.is_in_use():
            raise Broken(
                f"no agent runs with {self._state.path}",
                f"start it: fairlead agent run --state-dir {self._state.path} (or its service)",
            )
        status = read_status(self._state)
        return "runs" if status is None else f"process {status.pid}, version {printable(status.version, 60)}"

    def _look_at_link(self) -> str:
        status = read_status(self._state)
        if status is None or not status.link:
            raise Broken(
                "the agent runs and has not said yet that its control channel is open",
                "wait a moment, then look at its log",
            )
        if status.link != LINK_OPEN:
            raise Broken(
                f"the agent has no control channel: {status.link}",
                "it tries again by itself; its log says more",
            )
        return "open"

    def _look_for_twins(self) -> str:
        status = read_status(self._state)
        displaced_at = 0.0 if status is None else status.displaced_at
        ago = self._clock() - displaced_at
        if displaced_at and ago < RECENT_TWIN_S:
            raise Broken(
                f"another machine runs an agent as {self._registration.instance_id}: it took this one's place"
                f" {max(0.0, ago):.0f} s ago",
                "a cloned image or a stolen key: deregister the node, and register each machine by itself",
            )
        return "no other agent was seen with this identity"

    def _ask_ceiling(self) -> str:
        ceiling = self._settings.ceiling
        try:
            ceiling.check_session_type(PORT_SESSION)
            ceiling.check_target(TARGET_HOST, self._port)
        except SessionRefusedError as error:
            raise Broken(
                str(error), f"allow it in {self._state.path}/agent.toml, then restart the agent"
            ) from error
        return f"allows port {self._port}, as far as agent.toml says"

    def _read_banner(self) -> str:
        place = f"{TARGET_HOST}:{self._port}"
        remedy = "start sshd, or give the --port that it listens on"
        try:
            connected = connect(TARGET_HOST, self._port)
        except TransportError as error:
            raise Broken(f"no sshd: {split_remedy(error)[0]}", remedy) from error
        with connected:
            connected.settimeout(BANNER_PATIENCE_S)
            try:
                banner = connected.recv(MAX_BANNER_BYTES)
            except OSError as error:
                raise Broken(f"{place} accepts connections but says nothing", remedy) from error
        shown = printable(banner.partition(b"\n")[0].decode(errors="replace"), MAX_BANNER_BYTES)
        if not banner.startswith(SSH_BANNER):
            raise Broken(f"what listens at {place} is not sshd: it says {shown!r}", remedy)
        return f"port {self._port} answers: {shown}"
