"""IAM users, access keys and roles. Their policies are `inline_policies` and `attachments`.

Names are unique whatever their case, and found whatever their case; the ARN that policies are asked about is
always that of what was found. Where nothing is found, access is decided first all the same.
"""

from fairlead.aws import arn
from fairlead.control.attachments import require_no_policies
from fairlead.control.boundaries import require_policy
from fairlead.control.calls import Call, perform
from fairlead.control.identifiers import access_key_id, role_id, secret_access_key, user_id
from fairlead.control.identity_lookup import authorized_role, authorized_user, boundary_keys, key_user
from fairlead.control.identity_pages import DEFAULT_PATH
from fairlead.control.identity_tags import tag_keys, tags_from
from fairlead.control.identity_views import access_key_metadata, role_detail, user_detail
from fairlead.control.inline_policies import InlinePolicies
from fairlead.control.trusted_principals import end_trust_in
from fairlead.domain.callers import Caller
from fairlead.domain.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
    PolicyRefused,
)
from fairlead.domain.identities import MAX_ACCESS_KEYS_PER_USER, AccessKey, Role, User
from fairlead.domain.operations import identities as operations
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.limits import TRUST_POLICY_MAX_CHARACTERS, counted_characters, size_exceeded_text
from fairlead.policy.trust_parser import parse_trust_policy

DEFAULT_MAX_SESSION_DURATION_S = 3600


