"""The repositories of the domain in memory: for unit tests of use cases, with the behaviour of the SQL store.

One lock makes transactions follow each other; a failed one puts back the tables as they were. Values are
immutable, so copies of the tables are cheap.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from fairlead.domain.activations import Activation, ActivationQuery
from fairlead.domain.audit import AuditRecord
from fairlead.domain.groups import Group
from fairlead.domain.identities import AccessKey, InlinePolicy, Role, User
from fairlead.domain.instance_identity import InstanceRegistration
from fairlead.domain.managed_policies import ManagedPolicy, PolicyVersion
from fairlead.domain.mfa import MfaDevice
from fairlead.domain.nodes import Beat, Node, NodeKind, NodeQuery, Presence, Twins
from fairlead.domain.resumption import ResumeChain
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import StoredSetting
from fairlead.domain.sessions import (
    TRANSITIONS,
    ChannelSide,
    ChannelToken,
    Session,
    SessionEnd,
    SessionQuery,
    SessionStatus,
)
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument
from fairlead.transparency.tiles import TileId
from tests.support.memory_audit import MemoryAudit
from tests.support.memory_documents import MemoryDocuments
from tests.support.memory_identities import MemoryGroups, MemoryIdentities, MemoryManagedPolicies
from tests.support.memory_mfa import MemoryMfa


@dataclass
class Tables:
    """All rows, by key."""

    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[bytes, ChannelToken] = field(default_factory=dict)
    chains: dict[str, ResumeChain | None] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    instance_registrations: dict[str, InstanceRegistration] = field(default_factory=dict)
    activations: dict[str, Activation] = field(default_factory=dict)
    service_settings: dict[tuple[Scope, str], StoredSetting] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, tuple[AccessKey, str]] = field(default_factory=dict)
    keys_off_by_lock: dict[str, None] = field(default_factory=dict)
    mfa_devices: dict[str, MfaDevice] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    policies: dict[tuple[str, str], InlinePolicy] = field(default_factory=dict)
    identity_tags: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    members: dict[tuple[str, str], None] = field(default_factory=dict)
    managed_policies: dict[str, ManagedPolicy] = field(default_factory=dict)
    policy_versions: dict[tuple[str, int], PolicyVersion] = field(default_factory=dict)
    documents: dict[tuple[Scope, str], StoredDocument] = field(default_factory=dict)
    document_versions: dict[tuple[Scope, str, int], DocumentVersion] = field(default_factory=dict)
    attachments: dict[tuple[str, str], None] = field(default_factory=dict)
    audit: dict[int, AuditRecord] = field(default_factory=dict)
    audit_places: dict[int, int] = field(default_factory=dict)
    audit_size: dict[None, int] = field(default_factory=dict)
    audit_tiles: dict[TileId, bytes] = field(default_factory=dict)
    audit_checkpoints: dict[int, tuple[int, datetime, str]] = field(default_factory=dict)

    def copied(self) -> "Tables":
        """The same rows in tables of their own."""
        return Tables(**{name: copy(rows) for name, rows in vars(self).items()})


class MemorySessions:
    """domain.sessions.SessionRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, session: Session) -> None:
        assert session.id not in self._tables.sessions
        self._tables.sessions[session.id] = session

    def get(self, scope: Scope, session_id: str, *, to_change: bool = False) -> Session | None:
        session = self.find(session_id, to_change=to_change)
        return session if session is not None and session.scope == scope else None

    def find(self, session_id: str, *, to_change: bool = False) -> Session | None:
        return self._tables.sessions.get(session_id)

    def set_status(self, session_id: str, status: SessionStatus) -> bool:
        session = self.find(session_id)
        if session is None or status not in TRANSITIONS[session.status]:
            return False
        self._tables.sessions[session_id] = replace(session, status=status)
        return True

    def set_agent_incarnation(self, session_id: str, incarnation: str) -> None:
        session = self._tables.sessions[session_id]
        self._tables.sessions[session_id] = replace(session, agent_incarnation=incarnation)

    def set_end(self, session_id: str, end: SessionEnd, at: datetime) -> bool:
        session = self.find(session_id)
        if session is None or not session.status.is_active:
            return False
        self._tables.sessions[session_id] = replace(session, status=end.status, end=end, ended_at=at)
        return True

    def set_traffic(self, session_id: str, bytes_to_node: int, bytes_to_client: int) -> None:
        session = self.find(session_id)
        if session is not None and session.end is not None:
            end = replace(session.end, bytes_to_node=bytes_to_node, bytes_to_client=bytes_to_client)
            self._tables.sessions[session_id] = replace(session, end=end)

    def resume_chain(self, session_id: str) -> ResumeChain | None:
        return self._tables.chains.get(session_id)

    def set_resume_chain(self, session_id: str, chain: ResumeChain | None) -> None:
        self._tables.chains[session_id] = chain

    def describe(self, query: SessionQuery) -> list[Session]:
        found = [session for session in self._tables.sessions.values() if _fits(session, query)]
        return sorted(found, key=_newest, reverse=True)[: query.limit]

    def active_of_node(self, scope: Scope, node_id: str) -> list[Session]:
        return [session for session in self.active() if (session.scope, session.target) == (scope, node_id)]

    def active_of_user(self, user_id: str) -> list[Session]:
        return [
            session
            for session in self.active()
            if user_id == session.owner_id
            or (session.owner_credentials is not None and session.owner_credentials.user_id == user_id)
        ]

    def active(self) -> list[Session]:
        found = [session for session in self._tables.sessions.values() if session.status.is_active]
        return sorted(found, key=_newest)

    def active_page(self, after_key: tuple[datetime, str] | None, limit: int) -> list[Session]:
        return [each for each in self.active() if after_key is None or _newest(each) > after_key][:limit]

    def count_active(self) -> int:
        return len(self.active())

    def purge_history(self, ended_before: datetime) -> int:
        old = [
            session.id
            for session in self._tables.sessions.values()
            if session.ended_at is not None and session.ended_at < ended_before
        ]
        for session_id in old:
            del self._tables.sessions[session_id]
        return len(old)

    def add_token(self, token: ChannelToken) -> None:
        self._tables.tokens[token.digest] = token

    def take_token(self, digest: bytes, now: datetime) -> ChannelToken | None:
        token = self._tables.tokens.get(digest)
        if token is None or token.expires_at <= now:
            return None
        return self._tables.tokens.pop(digest)

    def void_tokens(self, channel_id: str, side: ChannelSide | None = None) -> None:
        for token in list(self._tables.tokens.values()):
            if token.channel_id == channel_id and side in (None, token.side):
                del self._tables.tokens[token.digest]

    def purge_tokens(self, now: datetime) -> int:
        old = [token.digest for token in self._tables.tokens.values() if token.expires_at <= now]
        for digest in old:
            del self._tables.tokens[digest]
        return len(old)


