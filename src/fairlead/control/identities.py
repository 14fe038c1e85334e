"""IAM users, access keys and roles. Their inline policies are `inline_policies`.

Names are unique whatever their case, and found whatever their case; the ARN that policies are asked about is
always that of what was found. Where nothing is found, access is decided first all the same.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from fairlead.aws import arn
from fairlead.control.calls import Call, perform
from fairlead.control.identifiers import access_key_id, role_id, secret_access_key, user_id
from fairlead.control.identity_lookup import authorized_role, authorized_user, key_user
from fairlead.control.identity_views import access_key_metadata, role_detail, user_detail
from fairlead.control.inline_policies import DEFAULT_PAGE, InlinePolicies, PageRequest
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
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

DEFAULT_PATH = "/"
DEFAULT_MAX_SESSION_DURATION_S = 3600

Entity = TypeVar("Entity", User, Role)


class Identities(InlinePolicies):
    """The use cases of users, access keys, roles and their inline policies."""

    def create_user(
        self, caller: Caller, request: operations.CreateUserRequest
    ) -> operations.CreateUserResponse:
        """A new user without rights. Raises AccessDenied, EntityAlreadyExists or InvalidRequest."""

        def work(call: Call) -> operations.CreateUserResponse:
            path = request.path or DEFAULT_PATH
            call.authorize((str(arn.user(caller.scope.account_id, request.user_name, path)),))
            _refuse_unserved(request.permissions_boundary, request.tags)
            if call.uow.identities.get_user(caller.scope.account_id, request.user_name) is not None:
                raise EntityAlreadyExists(f"User with name {request.user_name} already exists.")
            user = User(
                id=user_id(self._env.random_bytes),
                account_id=caller.scope.account_id,
                name=request.user_name,
                path=path,
                created_at=call.now,
            )
            call.uow.identities.add_user(user)
            return operations.CreateUserResponse(user=user_detail(user))

        return perform(self._env, caller, operations.CREATE_USER, request, work)

    def get_user(self, caller: Caller, request: operations.GetUserRequest) -> operations.GetUserResponse:
        """A user; the caller when there is no name. Raises AccessDenied, NoSuchEntity or InvalidRequest."""

        def work(call: Call) -> operations.GetUserResponse:
            user = authorized_user(call, request.user_name)
            return operations.GetUserResponse(user=user_detail(user))

        return perform(self._env, caller, operations.GET_USER, request, work)

    def list_users(
        self, caller: Caller, request: operations.ListUsersRequest
    ) -> operations.ListUsersResponse:
        """One page of users below a path, by name. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListUsersResponse:
            prefix = request.path_prefix or DEFAULT_PATH
            call.authorize((str(arn.user(caller.scope.account_id, "", prefix)),))
            users, marker = self._page_below(prefix, call, request, call.uow.identities.list_users)
            return operations.ListUsersResponse(
                users=tuple(map(user_detail, users)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_USERS, request, work)

    def delete_user(
        self, caller: Caller, request: operations.DeleteUserRequest
    ) -> operations.DeleteUserResponse:
        """Delete a user that has nothing left. Raises AccessDenied, NoSuchEntity or DeleteConflict."""

        def work(call: Call) -> operations.DeleteUserResponse:
            user = authorized_user(call, request.user_name)
            if call.uow.identities.list_access_keys(user.id):
                raise DeleteConflict("Cannot delete entity, must delete access keys first.")
            if call.uow.identities.list_policies(user.id):
                raise DeleteConflict("Cannot delete entity, must delete policies first.")
            call.uow.identities.delete_user(user.id)
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
            listing = Listing(call.operation, caller.scope.account_id, "", user.id)
            size = request.max_items or DEFAULT_PAGE
            position = decode_position(self._env.sealer, listing, request.marker)
            keys = sorted(call.uow.identities.list_access_keys(user.id), key=_key_order)
            if position is not None:
                keys = [key for key in keys if _key_order(key) > position]
            page, has_more = cut_page(keys, size)
            return operations.ListAccessKeysResponse(
                access_key_metadata=tuple(map(access_key_metadata, page)),
                is_truncated=has_more,
                marker=(
                    encode_position(self._env.sealer, listing, *_key_order(page[-1])) if has_more else None
                ),
            )

        return perform(self._env, caller, operations.LIST_ACCESS_KEYS, request, work)

    def delete_access_key(
        self, caller: Caller, request: operations.DeleteAccessKeyRequest
    ) -> operations.DeleteAccessKeyResponse:
        """Delete a key of a user; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity or InvalidRequest.
        """

        def work(call: Call) -> operations.DeleteAccessKeyResponse:
            user = authorized_user(call, request.user_name)
            if key_user(call, request.access_key_id) != user.id:
                raise NoSuchEntity(f"The Access Key with id {request.access_key_id} cannot be found.")
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
            call.authorize((str(arn.role(caller.scope.account_id, request.role_name, path)),))
            _refuse_unserved(request.permissions_boundary, request.tags)
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
            )
            call.uow.identities.add_role(role)
            return operations.CreateRoleResponse(role=role_detail(role))

        return perform(self._env, caller, operations.CREATE_ROLE, request, work)

    def get_role(self, caller: Caller, request: operations.GetRoleRequest) -> operations.GetRoleResponse:
        """A role with its trust policy. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.GetRoleResponse:
            return operations.GetRoleResponse(role=role_detail(authorized_role(call, request.role_name)))

        return perform(self._env, caller, operations.GET_ROLE, request, work)

    def list_roles(
        self, caller: Caller, request: operations.ListRolesRequest
    ) -> operations.ListRolesResponse:
        """One page of roles below a path, by name. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListRolesResponse:
            prefix = request.path_prefix or DEFAULT_PATH
            call.authorize((str(arn.role(caller.scope.account_id, "", prefix)),))
            roles, marker = self._page_below(prefix, call, request, call.uow.identities.list_roles)
            return operations.ListRolesResponse(
                roles=tuple(map(role_detail, roles)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ROLES, request, work)

    def delete_role(
        self, caller: Caller, request: operations.DeleteRoleRequest
    ) -> operations.DeleteRoleResponse:
        """Delete a role without policies; nodes that have it are nobody until there is one of its name again.

        Raises AccessDenied, NoSuchEntity or DeleteConflict.
        """

        def work(call: Call) -> operations.DeleteRoleResponse:
            role = authorized_role(call, request.role_name)
            if call.uow.identities.list_policies(role.id):
                raise DeleteConflict("Cannot delete entity, must delete policies first.")
            call.uow.identities.delete_role(role.id)
            return operations.DeleteRoleResponse()

        return perform(self._env, caller, operations.DELETE_ROLE, request, work)

    def _page_below(
        self,
        prefix: str,
        call: Call,
        request: PageRequest,
        find: Callable[[str, str, str | None, int], list[Entity]],
    ) -> tuple[Sequence[Entity], str | None]:
        """One page of users or roles below a path, and the marker of the next if there is one."""
        sealer = self._env.sealer
        account_id = call.caller.scope.account_id
        listing = Listing(call.operation, account_id, "", prefix)
        size = request.max_items or DEFAULT_PAGE
        position = decode_position(sealer, listing, request.marker)
        found = find(account_id, prefix, None if position is None else position[0], size + 1)
        page, has_more = cut_page(found, size)
        return page, encode_position(sealer, listing, page[-1].name) if has_more else None


def _key_order(key: AccessKey) -> tuple[str, str]:
    return key.created_at.isoformat(timespec="microseconds"), key.id


def _refuse_unserved(permissions_boundary: str | None, tags: tuple[operations.IamTag, ...] | None) -> None:
    """A boundary or a tag that has no effect would be a right too many; so it is refused."""
    if permissions_boundary is not None:
        raise InvalidRequest("Permissions boundaries are not served yet; leave PermissionsBoundary out.")
    if tags:
        raise InvalidRequest("Tags of users and roles are not served yet; leave Tags out.")


def _check_trust_policy(text: str, role_name: str) -> None:
    try:
        parse_trust_policy(text)
    except MalformedPolicy as error:
        raise PolicyRefused(str(error)) from error
    if counted_characters(text) > TRUST_POLICY_MAX_CHARACTERS:
        raise LimitExceeded(size_exceeded_text(TRUST_POLICY_MAX_CHARACTERS, "role", role_name))
