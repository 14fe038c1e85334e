"""Calls of `iam` that are made together: read from one request, and made in one transaction.

They are the use cases that serve these operations one by one, with their checks and their records; only the
transaction is another's.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from fairlead.aws import json_protocol
from fairlead.aws.errors import AwsError
from fairlead.aws.shapes import Operation
from fairlead.control.attachments import Attachments
from fairlead.control.boundaries import Boundaries
from fairlead.control.environment import Environment
from fairlead.control.groups import Groups
from fairlead.control.identities import Identities
from fairlead.control.identity_tags import IdentityTags
from fairlead.control.managed_policies import ManagedPolicies
from fairlead.domain.callers import Caller
from fairlead.domain.errors import AccessDenied, DomainError, IdentityCallRefused
from fairlead.domain.operations import (
    boundaries,
    groups,
    identities,
    identity_tags,
    inline_policies,
    managed_policies,
)
from fairlead.domain.unit_of_work import UnitOfWork

MAX_CALLS = 2000
MAX_CALLS_BYTES = 4 * 1024 * 1024
"""Longest list of calls, after it is decompressed: the policies of a large organization."""

# Any: the input of the operation at hand in, its output out.
UseCase = Callable[[Caller, Any], Any]


@dataclass(frozen=True, slots=True)
class IdentityCall:
    """One call. `members` are those of the operation's input, as they came and unchecked."""

    operation: str
    members: Mapping[str, object]


def read_calls(compressed: bytes) -> tuple[IdentityCall, ...]:
    """The calls in a request, as `PlanIdentityChangesRequest` describes them. Raises IdentityCallRefused."""
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(compressed, MAX_CALLS_BYTES)
        if decompressor.unconsumed_tail or not decompressor.eof:
            raise IdentityCallRefused(f"The calls are cut short, or longer than {MAX_CALLS_BYTES} bytes.")
        entries = json.loads(text)
    except (zlib.error, ValueError, RecursionError):
        raise IdentityCallRefused("The calls are not a compressed list of JSON objects.") from None
    if not isinstance(entries, list) or len(entries) > MAX_CALLS:
        raise IdentityCallRefused(f"The calls are not a list of at most {MAX_CALLS}.")
    return tuple(_call(number, entry) for number, entry in enumerate(entries, 1))


def _call(number: int, entry: object) -> IdentityCall:
    match entry:
        case {"Operation": str(operation), "Parameters": dict(parameters)}:
            return IdentityCall(operation, parameters)
    raise IdentityCallRefused(f"Call {number} has no Operation or no Parameters.")


class IdentityCalls:
    """Makes calls in transactions that others began."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def make(self, uow: UnitOfWork, caller: Caller, calls: Sequence[IdentityCall]) -> None:
        """Make the calls, one after the other; after the first that fails nothing may be committed.

        Raises AccessDenied for one that the caller may not make, IdentityCallRefused for one that cannot be
        made.
        """
        use_cases = _use_cases(replace(self._env, store=_OneTransaction(uow)))
        for number, call in enumerate(calls, 1):
            found = use_cases.get(call.operation)
            if found is None:
                raise IdentityCallRefused(f"Call {number}: {call.operation} is not a change of identities.")
            operation, use_case = found
            try:
                use_case(caller, json_protocol.decode(operation.input, json.dumps(call.members).encode()))
            except AccessDenied:
                raise
            except (DomainError, AwsError) as error:
                raise IdentityCallRefused(f"Call {number}, {call.operation}: {error}") from error


class _OneTransaction:
    """domain.unit_of_work.Store whose transactions all are one that another began and will end."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        yield self._uow

    def once_committed(self, tell: Callable[[], None]) -> None:
        tell()  # none of the use cases has any news

    read = transaction


def _use_cases(env: Environment) -> Mapping[str, tuple[Operation, UseCase]]:
    """The operations that may be part of a change, by name. None of them tells news after its commit."""
    of_users = Identities(env)
    of_groups = Groups(env)
    of_policies = ManagedPolicies(env)
    attached = Attachments(env)
    bounds = Boundaries(env)
    tags = IdentityTags(env)
    rows: Mapping[Operation, UseCase] = {
        identities.CREATE_USER: of_users.create_user,
        identities.DELETE_USER: of_users.delete_user,
        identities.CREATE_ROLE: of_users.create_role,
        identities.UPDATE_ASSUME_ROLE_POLICY: of_users.update_assume_role_policy,
        identities.UPDATE_ROLE: of_users.update_role,
        identities.DELETE_ROLE: of_users.delete_role,
        inline_policies.PUT_USER_POLICY: of_users.put_user_policy,
        inline_policies.DELETE_USER_POLICY: of_users.delete_user_policy,
        inline_policies.PUT_GROUP_POLICY: of_users.put_group_policy,
        inline_policies.DELETE_GROUP_POLICY: of_users.delete_group_policy,
        inline_policies.PUT_ROLE_POLICY: of_users.put_role_policy,
        inline_policies.DELETE_ROLE_POLICY: of_users.delete_role_policy,
        groups.CREATE_GROUP: of_groups.create_group,
        groups.DELETE_GROUP: of_groups.delete_group,
        groups.ADD_USER_TO_GROUP: of_groups.add_user_to_group,
        groups.REMOVE_USER_FROM_GROUP: of_groups.remove_user_from_group,
        managed_policies.CREATE_POLICY: of_policies.create_policy,
        managed_policies.DELETE_POLICY: of_policies.delete_policy,
        managed_policies.CREATE_POLICY_VERSION: of_policies.create_policy_version,
        managed_policies.DELETE_POLICY_VERSION: of_policies.delete_policy_version,
        managed_policies.ATTACH_USER_POLICY: attached.attach_user_policy,
        managed_policies.DETACH_USER_POLICY: attached.detach_user_policy,
        managed_policies.ATTACH_GROUP_POLICY: attached.attach_group_policy,
        managed_policies.DETACH_GROUP_POLICY: attached.detach_group_policy,
        managed_policies.ATTACH_ROLE_POLICY: attached.attach_role_policy,
        managed_policies.DETACH_ROLE_POLICY: attached.detach_role_policy,
        boundaries.PUT_USER_PERMISSIONS_BOUNDARY: bounds.put_user_permissions_boundary,
        boundaries.DELETE_USER_PERMISSIONS_BOUNDARY: bounds.delete_user_permissions_boundary,
        boundaries.PUT_ROLE_PERMISSIONS_BOUNDARY: bounds.put_role_permissions_boundary,
        boundaries.DELETE_ROLE_PERMISSIONS_BOUNDARY: bounds.delete_role_permissions_boundary,
        identity_tags.TAG_USER: tags.tag_user,
        identity_tags.UNTAG_USER: tags.untag_user,
        identity_tags.TAG_ROLE: tags.tag_role,
        identity_tags.UNTAG_ROLE: tags.untag_role,
    }
    return {operation.name: (operation, use_case) for operation, use_case in rows.items()}
