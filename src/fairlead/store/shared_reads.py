"""Many calls that read in one view of the database: what they have in common is read once.

Thousands of nodes have a role or two between them. Within one view a role, its policies and its tags are what
they were a moment ago, so the second call need not ask again; and the nodes that the calls are about, with
the sessions that lead to them, are read in one statement each.
"""

from collections.abc import Collection

from sqlalchemy import Connection

from fairlead.domain.identities import Grants, Role
from fairlead.domain.nodes import Node
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import Session
from fairlead.store.identities import SecretSealer, SqlIdentities
from fairlead.store.managed_policies import SqlManagedPolicies
from fairlead.store.nodes import SqlNodes
from fairlead.store.sessions import SqlSessions


class SharedNodes(SqlNodes):
    """Nodes of which some are known beforehand."""

    def __init__(self, connection: Connection, node_ids: Collection[str]) -> None:
        super().__init__(connection)
        self._known: dict[str, Node | None] = dict.fromkeys(node_ids)
        self._known.update((node.id, node) for node in self.find_all(self._known))

    def find(self, node_id: str) -> Node | None:
        return self._known[node_id] if node_id in self._known else super().find(node_id)


class SharedSessions(SqlSessions):
    """Sessions; those that lead to some nodes are read when the first of these is asked about."""

    def __init__(self, connection: Connection, node_ids: Collection[str]) -> None:
        super().__init__(connection)
        self._node_ids = node_ids
        self._by_node: dict[str, list[Session]] | None = None

    def active_of_node(self, scope: Scope, node_id: str) -> list[Session]:
        if node_id not in self._node_ids:
            return super().active_of_node(scope, node_id)
        if self._by_node is None:
            self._by_node = {}
            for session in self.active_of_nodes(self._node_ids):
                self._by_node.setdefault(session.target, []).append(session)
        return [session for session in self._by_node.get(node_id, ()) if session.scope == scope]


class SharedIdentities(SqlIdentities):
    """Roles and what hangs on them, each read once."""

    def __init__(self, connection: Connection, sealer: SecretSealer) -> None:
        super().__init__(connection, sealer)
        self._roles: dict[tuple[str, str], Role | None] = {}
        self._grants: dict[str, Grants | None] = {}

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        key = account_id, name
        if key not in self._roles:
            self._roles[key] = super().get_role(account_id, name, to_change=to_change)
        return self._roles[key]

    def grants_of(self, identity_id: str) -> Grants | None:
        if identity_id not in self._grants:
            self._grants[identity_id] = super().grants_of(identity_id)
        return self._grants[identity_id]


class SharedManagedPolicies(SqlManagedPolicies):
    """Managed policies; each document is read once."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._documents: dict[frozenset[str], dict[str, str]] = {}

    def default_documents(self, arns: Collection[str]) -> dict[str, str]:
        key = frozenset(arns)
        if key not in self._documents:
            self._documents[key] = super().default_documents(arns)
        return self._documents[key]
