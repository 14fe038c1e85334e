"""Policies as files: all identities at once, what a set of changes would give and take, and making them.

A plan makes the calls, looks at who may do what before and after, and undoes everything. Whoever may plan
need not be able to make the changes: the calls of a plan are made in the name of the account. They are made
for good in the caller's own name, one transaction for all of them, each recorded as the call it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from fairlead.control import identity_export
from fairlead.control.access_changes import AccessDifference, Comparison, Standing, standing
from fairlead.control.authorization import ResourceContext, authorize, node_arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_calls import IdentityCall, IdentityCalls, read_calls
from fairlead.control.paging import Listing, decode_position, encode_position
from fairlead.control.principal_lookup import Principal, role_principal, user_principal
from fairlead.control.principals import account_caller
from fairlead.control.references import document_reference
from fairlead.control.resource_tags import document_tag_keys, node_tag_keys
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.callers import Caller
from fairlead.domain.documents import DEFAULT_DOCUMENT
from fairlead.domain.errors import AccessDenied, IdentityCallRefused
from fairlead.domain.nodes import Node, NodeQuery
from fairlead.domain.operations import identity_changes as operations
from fairlead.domain.stored_documents import StoredDocument
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.matching import EVERYTHING

PRINCIPALS_PER_PAGE = 50
"""How many users or roles one page of a plan looks at."""

NODES_PER_PAGE = 400
"""How many nodes one page asks about: some tenths of a second."""

_KINDS = ("users", "new users", "roles", "new roles")
"""Whom a plan looks at, in this order. Those that the calls create are not in the store's listings yet."""

_EVERY_PATH = "/"


class IdentityChanges:
    """The use cases of policies as files."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._calls = IdentityCalls(env)

    def export_identities(
        self, caller: Caller, request: operations.ExportIdentitiesRequest
    ) -> operations.ExportIdentitiesResponse:
        """One page. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ExportIdentitiesResponse:
            call.authorize((EVERYTHING,))
            return identity_export.page(call, self._env.sealer, request)

        return perform(self._env, caller, operations.EXPORT_IDENTITIES, request, work)

    def apply_identity_changes(
        self, caller: Caller, request: operations.ApplyIdentityChangesRequest
    ) -> operations.ApplyIdentityChangesResponse:
        """Make all of the calls, or none. Raises AccessDenied, or IdentityCallRefused, also for calls after
        which the caller could not make any more unless he allows that."""

        def work(call: Call) -> operations.ApplyIdentityChangesResponse:
            call.authorize((EVERYTHING,))
            calls = read_calls(request.calls)
            self._calls.make(call.uow, caller, calls)
            if not request.allow_lockout:
                _require_no_lockout(call)
            return operations.ApplyIdentityChangesResponse(call_count=len(calls))

        return perform(self._env, caller, operations.APPLY_IDENTITY_CHANGES, request, work)

    def plan_identity_changes(
        self, caller: Caller, request: operations.PlanIdentityChangesRequest
    ) -> operations.PlanIdentityChangesResponse:
        """One page of what the calls would give and take.

        Raises AccessDenied, IdentityCallRefused, InvalidNextToken, or MalformedPolicy for a stored policy.
        """

        def work(call: Call) -> None:
            call.authorize((EVERYTHING,))

        perform(self._env, caller, operations.PLAN_IDENTITY_CHANGES, request, work)
        calls = read_calls(request.calls)
        listing = Listing(operations.PLAN_IDENTITY_CHANGES, caller.scope.account_id, "", request.calls)
        begin = _Position.of(decode_position(self._env.sealer, listing, request.next_token))
        with _undone(self._env) as uow:
            plan = _Plan(uow, caller, self._env.now(), calls, begin)
            plan.look_before()
            self._calls.make(uow, account_caller(caller), calls)
            changes, following = plan.look_after()
        token = None if following is None else encode_position(self._env.sealer, listing, *following.fields)
        return operations.PlanIdentityChangesResponse(changes=changes, next_token=token)


def _require_no_lockout(call: Call) -> None:
    try:
        authorize(call.uow, call.caller, call.operation.action, (EVERYTHING,), call.now)
    except AccessDenied as error:
        text = f"Nothing was changed: you would lock yourself out. {error}"
        raise IdentityCallRefused(text) from error


class _Undo(Exception):
    """Ends a transaction that is not to be kept."""