class Identities(InlinePolicies):
    """The use cases of users, access keys, roles and their inline policies."""

    def create_user(
        self, caller: Caller, request: operations.CreateUserRequest
    ) -> operations.CreateUserResponse:
        """A new user without rights. Raises AccessDenied, EntityAlreadyExists or InvalidRequest."""

        def work(call: Call) -> operations.CreateUserResponse:
            path = request.path or DEFAULT_PATH
            tags = tags_from(request.tags)
            call.authorize(
                (str(arn.user(caller.scope.account_id, request.user_name, path)),),
                context={**boundary_keys(request.permissions_boundary), **tag_keys(tags)},
            )
            require_policy(call, request.permissions_boundary)
            if call.uow.identities.get_user(caller.scope.account_id, request.user_name) is not None:
                raise EntityAlreadyExists(f"User with name {request.user_name} already exists.")
            user = User(
                id=user_id(self._env.random_bytes),
                account_id=caller.scope.account_id,
                name=request.user_name,
                path=path,
                created_at=call.now,
                boundary_arn=request.permissions_boundary,
            )
            call.uow.identities.add_user(user)
            call.uow.identities.put_tags(user.id, tags)
            return operations.CreateUserResponse(user=user_detail(user, tags))

        return perform(self._env, caller, operations.CREATE_USER, request, work)

    def get_user(self, caller: Caller, request: operations.GetUserRequest) -> operations.GetUserResponse:
        """A user; the caller when there is no name. Raises AccessDenied, NoSuchEntity or InvalidRequest."""

        def work(call: Call) -> operations.GetUserResponse:
            user = authorized_user(call, request.user_name)
            return operations.GetUserResponse(user=user_detail(user, call.uow.identities.get_tags(user.id)))

        return perform(self._env, caller, operations.GET_USER, request, work)

    def list_users(
        self, caller: Caller, request: operations.ListUsersRequest
    ) -> operations.ListUsersResponse:
        """One page of users below a path, by name. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListUsersResponse:
            prefix = request.path_prefix or DEFAULT_PATH
            call.authorize((str(arn.user(caller.scope.account_id, "", prefix)),))
            users, marker = self._pages.below(prefix, call, request, call.uow.identities.list_users)
            return operations.ListUsersResponse(
                users=tuple(map(user_detail, users)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_USERS, request, work)

    def delete_user(
        self, caller: Caller, request: operations.DeleteUserRequest
    ) -> operations.DeleteUserResponse:
        """Delete a user that has nothing left; no role trusts him any more.

        Raises AccessDenied, NoSuchEntity or DeleteConflict.
        """

        def work(call: Call) -> operations.DeleteUserResponse:
            user = authorized_user(call, request.user_name)
            if call.uow.identities.list_access_keys(user.id):
                raise DeleteConflict("Cannot delete entity, must delete access keys first.")
            if call.uow.mfa.of_user(user.id):
                raise DeleteConflict("Cannot delete entity, must delete MFA device first.")
            if call.uow.groups.of_user(user.id):
                raise DeleteConflict("Cannot delete entity, must remove users from group first.")
            require_no_policies(call, user.id)
            call.uow.identities.delete_user(user.id)
            end_trust_in(call, user)
            return operations.DeleteUserResponse()

        return perform(self._env, caller, operations.DELETE_USER, request, work)

    def create_access_key(
        self, caller: Caller, request: operations.CreateAccessKeyRequest
    ) -> operations.CreateAccessKeyResponse:
        """A new key of a user; the caller's when there is no name. The secret is in the answer only.

        Raises AccessDenied, NoSuchEntity, LimitExceeded or InvalidRequest.
        """

        def work(call: Call) -> operations.CreateAccessKeyResponse:
            user = authorized_user(call, request.user_name)
            if len(call.uow.identities.list_access_keys(user.id)) >= MAX_ACCESS_KEYS_PER_USER:
                raise LimitExceeded(f"Cannot exceed quota for AccessKeysPerUser: {MAX_ACCESS_KEYS_PER_USER}")
            key = AccessKey(
                id=access_key_id(self._env.random_bytes),
                user_id=user.id,
                user_name=user.name,
                is_active=True,
                created_at=call.now,
            )
            secret = secret_access_key(self._env.random_bytes)
            call.uow.identities.add_access_key(key, secret)
            return operations.CreateAccessKeyResponse(
                access_key=operations.AccessKeyDetail(
                    user_name=user.name,
                    access_key_id=key.id,
                    status="Active",
                    secret_access_key=secret,
                    create_date=key.created_at,
                )
            )

        return perform(self._env, caller, operations.CREATE_ACCESS_KEY, request, work)

    def list_access_keys(
        self, caller: Caller, request: operations.ListAccessKeysRequest
    ) -> operations.ListAccessKeysResponse:
        """One page of a user's keys; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity, InvalidRequest or InvalidNextToken.
        """

        def work(call: Call) -> operations.ListAccessKeysResponse:
            user = authorized_user(call, request.user_name)
            keys = call.uow.identities.list_access_keys(user.id)
            page, marker = self._pages.of(call, request, user.id, keys, _key_order)
            return operations.ListAccessKeysResponse(
                access_key_metadata=tuple(map(access_key_metadata, page)),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.LIST_ACCESS_KEYS, request, work)

    def update_access_key(
        self, caller: Caller, request: operations.UpdateAccessKeyRequest
    ) -> operations.UpdateAccessKeyResponse:
        """Switch a key of a user off or on again; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity or InvalidRequest.
        """

        def work(call: Call) -> operations.UpdateAccessKeyResponse:
            user = authorized_user(call, request.user_name)
            _require_own_key(call, user, request.access_key_id)
            if request.status == "Expired":
                raise InvalidRequest("Status must be Active or Inactive.")
            call.uow.identities.set_access_key_active(request.access_key_id, request.status == "Active")
            return operations.UpdateAccessKeyResponse()

        return perform(self._env, caller, operations.UPDATE_ACCESS_KEY, request, work)

    def delete_access_key(
        self, caller: Caller, request: operations.DeleteAccessKeyRequest
    ) -> operations.DeleteAccessKeyResponse:
        """Delete a key of a user; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity or InvalidRequest.
        """

        def work(call: Call) -> operations.DeleteAccessKeyResponse:
            user = authorized_user(call, request.user_name)
            _require_own_key(call, user, request.access_key_id)
            call.uow.identities.delete_access_key(request.access_key_id)
            return operations.DeleteAccessKeyResponse()

        return perform(self._env, caller, operations.DELETE_ACCESS_KEY, request, work)

    def create_role(
        self, caller: Caller, request: operations.CreateRoleRequest
    ) -> operations.CreateRoleResponse:
        """A new role without rights, and who may take it.

        Raises AccessDenied, EntityAlreadyExists, PolicyRefused, LimitExceeded or InvalidRequest.
        """

        def work(call: Call) -> operations.CreateRoleResponse:
            path = request.path or DEFAULT_PATH
            tags = tags_from(request.tags)
            call.authorize(
                (str(arn.role(caller.scope.account_id, request.role_name, path)),),
                context={**boundary_keys(request.permissions_boundary), **tag_keys(tags)},
            )
            require_policy(call, request.permissions_boundary)
            _check_trust_policy(request.assume_role_policy_document, request.role_name)
            if call.uow.identities.get_role(caller.scope.account_id, request.role_name) is not None:
                raise EntityAlreadyExists(f"Role with name {request.role_name} already exists.")
            role = Role(
                id=role_id(self._env.random_bytes),
                account_id=caller.scope.account_id,
                name=request.role_name,
                path=path,
                trust_policy=request.assume_role_policy_document,
                created_at=call.now,
                description=request.description,
                max_session_duration_s=request.max_session_duration or DEFAULT_MAX_SESSION_DURATION_S,
                boundary_arn=request.permissions_boundary,
            )
            call.uow.identities.add_role(role)
            call.uow.identities.put_tags(role.id, tags)
            return operations.CreateRoleResponse(role=role_detail(role, tags))

        return perform(self._env, caller, operations.CREATE_ROLE, request, work)

    def get_role(self, caller: Caller, request: operations.GetRoleRequest) -> operations.GetRoleResponse:
        """A role with its trust policy. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetRoleResponse:
            role = authorized_role(call, request.role_name)
            return operations.GetRoleResponse(role=role_detail(role, call.uow.identities.get_tags(role.id)))

        return perform(self._env, caller, operations.GET_ROLE, request, work)

    def list_roles(
        self, caller: Caller, request: operations.ListRolesRequest
    ) -> operations.ListRolesResponse:
        """One page of roles below a path, by name. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListRolesResponse:
            prefix = request.path_prefix or DEFAULT_PATH
            call.authorize((str(arn.role(caller.scope.account_id, "", prefix)),))
            roles, marker = self._pages.below(prefix, call, request, call.uow.identities.list_roles)
            return operations.ListRolesResponse(
                roles=tuple(map(role_detail, roles)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ROLES, request, work)

    def update_assume_role_policy(
        self, caller: Caller, request: operations.UpdateAssumeRolePolicyRequest
    ) -> operations.UpdateAssumeRolePolicyResponse:
        """Replace who may take a role. Raises AccessDenied, NoSuchEntity, PolicyRefused or LimitExceeded."""

        def work(call: Call) -> operations.UpdateAssumeRolePolicyResponse:
            role = authorized_role(call, request.role_name)
            _check_trust_policy(request.policy_document, role.name)
            call.uow.identities.set_trust_policy(role.id, request.policy_document)
            return operations.UpdateAssumeRolePolicyResponse()

        return perform(self._env, caller, operations.UPDATE_ASSUME_ROLE_POLICY, request, work)

    def update_role(
        self, caller: Caller, request: operations.UpdateRoleRequest
    ) -> operations.UpdateRoleResponse:
        """Change a role's description, if one is given, and how long its sessions may last: an hour unless
        the request says so. Raises AccessDenied or NoSuchEntity.
        """

        def work(call: Call) -> operations.UpdateRoleResponse:
            role = authorized_role(call, request.role_name)
            call.uow.identities.set_role_details(
                role.id,
                role.description if request.description is None else request.description,
                request.max_session_duration or DEFAULT_MAX_SESSION_DURATION_S,
            )
            return operations.UpdateRoleResponse()

        return perform(self._env, caller, operations.UPDATE_ROLE, request, work)

    def delete_role(
        self, caller: Caller, request: operations.DeleteRoleRequest
    ) -> operations.DeleteRoleResponse:
        """Delete a role without policies; nodes that have it are nobody until there is one of its name again,
        and no role trusts it any more.

        Raises AccessDenied, NoSuchEntity or DeleteConflict.
        """

        def work(call: Call) -> operations.DeleteRoleResponse:
            role = authorized_role(call, request.role_name)
            require_no_policies(call, role.id)
            call.uow.identities.delete_role(role.id)
            end_trust_in(call, role)
            return operations.DeleteRoleResponse()

        return perform(self._env, caller, operations.DELETE_ROLE, request, work)


def _require_own_key(call: Call, user: User, access_key_id: str) -> None:
    if key_user(call, access_key_id) != user.id:
        raise NoSuchEntity(f"The Access Key with id {access_key_id} cannot be found.")


def _key_order(key: AccessKey) -> tuple[str, str]:
    return key.created_at.isoformat(timespec="microseconds"), key.id


def _check_trust_policy(text: str, role_name: str) -> None:
    try:
        parse_trust_policy(text)
    except MalformedPolicy as error:
        raise PolicyRefused(str(error)) from error
    if counted_characters(text) > TRUST_POLICY_MAX_CHARACTERS:
        raise LimitExceeded(size_exceeded_text(TRUST_POLICY_MAX_CHARACTERS, "role", role_name))
