"""Managed nodes: identity, heartbeat, and where they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from fairlead.domain.scope import Scope

ONLINE_WITHIN = timedelta(minutes=12)
"""A node whose last heartbeat is younger is Online: two beats of five minutes and some slack."""
INACTIVE_AFTER = timedelta(days=30)
"""A node silent for longer is Inactive rather than ConnectionLost."""
MAX_TAGS_PER_NODE = 50
HYBRID_PREFIX = "mi-"
MAX_STANDARD_NODES = 1000
"""Hybrid nodes of one account and region in the standard-instances tier."""


class PingStatus(Enum):
    """What the heartbeats tell; the control channel tells GetConnectionStatus separately."""

    ONLINE = "Online"
    CONNECTION_LOST = "ConnectionLost"
    INACTIVE = "Inactive"


class NodeKind(Enum):
    """What a node is, by its id; the values are those of `ResourceType` in the API."""

    HYBRID = "ManagedInstance"
    """`mi-…`: registered with an activation, and subject to the activation tier."""
    EC2 = "EC2Instance"
    """`i-…`: known by its instance id."""

    @classmethod
    def of(cls, node_id: str) -> "NodeKind":
        """The kind that an id belongs to."""
        return cls.HYBRID if node_id.startswith(HYBRID_PREFIX) else cls.EC2


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a node says about itself. None of it is an input to authorization."""

    agent_name: str = ""
    agent_version: str = ""
    platform_type: str = ""
    platform_name: str = ""
    platform_version: str = ""
    ip_address: str = ""
    computer_name: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSighting:
    """One of two live control channels: from where it came, and since when it is open."""

    source_address: str
    connected_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """Two agents that were alive under one node id: a cloned image or a stolen key.

    `served` and `displaced` are those of the last time; `count` is how often it was seen.
    """

    first_seen_at: datetime
    last_seen_at: datetime
    count: int
    served: ChannelSighting
    displaced: ChannelSighting


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A managed node of either kind. `public_key` is the DER SubjectPublicKeyInfo of its RSA key."""

    id: str
    scope: Scope
    activation_id: str | None
    """None for a node that joined without one."""
    iam_role: str
    """Role name, with its path when it has one, as given to CreateActivation."""
    name: str | None
    public_key: bytes
    fingerprint: str
    """What the machine calls its installation; an agent keeps it when it registers again."""
    registered_at: datetime
    heartbeat: Heartbeat
    last_ping_at: datetime | None = None
    connected_since: datetime | None = None
    """When its control channel was opened, if it is open, or was when the server last ended."""
    tags: tuple[tuple[str, str], ...] = ()
    """Keys and values, ordered by key. They come from the activation and from administrators, never from the
    machine."""
    twins: Twins | None = None
    """Set once two agents were seen alive under this id."""

    @property
    def kind(self) -> NodeKind:
        """Hybrid or EC2, by the id."""
        return NodeKind.of(self.id)

    @property
    def role_name(self) -> str:
        """The role's name without its path."""
        return self.iam_role.rpartition("/")[2]

    @property
    def last_sign_at(self) -> datetime:
        """When it was last heard of: its last heartbeat, or its registration."""
        return self.last_ping_at or self.registered_at

    def ping_status(self, now: datetime) -> PingStatus:
        """Online, ConnectionLost or Inactive by the age of the last heartbeat."""
        silence = now - self.last_sign_at
        if self.last_ping_at is not None and silence <= ONLINE_WITHIN:
            return PingStatus.ONLINE
        return PingStatus.INACTIVE if silence > INACTIVE_AFTER else PingStatus.CONNECTION_LOST


@dataclass(frozen=True, slots=True)
class Presence:
    """A control channel of a node, known by the moment at which it was opened."""

    node_id: str
    connected_since: datetime


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat of a node, and when it came."""

    node_id: str
    heartbeat: Heartbeat
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeQuery:
    """Which nodes are looked for: all given fields must hold, each by any of its values."""

    scope: Scope
    kinds: Sequence[NodeKind] | None = None
    node_ids: Sequence[str] | None = None
    activation_ids: Sequence[str] | None = None
    iam_roles: Sequence[str] | None = None
    agent_versions: Sequence[str] | None = None
    platform_types: Sequence[str] | None = None
    ping_statuses: Sequence[PingStatus] | None = None
    now: datetime | None = None
    """The moment that `ping_statuses` refers to."""
    tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """For each key the values of which the node must have one."""
    tag_keys: Sequence[str] | None = None
    fingerprint: str | None = None
    has_twins: bool = False
    """Only nodes that two agents were seen alive as."""
    excluded: Sequence["NodeQuery"] = ()
    """Nodes that one of these finds are not wanted."""
    after_id: str | None = None
    limit: int = 10


class NodeRepository(Protocol):
    """Where managed nodes are kept."""

    def add(self, node: Node) -> None: ...
    def get(self, scope: Scope, node_id: str, *, to_change: bool = False) -> Node | None:
        """`to_change`: until the transaction ends nobody else gets the node to change it."""
        ...

    def find(self, node_id: str) -> Node | None:
        """Look a node up by id alone; ids are unique over accounts and regions."""
        ...

    def describe(self, query: NodeQuery) -> list[Node]:
        """Nodes ordered by id."""
        ...

    def record_heartbeats(self, beats: Sequence[Beat]) -> None:
        """Keep the heartbeats, of each node one; their empty fields leave what was known."""
        ...

    def set_public_key(self, node_id: str, public_key: bytes) -> None: ...
    def set_tags(self, node_id: str, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        ...

    def set_connected(self, opened: Sequence[Presence]) -> None:
        """These control channels are open, of one node the last; one opened before is forgotten."""
        ...

    def set_departed(self, departures: Sequence[Presence]) -> None:
        """These control channels are not open any more. Who has opened another one since stays connected."""
        ...

    def connected_ids(self) -> list[str]:
        """The nodes of the installation that are connected, or were when the server last ended."""
        ...

    def set_iam_role(self, node_id: str, iam_role: str) -> None: ...
    def set_twins(self, node_id: str, twins: Twins) -> None: ...
    def count_hybrid(self, scope: Scope, limit: int) -> int:
        """How many hybrid nodes there are; `limit` if there are more."""
        ...

    def silent_since(self, scope: Scope, before: datetime, after_id: str, limit: int) -> list[Node]:
        """Nodes whose last sign is older, by id. Whether they are connected is not looked at."""
        ...

    def delete(self, node_id: str) -> None: ...