@contextmanager
def _undone(env: Environment) -> Iterator[UnitOfWork]:
    """A transaction whose changes nobody ever sees."""
    try:
        with env.store.transaction() as uow:
            yield uow
            raise _Undo
    except _Undo:
        pass


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a page begins: among whom, after which of them, and in the one after that, after which node."""

    kind: str
    after_name: str = ""
    after_node: str = ""

    @classmethod
    def of(cls, fields: tuple[str, ...] | None) -> "_Position":
        return cls(_KINDS[0]) if fields is None else cls(*fields)

    @property
    def fields(self) -> tuple[str, str, str]:
        return self.kind, self.after_name, self.after_node

    def next_kind(self) -> "_Position | None":
        following = _KINDS[_KINDS.index(self.kind) + 1 :]
        return _Position(following[0]) if following else None


@dataclass(slots=True)
class _Plan:
    """One page of a plan: some principals before the calls, and the same after them."""

    uow: UnitOfWork
    caller: Caller
    now: datetime
    calls: Sequence[IdentityCall]
    begin: _Position
    _names: list[str] = field(default_factory=list)
    _before: dict[str, Standing] = field(default_factory=dict)
    _asked_nodes: int = 0
    _documents: list[tuple[str, ResourceContext]] = field(default_factory=list)

    def look_before(self) -> None:
        """Before the calls are made."""
        self._names = self._page_of_names()
        self._before = self._standings()

    def look_after(self) -> tuple[tuple[operations.AccessChange, ...], _Position | None]:
        """After them: what has changed, and where the next page begins if there is one."""
        after = self._standings()
        changes: list[operations.AccessChange] = []
        previous, after_node = self.begin.after_name, self.begin.after_node
        for name in self._names:
            comparison = Comparison(self._before.get(name), after.get(name))
            if comparison.before != comparison.after:
                found, last_node = self._changes_of(comparison, after_node)
                changes += found
                if last_node is not None:
                    return tuple(changes), _Position(self.begin.kind, previous, last_node)
            previous, after_node = name, ""
        if len(self._names) == PRINCIPALS_PER_PAGE:
            return tuple(changes), _Position(self.begin.kind, previous)
        return tuple(changes), self.begin.next_kind()

    def _page_of_names(self) -> list[str]:
        """Those who are there, in the store's order, or those whom the calls create, in ours."""
        account_id, identities = self.caller.scope.account_id, self.uow.identities
        after, limit = self.begin.after_name, PRINCIPALS_PER_PAGE
        match self.begin.kind:
            case "users":
                return [
                    user.name for user in identities.list_users(account_id, _EVERY_PATH, after or None, limit)
                ]
            case "roles":
                return [
                    role.name for role in identities.list_roles(account_id, _EVERY_PATH, after or None, limit)
                ]
            case "new users":
                created = self._created("CreateUser", "UserName")
            case _:
                created = self._created("CreateRole", "RoleName")
        return sorted(name for name in created if name > after and self._principal(name) is None)[:limit]

    def _created(self, operation: str, member: str) -> set[str]:
        return {str(call.members.get(member)) for call in self.calls if call.operation == operation}

    def _standings(self) -> dict[str, Standing]:
        principals = ((name, self._principal(name)) for name in self._names)
        return {
            name: standing(self.uow, principal, self.now)
            for name, principal in principals
            if principal is not None
        }

    def _principal(self, name: str) -> Principal | None:
        scope, identities = self.caller.scope, self.uow.identities
        if self.begin.kind in ("users", "new users"):
            user = identities.get_user(scope.account_id, name)
            return None if user is None else user_principal(user, scope.region)
        role = identities.get_role(scope.account_id, name)
        return None if role is None else role_principal(role, scope.region)

    def _changes_of(
        self, comparison: Comparison, after_node: str
    ) -> tuple[list[operations.AccessChange], str | None]:
        """The changes of one principal, and the last node asked about if the page is full."""
        changes: list[operations.AccessChange] = []
        if comparison.concerns_sessions:
            nodes = self._nodes(after_node)
            for node in nodes:
                keys = node_tag_keys(self.caller, node)
                arn = node_arn(self.caller, node.id)
                changes += _shown(comparison.of_session_resource(arn, keys), node.name)
            if nodes and self._asked_nodes >= NODES_PER_PAGE:
                return changes, nodes[-1].id
            for arn, keys in self._session_documents():
                changes += _shown(comparison.of_session_resource(arn, keys))
        return changes + _shown(comparison.of_escalation()), None

    def _session_documents(self) -> list[tuple[str, ResourceContext]]:
        """What sessions can be started with: AWS's documents, the default one, and those of the account.

        Read once: no call of a plan changes them.
        """
        if not self._documents:
            names: dict[str, StoredDocument | None] = dict.fromkeys((*AWS_OWNED_DOCUMENTS, DEFAULT_DOCUMENT))
            names |= {document.name: document for document, _ in self.uow.documents.all(self.caller.scope)}
            for name, stored in names.items():
                arn = document_reference(self.caller, name).arn
                self._documents.append((arn, document_tag_keys(arn, stored)))
        return self._documents

    def _nodes(self, after_node: str) -> list[Node]:
        limit = NODES_PER_PAGE - self._asked_nodes
        query = NodeQuery(scope=self.caller.scope, after_id=after_node or None, limit=limit)
        nodes = self.uow.nodes.describe(query)
        self._asked_nodes += len(nodes)
        return nodes


def _shown(
    differences: Iterator[AccessDifference], resource_name: str | None = None
) -> list[operations.AccessChange]:
    return [
        operations.AccessChange(
            principal_arn=each.arn,
            action=each.action,
            resource=each.resource,
            resource_name=resource_name,
            before=each.before.value,
            after=each.after.value,
            is_escalation=each.is_escalation,
        )
        for each in differences
    ]
