"""`fairlead doctor` on a user's machine: from the settings to the first line of sshd, and the login.

Every step is made by what makes it for a session; here they are only put in an order, one hop each, so that
the first one that fails is the one to mend. The probe's session is in the history like any other.
"""

from __future__ import annotations

import contextlib
import time
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from fairlead.aws import arn
from fairlead.client.admin_api import AdminApi
from fairlead.client.api_calls import SessionApi
from fairlead.client.caller_identity import CallerIdentity, caller_identity
from fairlead.client.credentials import CredentialSource, resolve_credentials
from fairlead.client.errors import ClientError, ServiceError
from fairlead.client.explanations import deciding_lines
from fairlead.client.session_probe import Probed, probe
from fairlead.client.session_subject import SSH_DOCUMENT, SessionSubject
from fairlead.client.settings import ClientSettings
from fairlead.client.shown_values import duration, moment
from fairlead.client.ssh_login import Login, try_login
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.diagnosis import Broken, Check, NotKnown, split_remedy
from fairlead.transport.dialer import Dialer
from fairlead.transport.errors import TransportError, printable
from fairlead.transport.network_path import NetworkPath

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fairlead.client.api_calls import SessionGrant
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.tls import Trust

FAILURES = (ClientError,)
"""What a check may raise besides the errors of `transport`."""

DENIED_CODES = frozenset(("AccessDeniedException", "AccessDenied"))

CA_REMEDY = (
    "name the right CA file with SSL_CERT_FILE and AWS_CA_BUNDLE: the server's ca-bundle.pem, from its state"
    " directory"
)

RECENT_TWINS_S = 3600.0
"""Two agents under one id that were seen longer ago are taken for settled."""

SSH_BANNER = b"SSH-"
SSHD_IS_FULL = b"Exceeded MaxStartups"

_AT_THE_TARGET = ("does not accept connections", "does not allow", "Unable to connect")
"""Signs, in the reason why a session ended, that it got to the node and failed there (`agent.ceiling`,
`agent.dialing`, `ssh_proxy`)."""


class Question(NamedTuple):
    """What is to be looked at. Without `target` the checks end with the caller's identity."""

    target: str | None
    port: int = 22
    user: str | None = None
    identity_file: str | None = None
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