def _newest(session: Session) -> tuple[datetime, str]:
    return session.started_at, session.id


def _fits(session: Session, query: SessionQuery) -> bool:
    return (
        session.scope == query.scope
        and session.status in query.statuses
        and query.target in (None, session.target)
        and query.owner_arn in (None, session.owner_arn)
        and query.session_id in (None, session.id)
        and (query.started_after is None or session.started_at >= query.started_after)
        and (query.started_before is None or session.started_at < query.started_before)
        and (
            query.ended_after is None
            or (session.ended_at is not None and session.ended_at >= query.ended_after)
        )
        and (query.after_key is None or _newest(session) < query.after_key)
    )


class MemoryNodes:
    """domain.nodes.NodeRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, node: Node) -> None:
        assert node.id not in self._tables.nodes
        self._tables.nodes[node.id] = node

    def get(self, scope: Scope, node_id: str, *, to_change: bool = False) -> Node | None:
        node = self.find(node_id)
        return node if node is not None and node.scope == scope else None

    def find(self, node_id: str) -> Node | None:
        return self._tables.nodes.get(node_id)

    def describe(self, query: NodeQuery) -> list[Node]:
        found = [node for node in self._tables.nodes.values() if _matches(node, query)]
        return sorted(found, key=lambda node: node.id)[: query.limit]

    def record_heartbeats(self, beats: Sequence[Beat]) -> None:
        for beat in beats:
            node = self.find(beat.node_id)
            if node is not None:
                known = {name: value for name, value in asdict(beat.heartbeat).items() if value}
                heard = replace(node, heartbeat=replace(node.heartbeat, **known), last_ping_at=beat.at)
                self._tables.nodes[node.id] = heard

    def set_public_key(self, node_id: str, public_key: bytes) -> None:
        self._tables.nodes[node_id] = replace(self._tables.nodes[node_id], public_key=public_key)

    def set_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        self._tables.nodes[node_id] = replace(self._tables.nodes[node_id], tags=tuple(sorted(tags.items())))

    def set_iam_role(self, node_id: str, iam_role: str) -> None:
        self._tables.nodes[node_id] = replace(self._tables.nodes[node_id], iam_role=iam_role)

    def set_twins(self, node_id: str, twins: Twins) -> None:
        self._tables.nodes[node_id] = replace(self._tables.nodes[node_id], twins=twins)

    def count_hybrid(self, scope: Scope, limit: int) -> int:
        of_scope = [node for node in self._tables.nodes.values() if node.scope == scope]
        return min(limit, sum(node.kind is NodeKind.HYBRID for node in of_scope))

    def silent_since(self, scope: Scope, before: datetime, after_id: str, limit: int) -> list[Node]:
        found = [
            node
            for node in self._tables.nodes.values()
            if node.scope == scope and node.id > after_id and node.last_sign_at < before
        ]
        return sorted(found, key=lambda node: node.id)[:limit]

    def set_connected(self, opened: Sequence[Presence]) -> None:
        for come in opened:
            node = self.find(come.node_id)
            if node is not None:
                self._tables.nodes[node.id] = replace(node, connected_since=come.connected_since)

    def set_departed(self, departures: Sequence[Presence]) -> None:
        for gone in departures:
            node = self.find(gone.node_id)
            if node is not None and node.connected_since == gone.connected_since:
                self._tables.nodes[node.id] = replace(node, connected_since=None)

    def connected_ids(self) -> list[str]:
        return sorted(node.id for node in self._tables.nodes.values() if node.connected_since is not None)

    def delete(self, node_id: str) -> None:
        self._tables.nodes.pop(node_id, None)


def _matches(node: Node, query: NodeQuery) -> bool:
    tags = dict(node.tags)
    wanted: tuple[tuple[object, Sequence[object] | None], ...] = (
        (node.id, query.node_ids),
        (node.activation_id, query.activation_ids),
        (node.iam_role, query.iam_roles),
        (node.heartbeat.agent_version, query.agent_versions),
        (node.heartbeat.platform_type, query.platform_types),
        (None if query.now is None else node.ping_status(query.now), query.ping_statuses),
        (node.kind, query.kinds),
    )
    return (
        node.scope == query.scope
        and all(values is None or value in values for value, values in wanted)
        and all(tags.get(key) in values for key, values in query.tags.items())
        and (query.tag_keys is None or not tags.keys().isdisjoint(query.tag_keys))
        and query.fingerprint in (None, node.fingerprint)
        and (node.twins is not None or not query.has_twins)
        and not any(_matches(node, unwanted) for unwanted in query.excluded)
        and (query.after_id is None or node.id > query.after_id)
    )


class MemoryInstanceRegistrations:
    """domain.instance_identity.InstanceRegistrationRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, instance_id: str, *, to_change: bool = False) -> InstanceRegistration | None:
        return self._tables.instance_registrations.get(instance_id)

    def claim(self, registration: InstanceRegistration) -> bool:
        known = self._tables.instance_registrations.setdefault(registration.instance_id, registration)
        return known is registration

    def replace(self, registration: InstanceRegistration) -> None:
        self._tables.instance_registrations[registration.instance_id] = registration


