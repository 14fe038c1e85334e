"""Inline policies of users and roles. What cannot be evaluated to the last element is not stored."""

from dataclasses import dataclass
from typing import Protocol

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_role, authorized_user
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
from fairlead.domain.callers import Caller
from fairlead.domain.errors import LimitExceeded, NoSuchEntity, PolicyRefused
from fairlead.domain.identities import InlinePolicy, Role, User
from fairlead.domain.operations import inline_policies as operations
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.limits import (
    ROLE_INLINE_TOTAL_MAX_CHARACTERS,
    USER_INLINE_TOTAL_MAX_CHARACTERS,
    counted_characters,
    size_exceeded_text,
)
from fairlead.policy.parser import parse_identity_policy

DEFAULT_PAGE = 100


class InlinePolicies:
    """The use cases of inline policies; users and roles differ in how they are found and in their limit."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def put_user_policy(
        self, caller: Caller, request: operations.PutUserPolicyRequest
    ) -> operations.PutUserPolicyResponse:
        """Store or replace a user's policy; it holds from the next call on.

        Raises AccessDenied, NoSuchEntity, PolicyRefused or LimitExceeded.
        """

        def work(call: Call) -> operations.PutUserPolicyResponse:
            _put(call, _of_user(authorized_user(call, request.user_name)), request)
            return operations.PutUserPolicyResponse()

        return perform(self._env, caller, operations.PUT_USER_POLICY, request, work)

    def get_user_policy(
        self, caller: Caller, request: operations.GetUserPolicyRequest
    ) -> operations.GetUserPolicyResponse:
        """A user's policy, as the text that was stored. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetUserPolicyResponse:
            owner = _of_user(authorized_user(call, request.user_name))
            policy = _existing(call, owner, request.policy_name)
            return operations.GetUserPolicyResponse(
                user_name=owner.name, policy_name=policy.name, policy_document=policy.document
            )

        return perform(self._env, caller, operations.GET_USER_POLICY, request, work)

    def list_user_policies(
        self, caller: Caller, request: operations.ListUserPoliciesRequest
    ) -> operations.ListUserPoliciesResponse:
        """The names of a user's policies. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListUserPoliciesResponse:
            owner = _of_user(authorized_user(call, request.user_name))
            names, marker = self._page(call, owner, request)
            return operations.ListUserPoliciesResponse(
                policy_names=names, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_USER_POLICIES, request, work)

    def delete_user_policy(
        self, caller: Caller, request: operations.DeleteUserPolicyRequest
    ) -> operations.DeleteUserPolicyResponse:
        """Remove a user's policy. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DeleteUserPolicyResponse:
            _delete(call, _of_user(authorized_user(call, request.user_name)), request.policy_name)
            return operations.DeleteUserPolicyResponse()

        return perform(self._env, caller, operations.DELETE_USER_POLICY, request, work)

    def put_role_policy(
        self, caller: Caller, request: operations.PutRolePolicyRequest
    ) -> operations.PutRolePolicyResponse:
        """Store or replace a role's policy; it holds from the next call on.

        Raises AccessDenied, NoSuchEntity, PolicyRefused or LimitExceeded.
        """

        def work(call: Call) -> operations.PutRolePolicyResponse:
            _put(call, _of_role(authorized_role(call, request.role_name)), request)
            return operations.PutRolePolicyResponse()

        return perform(self._env, caller, operations.PUT_ROLE_POLICY, request, work)

    def get_role_policy(
        self, caller: Caller, request: operations.GetRolePolicyRequest
    ) -> operations.GetRolePolicyResponse:
        """A role's policy, as the text that was stored. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetRolePolicyResponse:
            owner = _of_role(authorized_role(call, request.role_name))
            policy = _existing(call, owner, request.policy_name)
            return operations.GetRolePolicyResponse(
                role_name=owner.name, policy_name=policy.name, policy_document=policy.document
            )

        return perform(self._env, caller, operations.GET_ROLE_POLICY, request, work)

    def list_role_policies(
        self, caller: Caller, request: operations.ListRolePoliciesRequest
    ) -> operations.ListRolePoliciesResponse:
        """The names of a role's policies. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListRolePoliciesResponse:
            owner = _of_role(authorized_role(call, request.role_name))
            names, marker = self._page(call, owner, request)
            return operations.ListRolePoliciesResponse(
                policy_names=names, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ROLE_POLICIES, request, work)

    def delete_role_policy(
        self, caller: Caller, request: operations.DeleteRolePolicyRequest
    ) -> operations.DeleteRolePolicyResponse:
        """Remove a role's policy. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DeleteRolePolicyResponse:
            _delete(call, _of_role(authorized_role(call, request.role_name)), request.policy_name)
            return operations.DeleteRolePolicyResponse()

        return perform(self._env, caller, operations.DELETE_ROLE_POLICY, request, work)

    def _page(
        self, call: Call, owner: "_Owner", request: "PageRequest"
    ) -> tuple[tuple[str, ...], str | None]:
        """One page of policy names, and the marker of the next if there is one."""
        sealer = self._env.sealer
        listing = Listing(call.operation, call.caller.scope.account_id, "", owner.id)
        size = request.max_items or DEFAULT_PAGE
        position = decode_position(sealer, listing, request.marker)
        names = sorted(policy.name for policy in call.uow.identities.list_policies(owner.id))
        if position is not None:
            names = [name for name in names if name > position[0]]
        page, has_more = cut_page(names, size)
        return tuple(page), encode_position(sealer, listing, page[-1]) if has_more else None


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom policies belong to. `max_characters` is the limit on all of them together."""

    kind: str
    id: str
    name: str
    max_characters: int


class _PutRequest(Protocol):
    @property
    def policy_name(self) -> str: ...
    @property
    def policy_document(self) -> str: ...


class PageRequest(Protocol):
    """What the requests of all IAM listings have."""

    @property
    def marker(self) -> str | None: ...
    @property
    def max_items(self) -> int | None: ...


def _of_user(user: User) -> _Owner:
    return _Owner("user", user.id, user.name, USER_INLINE_TOTAL_MAX_CHARACTERS)


def _of_role(role: Role) -> _Owner:
    return _Owner("role", role.id, role.name, ROLE_INLINE_TOTAL_MAX_CHARACTERS)


def _put(call: Call, owner: _Owner, request: _PutRequest) -> None:
    try:
        parse_identity_policy(request.policy_document)
    except MalformedPolicy as error:
        raise PolicyRefused(str(error)) from error
    others = [
        policy.document
        for policy in call.uow.identities.list_policies(owner.id)
        if policy.name != request.policy_name
    ]
    if counted_characters(request.policy_document, *others) > owner.max_characters:
        raise LimitExceeded(size_exceeded_text(owner.max_characters, owner.kind, owner.name))
    policy = InlinePolicy(name=request.policy_name, document=request.policy_document)
    call.uow.identities.put_policy(owner.id, policy)


def _existing(call: Call, owner: _Owner, name: str) -> InlinePolicy:
    policy = call.uow.identities.get_policy(owner.id, name)
    if policy is None:
        raise NoSuchEntity(f"The {owner.kind} policy with name {name} cannot be found.")
    return policy


def _delete(call: Call, owner: _Owner, name: str) -> None:
    call.uow.identities.delete_policy(owner.id, _existing(call, owner, name).name)
