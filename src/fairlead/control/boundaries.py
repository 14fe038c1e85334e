"""Permissions boundaries of users and roles: managed policies that limit what the others can allow."""

from fairlead.aws.arn import Arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_role, authorized_user, boundary_keys
from fairlead.control.principal_policies import managed_documents
from fairlead.domain.callers import Caller
from fairlead.domain.errors import NoSuchEntity
from fairlead.domain.operations import boundaries as operations


def require_policy(call: Call, policy_arn: str | None) -> None:
    """Raise NoSuchEntity for the ARN of a managed policy that does not exist, MalformedArn for no ARN."""
    if policy_arn is None:
        return
    Arn.parse(policy_arn)
    if not managed_documents(call.uow, {policy_arn}):
        raise NoSuchEntity(f"Policy {policy_arn} does not exist or is not attachable.")


class Boundaries:
    """The use cases of permissions boundaries."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def put_user_permissions_boundary(
        self, caller: Caller, request: operations.PutUserPermissionsBoundaryRequest
    ) -> operations.PutUserPermissionsBoundaryResponse:
        """Limit a user; it holds from the next call on. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.PutUserPermissionsBoundaryResponse:
            user = authorized_user(call, request.user_name, boundary_keys(request.permissions_boundary))
            require_policy(call, request.permissions_boundary)
            call.uow.identities.set_user_boundary(user.id, request.permissions_boundary)
            return operations.PutUserPermissionsBoundaryResponse()

        return perform(self._env, caller, operations.PUT_USER_PERMISSIONS_BOUNDARY, request, work)

    def delete_user_permissions_boundary(
        self, caller: Caller, request: operations.DeleteUserPermissionsBoundaryRequest
    ) -> operations.DeleteUserPermissionsBoundaryResponse:
        """Limit a user no more. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DeleteUserPermissionsBoundaryResponse:
            user = authorized_user(call, request.user_name)
            _require_boundary("user", user.name, user.boundary_arn)
            call.uow.identities.set_user_boundary(user.id, None)
            return operations.DeleteUserPermissionsBoundaryResponse()

        return perform(self._env, caller, operations.DELETE_USER_PERMISSIONS_BOUNDARY, request, work)

    def put_role_permissions_boundary(
        self, caller: Caller, request: operations.PutRolePermissionsBoundaryRequest
    ) -> operations.PutRolePermissionsBoundaryResponse:
        """Limit a role; it holds from the next call on. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.PutRolePermissionsBoundaryResponse:
            role = authorized_role(call, request.role_name, boundary_keys(request.permissions_boundary))
            require_policy(call, request.permissions_boundary)
            call.uow.identities.set_role_boundary(role.id, request.permissions_boundary)
            return operations.PutRolePermissionsBoundaryResponse()

        return perform(self._env, caller, operations.PUT_ROLE_PERMISSIONS_BOUNDARY, request, work)

    def delete_role_permissions_boundary(
        self, caller: Caller, request: operations.DeleteRolePermissionsBoundaryRequest
    ) -> operations.DeleteRolePermissionsBoundaryResponse:
        """Limit a role no more. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.DeleteRolePermissionsBoundaryResponse:
            role = authorized_role(call, request.role_name)
            _require_boundary("role", role.name, role.boundary_arn)
            call.uow.identities.set_role_boundary(role.id, None)
            return operations.DeleteRolePermissionsBoundaryResponse()

        return perform(self._env, caller, operations.DELETE_ROLE_PERMISSIONS_BOUNDARY, request, work)


def _require_boundary(kind: str, name: str, boundary_arn: str | None) -> None:
    if boundary_arn is None:
        raise NoSuchEntity(f"The {kind} with name {name} has no permissions boundary.")