class MemoryActivations:
    """domain.activations.ActivationRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(self, activation: Activation) -> None:
        self._tables.activations[activation.id] = activation

    def get(self, scope: Scope, activation_id: str) -> Activation | None:
        activation = self.find(activation_id)
        return activation if activation is not None and activation.scope == scope else None

    def find(self, activation_id: str) -> Activation | None:
        return self._tables.activations.get(activation_id)

    def describe(self, query: ActivationQuery) -> list[Activation]:
        found = [
            activation
            for activation in self._tables.activations.values()
            if activation.scope == query.scope
            and (query.ids is None or activation.id in query.ids)
            and (
                query.default_instance_names is None
                or activation.default_instance_name in query.default_instance_names
            )
            and (query.iam_roles is None or activation.iam_role in query.iam_roles)
            and (query.after_key is None or (activation.created_at, activation.id) < query.after_key)
        ]
        found.sort(key=lambda activation: (activation.created_at, activation.id), reverse=True)
        return found[: query.limit]

    def claim_registration(self, activation_id: str) -> bool:
        activation = self._tables.activations[activation_id]
        if activation.registrations_count >= activation.registration_limit:
            return False
        self._tables.activations[activation_id] = replace(
            activation, registrations_count=activation.registrations_count + 1
        )
        return True

    def delete(self, activation_id: str) -> None:
        self._tables.activations.pop(activation_id, None)


class MemoryServiceSettings:
    """domain.service_settings.ServiceSettingRepository."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, scope: Scope, setting_id: str) -> StoredSetting | None:
        return self._tables.service_settings.get((scope, setting_id))

    def put(self, scope: Scope, setting_id: str, setting: StoredSetting) -> None:
        self._tables.service_settings[scope, setting_id] = setting


class MemoryUnitOfWork:
    """domain.unit_of_work.UnitOfWork."""

    def __init__(self, tables: Tables) -> None:
        self.sessions = MemorySessions(tables)
        self.nodes = MemoryNodes(tables)
        self.instance_registrations = MemoryInstanceRegistrations(tables)
        self.activations = MemoryActivations(tables)
        self.identities = MemoryIdentities(tables)
        self.groups = MemoryGroups(tables)
        self.managed_policies = MemoryManagedPolicies(tables)
        self.mfa = MemoryMfa(tables)
        self.documents = MemoryDocuments(tables)
        self.service_settings = MemoryServiceSettings(tables)
        self.audit = MemoryAudit(tables)


class MemoryStore:
    """domain.unit_of_work.Store. `commits` counts the transactions that were committed."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.commits = 0
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[MemoryUnitOfWork]:
        with self._lock:
            working = self.tables.copied()
            yield MemoryUnitOfWork(working)
            self.tables = working
            self.commits += 1

    def once_committed(self, tell: Callable[[], None]) -> None:
        tell()

    @contextmanager
    def read(self) -> Iterator[MemoryUnitOfWork]:
        with self._lock:
            yield MemoryUnitOfWork(self.tables.copied())
