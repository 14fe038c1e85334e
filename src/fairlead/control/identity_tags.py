"""Tags of users and roles. Policies see them as `aws:PrincipalTag/…` and `aws:ResourceTag/…`."""

from collections.abc import Iterable, Mapping, Sequence

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_role, authorized_user
from fairlead.control.identity_pages import IdentityPages
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidRequest, LimitExceeded
from fairlead.domain.identities import MAX_TAGS_PER_IDENTITY
from fairlead.domain.operations import identity_tags as operations
from fairlead.domain.operations.identities import IamTag
from fairlead.policy.context import ContextValue

_RESERVED_PREFIX = "aws:"


def tags_from(tags: Sequence[IamTag] | None) -> dict[str, str]:
    """Tags of a request by key. Raises InvalidRequest for a key that comes twice or is reserved."""
    return tags_of_request((tag.key, tag.value) for tag in tags or ())


def tags_of_request(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The same from keys and values."""
    found: dict[str, str] = {}
    for key, value in pairs:
        if key.lower().startswith(_RESERVED_PREFIX):
            raise InvalidRequest(f"Tag keys that begin with {_RESERVED_PREFIX} are reserved: {key}")
        if any(key.lower() == other.lower() for other in found):
            raise InvalidRequest(f"Duplicate tag keys found: {key}. Tag keys have no case.")
        found[key] = value
    return found


def tag_keys(tags: Mapping[str, str]) -> Mapping[str, ContextValue]:
    """The context keys that a request with these tags has."""
    if not tags:
        return {}
    return {"aws:TagKeys": tuple(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


class IdentityTags:
    """The use cases of tags of users and roles."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

    def tag_user(self, caller: Caller, request: operations.TagUserRequest) -> operations.TagUserResponse:
        """Add or overwrite tags. Raises AccessDenied, NoSuchEntity, InvalidRequest or LimitExceeded."""

        def work(call: Call) -> operations.TagUserResponse:
            tags = tags_from(request.tags)
            _add(call, authorized_user(call, request.user_name, tag_keys(tags)).id, tags, "TagsPerUser")
            return operations.TagUserResponse()

        return perform(self._env, caller, operations.TAG_USER, request, work)

    def untag_user(
        self, caller: Caller, request: operations.UntagUserRequest
    ) -> operations.UntagUserResponse:
        """Take tags away; one that is not there is gone already. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.UntagUserResponse:
            user = authorized_user(call, request.user_name, {"aws:TagKeys": request.tag_keys})
            call.uow.identities.delete_tags(user.id, request.tag_keys)
            return operations.UntagUserResponse()

        return perform(self._env, caller, operations.UNTAG_USER, request, work)

    def list_user_tags(
        self, caller: Caller, request: operations.ListUserTagsRequest
    ) -> operations.ListUserTagsResponse:
        """One page of a user's tags, by key. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListUserTagsResponse:
            user = authorized_user(call, request.user_name)
            tags = call.uow.identities.get_tags(user.id).items()
            page, marker = self._pages.of(call, request, user.id, tags, _order)
            return operations.ListUserTagsResponse(
                tags=_shown(page), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_USER_TAGS, request, work)

    def tag_role(self, caller: Caller, request: operations.TagRoleRequest) -> operations.TagRoleResponse:
        """Add or overwrite tags. Raises AccessDenied, NoSuchEntity, InvalidRequest or LimitExceeded."""

        def work(call: Call) -> operations.TagRoleResponse:
            tags = tags_from(request.tags)
            _add(call, authorized_role(call, request.role_name, tag_keys(tags)).id, tags, "TagsPerRole")
            return operations.TagRoleResponse()

        return perform(self._env, caller, operations.TAG_ROLE, request, work)

    def untag_role(
        self, caller: Caller, request: operations.UntagRoleRequest
    ) -> operations.UntagRoleResponse:
        """Take tags away; one that is not there is gone already. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.UntagRoleResponse:
            role = authorized_role(call, request.role_name, {"aws:TagKeys": request.tag_keys})
            call.uow.identities.delete_tags(role.id, request.tag_keys)
            return operations.UntagRoleResponse()

        return perform(self._env, caller, operations.UNTAG_ROLE, request, work)

    def list_role_tags(
        self, caller: Caller, request: operations.ListRoleTagsRequest
    ) -> operations.ListRoleTagsResponse:
        """One page of a role's tags, by key. Raises AccessDenied, NoSuchEntity or InvalidNextToken."""

        def work(call: Call) -> operations.ListRoleTagsResponse:
            role = authorized_role(call, request.role_name)
            tags = call.uow.identities.get_tags(role.id).items()
            page, marker = self._pages.of(call, request, role.id, tags, _order)
            return operations.ListRoleTagsResponse(
                tags=_shown(page), is_truncated=marker is not None, marker=marker
            )

        return perform(self._env, caller, operations.LIST_ROLE_TAGS, request, work)


def _add(call: Call, identity_id: str, tags: Mapping[str, str], quota: str) -> None:
    keys = {key.lower() for key in (*call.uow.identities.get_tags(identity_id), *tags)}
    if len(keys) > MAX_TAGS_PER_IDENTITY:
        raise LimitExceeded(f"Cannot exceed quota for {quota}: {MAX_TAGS_PER_IDENTITY}")
    call.uow.identities.put_tags(identity_id, tags)


def _order(tag: tuple[str, str]) -> tuple[str, ...]:
    return (tag[0].lower(),)


def _shown(tags: Sequence[tuple[str, str]]) -> tuple[IamTag, ...]:
    return tuple(IamTag(key=key, value=value) for key, value in tags)
