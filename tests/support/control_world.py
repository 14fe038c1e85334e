"""An installation in memory for tests of use cases: a clock to move, chance that repeats, a deaf gateway."""

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fairlead.api.errors import audit_code
from fairlead.aws import sigv4
from fairlead.control.activations import Activations
from fairlead.control.attachments import Attachments
from fairlead.control.audit_log import AuditLog
from fairlead.control.audit_proofs import AuditProofs
from fairlead.control.authentication import Authenticator
from fairlead.control.boundaries import Boundaries
from fairlead.control.callers import Callers
from fairlead.control.channels import Channels
from fairlead.control.documents import Documents
from fairlead.control.environment import ControlSettings, Environment
from fairlead.control.event_history import EventHistory
from fairlead.control.explanations import Explanations
from fairlead.control.fleet import Fleet
from fairlead.control.groups import Groups
from fairlead.control.identities import Identities
from fairlead.control.identity_changes import IdentityChanges
from fairlead.control.identity_tags import IdentityTags
from fairlead.control.instance_identity import InstanceIdentities
from fairlead.control.managed_policies import ManagedPolicies
from fairlead.control.mfa import Mfa
from fairlead.control.nodes import Nodes
from fairlead.control.resource_tags import ResourceTags
from fairlead.control.sealing import Sealer
from fairlead.control.security_tokens import SecurityTokens
from fairlead.control.server_drain import ServerDrain
from fairlead.control.service_settings import ServiceSettings
from fairlead.control.sessions import Sessions
from fairlead.control.simulation import Simulations
from fairlead.control.user_locks import UserLocks
from fairlead.control.web_identities import WebIdentities
from fairlead.domain.audit import AuditRecord
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.identities import AccessKey, InlinePolicy
from fairlead.domain.instance_identity import NOBODY_TRUSTED
from fairlead.domain.nodes import Node
from fairlead.domain.operations.sessions import StartSessionRequest, StartSessionResponse
from fairlead.domain.resumption import ClientClaim
from fairlead.domain.sessions import Session, SessionEnd
from fairlead.transparency.notes import NoteSigner
from tests.support.factories import NOW, SCOPE, a_node, a_role, a_user
from tests.support.memory_store import MemoryStore

NODE_ID = "mi-0123456789abcdef0"
ORIGIN = Origin(source_address="192.0.2.7", user_agent="aws-cli/1.45", request_id="request-1")
STREAM_BASE_URL = "wss://gateway.example:8443"
FINGERPRINT = "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10"
NODE_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "ssm.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


def statement(effect: str, action: Any, resource: Any = "*") -> dict[str, Any]:
    """One statement of a policy."""
    return {"Effect": effect, "Action": action, "Resource": resource}