class ClientDoctor:
    """The checks of one run. `proxy_command` is ours, as ssh is to run it; `clock` gives epoch seconds."""

    def __init__(
        self,
        question: Question,
        environ: Mapping[str, str],
        proxy_command: str,
        *,
        clock: Callable[[], float] = time.time,
        connect_timeout_s: float | None = None,
    ) -> None:
        self._question = question
        self._environ = environ
        self._proxy_command = proxy_command
        self._clock = clock
        self._path = NetworkPath(
            self._destination, environ, CA_REMEDY, clock=clock, connect_timeout_s=connect_timeout_s
        )
        self._settings = ClientSettings(
            environ,
            region=question.region,
            profile=question.profile,
            endpoint_url=question.endpoint_url,
        )

    def checks(self) -> list[Check]:
        """All of them, in the order of the hops."""
        checks = [
            Check("settings", self._read_settings),
            *self._path.checks(),
            Check("credentials", self._find_credentials),
            Check("identity", self._show_identity),
        ]
        if self._question.target is not None:
            target = _Target(self, self._question.target, self._question.port)
            checks += target.checks()
            if self._question.user is not None or self._question.identity_file is not None:
                checks.append(Check("key", lambda: self._log_in(target.node_id)))
        return checks

    def close(self) -> None:
        """Let go of every connection."""
        self._path.close()
        for name in ("api", "admin_api"):
            api = self.__dict__.get(name)  # unless it was never made
            if api is not None:
                api.close()

    @cached_property
    def dialer(self) -> Dialer:
        """Makes every connection but that of the network's own checks."""
        return Dialer(self._settings.trust, self._environ)

    @cached_property
    def api(self) -> SessionApi:
        """Calls of `ssm`."""
        endpoint = self._settings.endpoint_url("ssm")
        return SessionApi(endpoint, self._settings.region, self._source, self.dialer, clock=self._clock)

    @cached_property
    def admin_api(self) -> AdminApi | None:
        """Calls of our own operations; None where no server of ours is configured."""
        settings = self._settings
        endpoint = settings.configured_endpoint("fairlead") or settings.configured_endpoint("ssm")
        if endpoint is None:
            return None
        return AdminApi(endpoint, self._settings.region, self._source, self.dialer, clock=self._clock)

    @cached_property
    def identity(self) -> CallerIdentity:
        """Who the server takes us for. Raises `ServiceError` or a `TransportError`."""
        settings = self._settings
        endpoint = self._question.endpoint_url or settings.endpoint_url("sts")
        return caller_identity(endpoint, settings.region, self._source.get(), self.dialer, self._clock())

    @cached_property
    def region(self) -> str:
        """The region that is signed for."""
        return self._settings.region

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self._clock()

    @cached_property
    def _source(self) -> CredentialSource:
        return CredentialSource(lambda: resolve_credentials(self._settings, self.dialer), self._clock)

    def _destination(self) -> tuple[Endpoint, Trust]:
        return parse_endpoint(self._settings.endpoint_url("ssm")), self._settings.trust

    def _read_settings(self) -> str:
        endpoint, trust = self._destination()
        configured = self._settings.configured_endpoint("ssm")
        where = endpoint.authority if configured else f"{endpoint.authority}, AWS's own: none is configured"
        return f"region {self._settings.region}, endpoint {where}, trusting {trust.shown}"

    def _find_credentials(self) -> str:
        found = self._source.get()
        return f"access key {found.credentials.access_key_id} from {found.source}"

    def _show_identity(self) -> str:
        return self.identity.arn

    def _log_in(self, node_id: str) -> str:
        question = self._question
        login = Login(node_id, question.port, question.user, question.identity_file, self._proxy_command)
        return try_login(login, self._environ)


