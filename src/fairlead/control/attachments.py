"""Managed policies attached to users, groups and roles."""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.control.boundaries import require_policy
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_group, authorized_role, authorized_user
from fairlead.control.identity_pages import DEFAULT_PATH, IdentityPages, PageRequest
from fairlead.domain.callers import Caller
from fairlead.domain.errors import DeleteConflict, LimitExceeded, NoSuchEntity
from fairlead.domain.managed_policies import MAX_ATTACHED
from fairlead.domain.operations import managed_policies as operations
from fairlead.policy.context import ContextValue


@dataclass(frozen=True, slots=True)
class _Holder:
    """Whom policies are attached to; `quota` is the name of the limit."""

    id: str
    quota: str


def policy_keys(policy_arn: str) -> Mapping[str, ContextValue]:
    """The context key by which a policy can say which policies may be attached."""
    return {"iam:PolicyARN": policy_arn}


class Attachments:
    """The use cases of attachments; what is attached holds from the next call on."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

    def attach_user_policy(
        self, caller: Caller, request: operations.AttachUserPolicyRequest
    ) -> operations.AttachUserPolicyResponse:
        """Raises AccessDenied, NoSuchEntity or LimitExceeded."""

        def work(call: Call) -> operations.AttachUserPolicyResponse:
            _attach(call, _user(call, request.user_name, request.policy_arn), request.policy_arn)
            return operations.AttachUserPolicyResponse()

        return perform(self._env, caller, operations.ATTACH_USER_POLICY, request, work)

    def detach_user_policy(
        self, caller: Caller, request: operations.DetachUserPolicyRequest
    ) -> operations.DetachUserPolicyResponse:
        """Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DetachUserPolicyResponse:
            _detach(call, _user(call, request.user_name, request.policy_arn), request.policy_arn)
            return operations.DetachUserPolicyResponse()

        return perform(self._env, caller, operations.DETACH_USER_POLICY, request, work)

    def list_attached_user_policies(
        self, caller: Caller, request: operations.ListAttachedUserPoliciesRequest
    ) -> operations.ListAttachedUserPoliciesResponse:
        """One page, by name. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListAttachedUserPoliciesResponse:
            user = authorized_user(call, request.user_name)
            page, marker = self._page(call, request, user.id, request.path_prefix)
            return operations.ListAttachedUserPoliciesResponse(
                attached_policies=page, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ATTACHED_USER_POLICIES, request, work)

    def attach_group_policy(
        self, caller: Caller, request: operations.AttachGroupPolicyRequest
    ) -> operations.AttachGroupPolicyResponse:
        """Raises AccessDenied, NoSuchEntity or LimitExceeded."""

        def work(call: Call) -> operations.AttachGroupPolicyResponse:
            _attach(call, _group(call, request.group_name, request.policy_arn), request.policy_arn)
            return operations.AttachGroupPolicyResponse()

        return perform(self._env, caller, operations.ATTACH_GROUP_POLICY, request, work)

    def detach_group_policy(
        self, caller: Caller, request: operations.DetachGroupPolicyRequest
    ) -> operations.DetachGroupPolicyResponse:
        """Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DetachGroupPolicyResponse:
            _detach(call, _group(call, request.group_name, request.policy_arn), request.policy_arn)
            return operations.DetachGroupPolicyResponse()

        return perform(self._env, caller, operations.DETACH_GROUP_POLICY, request, work)

    def list_attached_group_policies(
        self, caller: Caller, request: operations.ListAttachedGroupPoliciesRequest
    ) -> operations.ListAttachedGroupPoliciesResponse:
        """One page, by name. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListAttachedGroupPoliciesResponse:
            group = authorized_group(call, request.group_name)
            page, marker = self._page(call, request, group.id, request.path_prefix)
            return operations.ListAttachedGroupPoliciesResponse(
                attached_policies=page, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ATTACHED_GROUP_POLICIES, request, work)

    def attach_role_policy(
        self, caller: Caller, request: operations.AttachRolePolicyRequest
    ) -> operations.AttachRolePolicyResponse:
        """Raises AccessDenied, NoSuchEntity or LimitExceeded."""

        def work(call: Call) -> operations.AttachRolePolicyResponse:
            _attach(call, _role(call, request.role_name, request.policy_arn), request.policy_arn)
            return operations.AttachRolePolicyResponse()

        return perform(self._env, caller, operations.ATTACH_ROLE_POLICY, request, work)

    def detach_role_policy(
        self, caller: Caller, request: operations.DetachRolePolicyRequest
    ) -> operations.DetachRolePolicyResponse:
        """Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DetachRolePolicyResponse:
            _detach(call, _role(call, request.role_name, request.policy_arn), request.policy_arn)
            return operations.DetachRolePolicyResponse()

        return perform(self._env, caller, operations.DETACH_ROLE_POLICY, request, work)

    def list_attached_role_policies(
        self, caller: Caller, request: operations.ListAttachedRolePoliciesRequest
    ) -> operations.ListAttachedRolePoliciesResponse:
        """One page, by name. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListAttachedRolePoliciesResponse:
            role = authorized_role(call, request.role_name)
            page, marker = self._page(call, request, role.id, request.path_prefix)
            return operations.ListAttachedRolePoliciesResponse(
                attached_policies=page, is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ATTACHED_ROLE_POLICIES, request, work)

    def _page(
        self, call: Call, request: PageRequest, identity_id: str, path_prefix: str | None
    ) -> tuple[tuple[operations.AttachedPolicyDetail, ...], str | None]:
        prefix = path_prefix or DEFAULT_PATH
        arns = [
            arn
            for _, arn in call.uow.managed_policies.attached_to([identity_id])
            if _path_and_name(arn).startswith(prefix)
        ]
        page, marker = self._pages.of(call, request, (identity_id, prefix), arns, _order)
        shown = (
            operations.AttachedPolicyDetail(policy_name=arn.rpartition("/")[2], policy_arn=arn)
            for arn in page
        )
        return tuple(shown), marker


def _user(call: Call, name: str, policy_arn: str) -> _Holder:
    return _Holder(authorized_user(call, name, policy_keys(policy_arn)).id, "PoliciesPerUser")


def _group(call: Call, name: str, policy_arn: str) -> _Holder:
    return _Holder(authorized_group(call, name, policy_keys(policy_arn)).id, "PoliciesPerGroup")


def _role(call: Call, name: str, policy_arn: str) -> _Holder:
    return _Holder(authorized_role(call, name, policy_keys(policy_arn)).id, "PoliciesPerRole")


def _attach(call: Call, holder: _Holder, policy_arn: str) -> None:
    require_policy(call, policy_arn)
    call.uow.managed_policies.get(policy_arn, to_change=True)  # held, so that it is not deleted meanwhile
    others = {arn for _, arn in call.uow.managed_policies.attached_to([holder.id])} - {policy_arn}
    if len(others) >= MAX_ATTACHED:
        raise LimitExceeded(f"Cannot exceed quota for {holder.quota}: {MAX_ATTACHED}")
    call.uow.managed_policies.attach(holder.id, policy_arn)


def _detach(call: Call, holder: _Holder, policy_arn: str) -> None:
    if not call.uow.managed_policies.detach(holder.id, policy_arn):
        raise NoSuchEntity(f"Policy {policy_arn} was not found.")


def require_no_policies(call: Call, identity_id: str) -> None:
    """Raise DeleteConflict if a user, group or role that is to be deleted still has policies."""
    if call.uow.managed_policies.attached_to([identity_id]):
        raise DeleteConflict("Cannot delete entity, must detach all policies first.")
    if call.uow.identities.list_policies(identity_id):
        raise DeleteConflict("Cannot delete entity, must delete policies first.")


def _path_and_name(arn: str) -> str:
    return "/" + arn.partition("/")[2]


def _order(arn: str) -> tuple[str, ...]:
    return (arn.rpartition("/")[2].lower(), arn)