def policy(*statements: dict[str, Any]) -> str:
    """The text of a policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


ALLOW_ALL = policy(statement("Allow", "*"))


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    """The same RSA key each time it is asked for by number."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_key_der(key: rsa.RSAPrivateKey) -> bytes:
    """The DER SubjectPublicKeyInfo."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key_text(key: rsa.RSAPrivateKey) -> str:
    """The same in base64, as agents send it."""
    return base64.b64encode(public_key_der(key)).decode()


@dataclass
class RecordingNotifier:
    """An AgentNotifier that remembers what it was told, and how much was committed by then."""

    store: Any
    connected: set[str] = field(default_factory=set)
    reconnecting: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)
    traffic: dict[str, tuple[int, int]] = field(default_factory=dict)
    news: list[tuple[Any, ...]] = field(default_factory=list)
    commits_when_told: list[int] = field(default_factory=list)

    def session_started(self, session: Session) -> None:
        self._note("started", session.id)

    def session_terminated(self, session: Session, end: SessionEnd) -> None:
        self._note("terminated", session.id, end.reason)

    def node_removed(self, node_id: str) -> None:
        self._note("removed", node_id)

    def is_connected(self, node_id: str) -> bool:
        return node_id in self.connected

    def has_our_agent(self, node_id: str) -> bool:
        return node_id in self.ours

    def is_reconnecting(self, node_id: str) -> bool:
        return node_id in self.reconnecting

    def bytes_of(self, session_id: str) -> tuple[int, int]:
        return self.traffic.get(session_id, (0, 0))

    def _note(self, *what: Any) -> None:
        self.news.append(what)
        self.commits_when_told.append(getattr(self.store, "commits", 0))


AUDIT_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class World:
    """Everything that `control` offers, over one store."""

    def __init__(self, store: Any = None, **settings: Any) -> None:
        """`store` is one in memory unless another is given; only that one shows its `tables`."""
        self.now = NOW
        self.has_room = True
        self._counter = itertools.count()
        self.store = MemoryStore() if store is None else store
        self.settings = ControlSettings(
            **{"account_id": SCOPE.account_id, "regions": ("us-east-1", "eu-central-1"), **settings}
        )
        self.env = Environment(
            store=self.store,
            now=lambda: self.now,
            random_bytes=self.random_bytes,
            sealer=Sealer(bytes(range(32)), self.random_bytes),
            settings=self.settings,
            error_code=audit_code,
            has_room=lambda: self.has_room,
        )
        self.notifier = RecordingNotifier(self.store)
        self.authenticator = Authenticator(self.env)
        self.server_drain = ServerDrain(self.env, self.notifier)
        self.simulations = Simulations(self.env)
        self.explanations = Explanations(self.env)
        self.sessions = Sessions(self.env, self.notifier, self.server_drain)
        self.channels = Channels(self.env, self.notifier)
        self.activations = Activations(self.env)
        self.nodes = Nodes(self.env, self.notifier)
        self.fleet = Fleet(self.env, self.notifier)
        self.instance_identities = InstanceIdentities(self.env, self.notifier, NOBODY_TRUSTED)
        self.documents = Documents(self.env)
        self.identities = Identities(self.env)
        self.resource_tags = ResourceTags(self.env)
        self.service_settings = ServiceSettings(self.env)
        self.security_tokens = SecurityTokens(self.env)
        self.web_identities = WebIdentities(self.env)
        self.mfa = Mfa(self.env)
        self.user_locks = UserLocks(self.env, self.notifier)
        self.managed_policies = ManagedPolicies(self.env)
        self.identity_changes = IdentityChanges(self.env)
        self.identity_tags = IdentityTags(self.env)
        self.groups = Groups(self.env)
        self.boundaries = Boundaries(self.env)
        self.attachments = Attachments(self.env)
        self.callers = Callers(self.env)
        self.audit_log = AuditLog(self.env, NoteSigner("fairlead/audit/test", AUDIT_KEY))
        self.event_history = EventHistory(self.env, self.audit_log)
        self.audit_proofs = AuditProofs(self.env, self.audit_log)

    def random_bytes(self, count: int) -> bytes:
        """Bytes that differ at each call and repeat in each test."""
        return hashlib.shake_256(str(next(self._counter)).encode()).digest(count)

    def advance(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def user(self, name: str = "alice", *policies: str, **changes: Any) -> Caller:
        """A user with these policies (all rights by default), as a caller."""
        user = a_user(id=f"AIDA{name.upper():X<17}"[:21], name=name, **changes)
        with self.store.transaction() as uow:
            uow.identities.add_user(user)
            for number, text in enumerate(policies or (ALLOW_ALL,)):
                uow.identities.put_policy(user.id, InlinePolicy(name=f"policy-{number}", document=text))
        return Caller(
            kind=CallerKind.USER,
            scope=SCOPE,
            arn=user.arn,
            principal_id=user.id,
            name=user.name,
            access_key_id="AKIAIOSFODNN7EXAMPLE",
            origin=ORIGIN,
        )

    def key_of(self, caller: Caller, secret: str = "secret", **changes: Any) -> sigv4.Credentials:
        """An access key for a user."""
        key = AccessKey(
            id=changes.pop("id", "AKIAIOSFODNN7EXAMPLE"),
            user_id=caller.principal_id,
            user_name=caller.name,
            is_active=True,
            created_at=self.now,
        )
        with self.store.transaction() as uow:
            uow.identities.add_access_key(replace(key, **changes), secret)
        return sigv4.Credentials(key.id, secret)

    def role(self, *policies: str, **changes: Any) -> None:
        """The role of nodes, with these policies."""
        role = a_role(**{"trust_policy": NODE_TRUST, **changes})
        with self.store.transaction() as uow:
            uow.identities.add_role(role)
            for number, text in enumerate(policies):
                uow.identities.put_policy(role.id, InlinePolicy(name=f"policy-{number}", document=text))

    def node(self, node_id: str = NODE_ID, *, connected: bool = True, **changes: Any) -> Caller:
        """A registered node, as a caller with credentials of its role."""
        node: Node = a_node(id=node_id, fingerprint=FINGERPRINT, **changes)
        with self.store.transaction() as uow:
            uow.nodes.add(node)
        if connected:
            self.notifier.connected.add(node_id)
        return Caller(
            kind=CallerKind.NODE,
            scope=node.scope,
            arn=f"arn:aws:sts::{node.scope.account_id}:assumed-role/{node.role_name}/{node_id}",
            principal_id=f"AROAEXAMPLENODE000001:{node_id}",
            name=node_id,
            access_key_id="ASIAIOSFODNN7EXAMPLE",
            origin=ORIGIN,
            node_id=node_id,
            role_name=node.role_name,
            role_arn=f"arn:aws:iam::{node.scope.account_id}:role/{node.iam_role}",
        )

    def start(self, caller: Caller, target: str = NODE_ID, **members: Any) -> StartSessionResponse:
        """Start an SSH session."""
        request = StartSessionRequest(**{"target": target, "document_name": "AWS-StartSSHSession", **members})
        return self.sessions.start_session(caller, request, STREAM_BASE_URL)

    def open_client(
        self,
        session_id: str | None,
        token: str | None = "",
        *,
        may_record_refusal: Callable[[], bool] = lambda: True,
        **claim: Any,
    ) -> Session:
        """Open the client's side of a session with a token, or with what else a `ClientClaim` holds."""
        origin = claim.pop("origin", ORIGIN)
        shown = ClientClaim(token=token or "", **claim)
        return self.channels.open_client_data_channel(session_id or "", shown, origin, may_record_refusal)

    def session(self, session_id: str | None) -> Session:
        """A session as it is stored now."""
        return self.store.tables.sessions[session_id or ""]

    @property
    def audit(self) -> list[AuditRecord]:
        """Every audit record, oldest first."""
        return list(self.store.tables.audit.values())

    @property
    def last_record(self) -> AuditRecord:
        """The newest audit record."""
        return self.audit[-1]