class _Target:
    """The checks beyond the server: the node, the right to it, the data channel, and what answers there."""

    def __init__(self, doctor: ClientDoctor, node_id: str, port: int) -> None:
        self._doctor = doctor
        self.node_id = node_id
        self._port = port
        self._grant: SessionGrant | None = None
        self._probed = Probed(b"", None)

    def checks(self) -> list[Check]:
        return [
            Check("node", self._look_at_node),
            Check("permission", self._start_session),
            Check("data channel", self._open_channel),
            Check("sshd", self._read_banner),
        ]

    def _look_at_node(self) -> str:
        try:
            status = self._doctor.api.call("GetConnectionStatus", {"Target": self.node_id}).get("Status")
        except ServiceError as error:
            if error.code in DENIED_CODES:
                raise NotKnown("not asked: needs the right to ssm:GetConnectionStatus") from error
            raise
        self._check_for_twins()  # these are connected by turns
        if status != "connected":
            raise self._why_offline()
        return f"{self.node_id} is connected"

    def _why_offline(self) -> Broken:
        filters = [{"Key": "InstanceIds", "Values": [self.node_id]}]
        remedy = "run `fairlead doctor --node --state-dir DIR` on that machine"
        try:
            found = self._doctor.api.call("DescribeInstanceInformation", {"Filters": filters})
        except ServiceError as error:
            if error.code != "InvalidInstanceId":
                return Broken(f"{self.node_id} is not connected, or there is no such node", remedy)
            found = {}
        nodes = found.get("InstanceInformationList")
        if not isinstance(nodes, list) or not nodes:
            return Broken(
                f"there is no node {printable(self.node_id, 100)} in account {self._doctor.identity.account},"
                f" region {self._doctor.region}",
                "check the id (`fairlead nodes list`), or register the machine (`fairlead agent register`)",
            )
        last = nodes[0].get("LastPingDateTime")
        heard = (
            f"last heard {duration(self._doctor.now - last)} ago ({moment(last)})"
            if isinstance(last, int | float)
            else "never heard of since it was registered"
        )
        return Broken(f"{self.node_id} is not connected, {heard}", remedy)

    def _check_for_twins(self) -> None:
        """For those who may see it: whether two machines are alive under this id."""
        api = self._doctor.admin_api
        if api is None:
            return
        try:
            found = api.call("DescribeNodes", {"InstanceIds": [self.node_id]}).get("Nodes")
        except ServiceError:  # without the right to it, or at AWS: then nobody is told
            return
        twins = found[0].get("Twins") if isinstance(found, list) and found else None
        last = twins.get("LastSeen") if isinstance(twins, dict) else None
        if isinstance(last, int | float) and self._doctor.now - last < RECENT_TWINS_S:
            raise Broken(
                f"two agents are alive as {self.node_id}, seen last at {moment(last)}",
                "a cloned image or a stolen key: `fairlead nodes show` says from where; deregister the node,"
                " and register each machine by itself",
            )

    def _start_session(self) -> str:
        request: dict[str, object] = {
            "Target": self.node_id,
            "DocumentName": SSH_DOCUMENT,
            "Parameters": {"portNumber": [str(self._port)]},
            "Reason": "fairlead doctor",
        }
        try:
            self._grant = self._doctor.api.start_session(request)
        except ServiceError as error:
            if error.code not in DENIED_CODES:
                raise
            raise Broken(str(error), self._why_denied()) from error
        return f"session {self._grant.session_id} to port {self._port} was started"

    def _why_denied(self) -> str:
        doctor = self._doctor
        resources = (
            str(arn.node(doctor.region, doctor.identity.account, self.node_id)),
            str(arn.aws_document(doctor.region, SSH_DOCUMENT)),
        )
        principal = doctor.identity.arn
        members: dict[str, object] = {
            "Principal": principal,
            "Action": "ssm:StartSession",
            "Resources": list(resources),
        }
        if doctor.admin_api is not None:
            with contextlib.suppress(ClientError, TransportError):  # without the right to it, for one
                lines = deciding_lines(doctor.admin_api.call("ExplainAccess", members))
                if lines:
                    return " ".join(lines)
        question = f"{principal} ssm:StartSession {' '.join(resources)}"
        return f"an administrator sees why: fairlead iam why {question}"

    def _open_channel(self) -> str:
        assert self._grant is not None
        subject = SessionSubject("fairlead doctor", self.node_id, str(self._port), SSH_DOCUMENT)
        self._probed = probe(subject, self._grant, self._doctor.api, self._doctor.dialer)
        failure = self._probed.failure
        if failure is not None and not self._probed.banner and not _is_of_the_target(failure):
            raise failure
        return "open, end to end"

    def _read_banner(self) -> str:
        banner, failure = self._probed
        shown = printable(banner.decode(errors="replace"), 200)
        if banner.startswith(SSH_BANNER):
            return f"port {self._port} answers: {shown}"
        if banner.startswith(SSHD_IS_FULL):
            raise Broken(
                f"sshd on {self.node_id} is at its limit: {shown}", "raise MaxStartups in sshd_config"
            )
        if failure is not None:
            fact = split_remedy(failure)[0]
            remedy = "allow it in the node's agent.toml, or give another --port"
            if "allow_" not in fact:
                remedy = "start sshd on the node, or give the --port that it listens on"
            raise Broken(fact, remedy)
        if banner:
            raise Broken(
                f"port {self._port} of {self.node_id} is not sshd's: it says {shown!r}",
                "give the --port that sshd listens on",
            )
        raise Broken(
            f"port {self._port} of {self.node_id} accepts connections but says nothing",
            "look at sshd's log on the node, or give the --port that it listens on",
        )


def _is_of_the_target(failure: Exception) -> bool:
    return any(sign in str(failure) for sign in _AT_THE_TARGET)
