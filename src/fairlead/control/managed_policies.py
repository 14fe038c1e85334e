"""Managed policies and their versions. Whom they are attached to is `attachments`.

Those of AWS are there to be read and attached; only the account's own can be made and changed.
"""

from collections.abc import Sequence

from fairlead.aws import arn
from fairlead.control.audit import is_read_only
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identifiers import managed_policy_id
from fairlead.control.identity_pages import DEFAULT_PATH, IdentityPages
from fairlead.control.identity_views import policy_detail, policy_version_detail
from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.domain.callers import Caller
from fairlead.domain.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
    PolicyRefused,
)
from fairlead.domain.managed_policies import MAX_VERSIONS, ManagedPolicy, PolicyVersion
from fairlead.domain.operations import managed_policies as operations
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.limits import MANAGED_POLICY_MAX_CHARACTERS, counted_characters, size_exceeded_text
from fairlead.policy.parser import parse_identity_policy

_ALL_POLICIES = 10_000
"""Most policies of an account that a listing reads; AWS allows 5,000."""


class ManagedPolicies:
    """The use cases of managed policies; a new default version holds from the next call on."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

    def create_policy(
        self, caller: Caller, request: operations.CreatePolicyRequest
    ) -> operations.CreatePolicyResponse:
        """A new policy, attached to nobody.

        Raises AccessDenied, EntityAlreadyExists, PolicyRefused, LimitExceeded or InvalidRequest.
        """

        def work(call: Call) -> operations.CreatePolicyResponse:
            account_id, path = caller.scope.account_id, request.path or DEFAULT_PATH
            call.authorize((str(arn.policy(account_id, request.policy_name, path)),))
            if request.tags:
                raise InvalidRequest("Tags of policies are not served; leave Tags out.")
            _check(request.policy_document, request.policy_name)
            policy = ManagedPolicy(
                id=managed_policy_id(self._env.random_bytes),
                account_id=account_id,
                name=request.policy_name,
                path=path,
                default_version=1,
                created_at=call.now,
                updated_at=call.now,
                description=request.description,
            )
            try:
                call.uow.managed_policies.add(policy, request.policy_document)
            except EntityAlreadyExists:
                text = f"A policy called {policy.name} already exists. Duplicate names are not allowed."
                raise EntityAlreadyExists(text) from None
            return operations.CreatePolicyResponse(policy=policy_detail(policy))

        return perform(self._env, caller, operations.CREATE_POLICY, request, work)

    def get_policy(
        self, caller: Caller, request: operations.GetPolicyRequest
    ) -> operations.GetPolicyResponse:
        """A policy without its text. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetPolicyResponse:
            policy = _authorized(call, request.policy_arn)
            return operations.GetPolicyResponse(policy=_counted(call, policy))

        return perform(self._env, caller, operations.GET_POLICY, request, work)

    def list_policies(
        self, caller: Caller, request: operations.ListPoliciesRequest
    ) -> operations.ListPoliciesResponse:
        """One page of policies, those of the account first. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListPoliciesResponse:
            prefix, scope = request.path_prefix or DEFAULT_PATH, request.scope or "All"
            call.authorize((str(arn.policy(caller.scope.account_id, "", prefix)),))
            found = [
                policy
                for policy in _in_scope(call, prefix, scope)
                if not request.only_attached or call.uow.managed_policies.attachment_count(policy.arn)
                if _has_use(call, policy, request.policy_usage_filter)
            ]
            conditions = (prefix, scope, request.only_attached, request.policy_usage_filter)
            page, marker = self._pages.of(call, request, conditions, found, _order)
            return operations.ListPoliciesResponse(
                policies=tuple(_counted(call, policy) for policy in page),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.LIST_POLICIES, request, work)

    def delete_policy(
        self, caller: Caller, request: operations.DeletePolicyRequest
    ) -> operations.DeletePolicyResponse:
        """Delete a policy that nobody has, with its only version.

        Raises AccessDenied, NoSuchEntity, DeleteConflict or InvalidRequest.
        """

        def work(call: Call) -> operations.DeletePolicyResponse:
            policy = _own(_authorized(call, request.policy_arn))
            policies = call.uow.managed_policies
            if policies.attachment_count(policy.arn) or policies.boundary_count(policy.arn):
                raise DeleteConflict("Cannot delete a policy attached to entities.")
            if len(policies.versions(policy.id)) > 1:
                raise DeleteConflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the"
                    " policy's versions. The default version is deleted with the policy."
                )
            policies.delete(policy.id)
            return operations.DeletePolicyResponse()

        return perform(self._env, caller, operations.DELETE_POLICY, request, work)

    def create_policy_version(
        self, caller: Caller, request: operations.CreatePolicyVersionRequest
    ) -> operations.CreatePolicyVersionResponse:
        """A new text, in force at once if that is asked for.

        Raises AccessDenied, NoSuchEntity, PolicyRefused, LimitExceeded or InvalidRequest.
        """

        def work(call: Call) -> operations.CreatePolicyVersionResponse:
            policy = _own(_authorized(call, request.policy_arn))
            _check(request.policy_document, policy.name)
            policies = call.uow.managed_policies
            if len(policies.versions(policy.id)) >= MAX_VERSIONS:
                raise LimitExceeded(
                    f"A managed policy can have up to {MAX_VERSIONS} versions. Before you create a new"
                    " version, you must delete an existing version."
                )
            version = policies.add_version(policy.id, request.policy_document, call.now)
            if request.set_as_default:
                policies.set_default_version(policy.id, version.number, call.now)
            return operations.CreatePolicyVersionResponse(
                policy_version=policy_version_detail(version, is_default=bool(request.set_as_default))
            )

        return perform(self._env, caller, operations.CREATE_POLICY_VERSION, request, work)

    def get_policy_version(
        self, caller: Caller, request: operations.GetPolicyVersionRequest
    ) -> operations.GetPolicyVersionResponse:
        """A version with its text. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetPolicyVersionResponse:
            policy = _authorized(call, request.policy_arn)
            version = _existing(_versions(call, policy), policy, request.version_id)
            shown = policy_version_detail(
                version, is_default=version.number == policy.default_version, with_document=True
            )
            return operations.GetPolicyVersionResponse(policy_version=shown)

        return perform(self._env, caller, operations.GET_POLICY_VERSION, request, work)

    def list_policy_versions(
        self, caller: Caller, request: operations.ListPolicyVersionsRequest
    ) -> operations.ListPolicyVersionsResponse:
        """One page of versions, newest first. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListPolicyVersionsResponse:
            policy = _authorized(call, request.policy_arn)
            versions = _versions(call, policy)
            page, marker = self._pages.of(call, request, policy.id, versions, _newest_first)
            return operations.ListPolicyVersionsResponse(
                versions=tuple(
                    policy_version_detail(version, is_default=version.number == policy.default_version)
                    for version in page
                ),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.LIST_POLICY_VERSIONS, request, work)

    def set_default_policy_version(
        self, caller: Caller, request: operations.SetDefaultPolicyVersionRequest
    ) -> operations.SetDefaultPolicyVersionResponse:
        """Put another version into force. Raises AccessDenied, NoSuchEntity or InvalidRequest."""

        def work(call: Call) -> operations.SetDefaultPolicyVersionResponse:
            policy = _own(_authorized(call, request.policy_arn))
            version = _existing(_versions(call, policy), policy, request.version_id)
            call.uow.managed_policies.set_default_version(policy.id, version.number, call.now)
            return operations.SetDefaultPolicyVersionResponse()

        return perform(self._env, caller, operations.SET_DEFAULT_POLICY_VERSION, request, work)

    def delete_policy_version(
        self, caller: Caller, request: operations.DeletePolicyVersionRequest
    ) -> operations.DeletePolicyVersionResponse:
        """Delete a version that is not in force.

        Raises AccessDenied, NoSuchEntity, DeleteConflict or InvalidRequest.
        """

        def work(call: Call) -> operations.DeletePolicyVersionResponse:
            policy = _own(_authorized(call, request.policy_arn))
            version = _existing(_versions(call, policy), policy, request.version_id)
            if version.number == policy.default_version:
                raise DeleteConflict("Cannot delete the default version of a policy.")
            call.uow.managed_policies.delete_version(policy.id, version.number)
            return operations.DeletePolicyVersionResponse()

        return perform(self._env, caller, operations.DELETE_POLICY_VERSION, request, work)


def _authorized(call: Call, policy_arn: str) -> ManagedPolicy:
    """The policy of this ARN. Raises AccessDenied, MalformedArn or NoSuchEntity."""
    arn.Arn.parse(policy_arn)
    call.authorize((policy_arn,))
    of_aws = AWS_MANAGED_POLICIES.get(policy_arn)
    if of_aws is not None:
        return of_aws.policy
    policy = call.uow.managed_policies.get(policy_arn, to_change=not is_read_only(call.operation))
    if policy is None or policy.account_id != call.caller.scope.account_id:
        raise NoSuchEntity(f"Policy {policy_arn} does not exist or is not attachable.")
    return policy


def _own(policy: ManagedPolicy) -> ManagedPolicy:
    if policy.arn in AWS_MANAGED_POLICIES:
        raise InvalidRequest(f"Policy {policy.arn} belongs to AWS and cannot be changed.")
    return policy


def _check(document: str, name: str) -> None:
    try:
        parse_identity_policy(document, is_managed=True)
    except MalformedPolicy as error:
        raise PolicyRefused(str(error)) from error
    if counted_characters(document) > MANAGED_POLICY_MAX_CHARACTERS:
        raise LimitExceeded(size_exceeded_text(MANAGED_POLICY_MAX_CHARACTERS, "policy", name))


def _in_scope(call: Call, prefix: str, scope: str) -> list[ManagedPolicy]:
    account_id = call.caller.scope.account_id
    own = call.uow.managed_policies.page(account_id, prefix, None, _ALL_POLICIES) if scope != "AWS" else []
    of_aws = (each.policy for each in AWS_MANAGED_POLICIES.values()) if scope != "Local" else ()
    return [*own, *(policy for policy in of_aws if policy.path.startswith(prefix))]


def _has_use(call: Call, policy: ManagedPolicy, use: str | None) -> bool:
    if use is None:
        return True
    policies = call.uow.managed_policies
    count = policies.boundary_count if use == "PermissionsBoundary" else policies.attachment_count
    return count(policy.arn) > 0


def _counted(call: Call, policy: ManagedPolicy) -> operations.PolicyDetail:
    policies = call.uow.managed_policies
    return policy_detail(policy, policies.attachment_count(policy.arn), policies.boundary_count(policy.arn))


def _versions(call: Call, policy: ManagedPolicy) -> Sequence[PolicyVersion]:
    of_aws = AWS_MANAGED_POLICIES.get(policy.arn)
    if of_aws is not None:
        return [PolicyVersion(number=1, document=of_aws.document, created_at=policy.created_at)]
    return call.uow.managed_policies.versions(policy.id)


def _existing(versions: Sequence[PolicyVersion], policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    for version in versions:
        if version.id == version_id:
            return version
    raise NoSuchEntity(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")


def _order(policy: ManagedPolicy) -> tuple[str, ...]:
    return ("2" if policy.arn in AWS_MANAGED_POLICIES else "1", policy.name.lower())


def _newest_first(version: PolicyVersion) -> tuple[str, ...]:
    return (f"{10**9 - version.number:010d}",)
