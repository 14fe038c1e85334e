"""Inline policies of users, groups and roles. What cannot be evaluated to the last element is not stored."""

from dataclasses import dataclass
from typing import Protocol

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_group, authorized_role, authorized_user
from fairlead.control.identity_pages import IdentityPages, PageRequest
from fairlead.domain.callers import Caller
from fairlead.domain.errors import LimitExceeded, NoSuchEntity, PolicyRefused
from fairlead.domain.groups import Group
from fairlead.domain.identities import InlinePolicy, Role, User
from fairlead.domain.operations import inline_policies as operations
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.limits import (
    GROUP_INLINE_TOTAL_MAX_CHARACTERS,
    ROLE_INLINE_TOTAL_MAX_CHARACTERS,
    USER_INLINE_TOTAL_MAX_CHARACTERS,
    counted_characters,
    size_exceeded_text,
)
from fairlead.policy.parser import parse_identity_policy


class InlinePolicies:
    """The use cases of inline policies; their owners differ in how they are found and in their limit."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

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

    def put_group_policy(
        self, caller: Caller, request: operations.PutGroupPolicyRequest
    ) -> operations.PutGroupPolicyResponse:
        """Store or replace a group's policy; it holds from the next call on.

        Raises AccessDenied, NoSuchEntity, PolicyRefused or LimitExceeded.
        """

        def work(call: Call) -> operations.PutGroupPolicyResponse:
            _put(call, _of_group(authorized_group(call, request.group_name)), request)
            return operations.PutGroupPolicyResponse()

        return perform(self._env, caller, operations.PUT_GROUP_POLICY, request, work)

    def get_group_policy(
        self, caller: Caller, request: operations.GetGroupPolicyRequest
    ) -> operations.GetGroupPolicyResponse:
        """A group's policy, as the text that was stored. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetGroupPolicyResponse:
            owner = _of_group(authorized_group(call, request.group_name))
            policy = _existing(call, owner, request.policy_name)
            return operations.GetGroupPolicyResponse(
                group_name=owner.name, policy_name=policy.name, policy_document=policy.document
            )

        return perform(self._env, caller, operations.GET_GROUP_POLICY, request, work)

    def list_group_policies(
        self, caller: Caller, request: operations.ListGroupPoliciesRequest
    ) -> operations.ListGroupPoliciesResponse:
        """The names of a group's policies. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListGroupPoliciesResponse:
            owner = _of_group(authorized_group(call, request.group_name))
            names, marker = self._page(call, owner, request)
            return operations.ListGroupPoliciesResponse(
                policy_names=names, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_GROUP_POLICIES, request, work)

    def delete_group_policy(
        self, caller: Caller, request: operations.DeleteGroupPolicyRequest
    ) -> operations.DeleteGroupPolicyResponse:
        """Remove a group's policy. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DeleteGroupPolicyResponse:
            _delete(call, _of_group(authorized_group(call, request.group_name)), request.policy_name)
            return operations.DeleteGroupPolicyResponse()

        return perform(self._env, caller, operations.DELETE_GROUP_POLICY, request, work)

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

    def _page(self, call: Call, owner: "_Owner", request: PageRequest) -> tuple[tuple[str, ...], str | None]:
        """One page of policy names, and the marker of the next if there is one."""
        names = [policy.name for policy in call.uow.identities.list_policies(owner.id)]
        page, marker = self._pages.of(call, request, owner.id, names, lambda name: (name,))
        return tuple(page), marker


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


def _of_user(user: User) -> _Owner:
    return _Owner("user", user.id, user.name, USER_INLINE_TOTAL_MAX_CHARACTERS)


def _of_group(group: Group) -> _Owner:
    return _Owner("group", group.id, group.name, GROUP_INLINE_TOTAL_MAX_CHARACTERS)


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