def http_request(**changes: Any) -> sigv4.Request:
    """An unsigned request to `ssm`."""
    headers = changes.get("headers", {})
    return sigv4.Request(
        changes.get("method", "POST"),
        changes.get("path", "/"),
        "",
        (
            ("Host", "gateway.example:8443"),
            ("Content-Type", "application/x-amz-json-1.1"),
            *headers.items(),
        ),
        changes.get("body", b"{}"),
    )


def signed_request(
    credentials: sigv4.Credentials,
    now: datetime,
    *,
    service: str = "ssm",
    region: str = "us-east-1",
    request: sigv4.Request | None = None,
) -> sigv4.Request:
    """A request signed with an access key."""
    unsigned = request or http_request()
    added = sigv4.sign_with(credentials, unsigned, region=region, service=service, now=now.timestamp())
    return with_headers(unsigned, dict(added))


def node_signed_request(
    node_id: str, key: rsa.RSAPrivateKey, now: datetime, *, service: str = "ssm", region: str = "us-east-1"
) -> sigv4.Request:
    """A request signed with a node's RSA key, as agents do."""

    def signer(_scope: sigv4.Scope, text: str) -> str:
        return base64.b64encode(key.sign(text.encode(), PSS(MGF1(SHA256()), 32), SHA256())).decode()

    unsigned = http_request()
    added = sigv4.sign(
        unsigned,
        credential_id=node_id,
        signer=signer,
        region=region,
        service=service,
        now=now.timestamp(),
    )
    return with_headers(unsigned, dict(added))


def with_headers(request: sigv4.Request, added: Mapping[str, str]) -> sigv4.Request:
    """The request with more headers."""
    headers = (*request.headers, *added.items())
    return sigv4.Request(request.method, request.path, request.query, headers, request.body)
