"""IAM groups and who is in them. Their inline policies are `inline_policies`, attached ones `attachments`."""

from fairlead.aws import arn
from fairlead.control.attachments import require_no_policies
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identifiers import group_id
from fairlead.control.identity_lookup import authorized_group, authorized_user
from fairlead.control.identity_pages import DEFAULT_PATH, IdentityPages
from fairlead.control.identity_views import group_detail, user_detail
from fairlead.domain.callers import Caller
from fairlead.domain.errors import DeleteConflict, EntityAlreadyExists, LimitExceeded, NoSuchEntity
from fairlead.domain.groups import MAX_GROUPS_PER_USER, Group
from fairlead.domain.identities import User
from fairlead.domain.operations import groups as operations


class Groups:
    """The use cases of groups."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

    def create_group(
        self, caller: Caller, request: operations.CreateGroupRequest
    ) -> operations.CreateGroupResponse:
        """A new group without members and rights. Raises AccessDenied or EntityAlreadyExists."""

        def work(call: Call) -> operations.CreateGroupResponse:
            account_id, path = caller.scope.account_id, request.path or DEFAULT_PATH
            call.authorize((str(arn.group(account_id, request.group_name, path)),))
            if call.uow.groups.get(account_id, request.group_name) is not None:
                raise EntityAlreadyExists(f"Group with name {request.group_name} already exists.")
            group = Group(
                id=group_id(self._env.random_bytes),
                account_id=account_id,
                name=request.group_name,
                path=path,
                created_at=call.now,
            )
            call.uow.groups.add(group)
            return operations.CreateGroupResponse(group=group_detail(group))

        return perform(self._env, caller, operations.CREATE_GROUP, request, work)

    def get_group(self, caller: Caller, request: operations.GetGroupRequest) -> operations.GetGroupResponse:
        """A group and one page of its members. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.GetGroupResponse:
            group = authorized_group(call, request.group_name)
            members = call.uow.groups.members(group.id)
            page, marker = self._pages.of(call, request, group.id, members, _user_order)
            return operations.GetGroupResponse(
                group=group_detail(group),
                users=tuple(map(user_detail, page)),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.GET_GROUP, request, work)

    def list_groups(
        self, caller: Caller, request: operations.ListGroupsRequest
    ) -> operations.ListGroupsResponse:
        """One page of groups below a path, by name. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListGroupsResponse:
            prefix = request.path_prefix or DEFAULT_PATH
            call.authorize((str(arn.group(caller.scope.account_id, "", prefix)),))
            groups, marker = self._pages.below(prefix, call, request, call.uow.groups.page)
            return operations.ListGroupsResponse(
                groups=tuple(map(group_detail, groups)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_GROUPS, request, work)

    def delete_group(
        self, caller: Caller, request: operations.DeleteGroupRequest
    ) -> operations.DeleteGroupResponse:
        """Delete a group that has nothing left. Raises AccessDenied, NoSuchEntity or DeleteConflict."""

        def work(call: Call) -> operations.DeleteGroupResponse:
            group = authorized_group(call, request.group_name)
            if call.uow.groups.members(group.id):
                raise DeleteConflict("Cannot delete entity, must remove users from group first.")
            require_no_policies(call, group.id)
            call.uow.groups.delete(group.id)
            return operations.DeleteGroupResponse()

        return perform(self._env, caller, operations.DELETE_GROUP, request, work)

    def add_user_to_group(
        self, caller: Caller, request: operations.AddUserToGroupRequest
    ) -> operations.AddUserToGroupResponse:
        """The group's policies hold for the user from the next call on.

        Raises AccessDenied, NoSuchEntity or LimitExceeded.
        """

        def work(call: Call) -> operations.AddUserToGroupResponse:
            group = authorized_group(call, request.group_name)
            user = _existing_user(call, request.user_name)
            others = [each for each in call.uow.groups.of_user(user.id) if each.id != group.id]
            if len(others) >= MAX_GROUPS_PER_USER:
                raise LimitExceeded(f"Cannot exceed quota for GroupsPerUser: {MAX_GROUPS_PER_USER}")
            call.uow.groups.add_member(group.id, user.id)
            return operations.AddUserToGroupResponse()

        return perform(self._env, caller, operations.ADD_USER_TO_GROUP, request, work)

    def remove_user_from_group(
        self, caller: Caller, request: operations.RemoveUserFromGroupRequest
    ) -> operations.RemoveUserFromGroupResponse:
        """Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.RemoveUserFromGroupResponse:
            group = authorized_group(call, request.group_name)
            user = _existing_user(call, request.user_name)
            if not call.uow.groups.remove_member(group.id, user.id):
                raise NoSuchEntity(f"The user with name {user.name} is not in the group {group.name}.")
            return operations.RemoveUserFromGroupResponse()

        return perform(self._env, caller, operations.REMOVE_USER_FROM_GROUP, request, work)

    def list_groups_for_user(
        self, caller: Caller, request: operations.ListGroupsForUserRequest
    ) -> operations.ListGroupsForUserResponse:
        """One page of a user's groups, by name. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListGroupsForUserResponse:
            user = authorized_user(call, request.user_name)
            groups = call.uow.groups.of_user(user.id)
            page, marker = self._pages.of(call, request, user.id, groups, _group_order)
            return operations.ListGroupsForUserResponse(
                groups=tuple(map(group_detail, page)), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_GROUPS_FOR_USER, request, work)


def _existing_user(call: Call, name: str) -> User:
    """The user; held, so that he is not deleted meanwhile. Access was decided on the group."""
    user = call.uow.identities.get_user(call.caller.scope.account_id, name, to_change=True)
    if user is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return user


def _user_order(user: User) -> tuple[str, ...]:
    return (user.name.lower(),)


def _group_order(group: Group) -> tuple[str, ...]:
    return (group.name.lower(),)
