"""What hangs on a user, group or role, in one statement: it is asked for at every call of the API."""

from sqlalchemy import Connection, String, bindparam, literal, null, select, union_all

from fairlead.domain.identities import Grants, Holder, InlinePolicy
from fairlead.store.tables import (
    group_members,
    identity_tags,
    inline_policies,
    policy_attachments,
    roles,
    user_groups,
    users,
)

_HOLDER, _GROUP, _TAG, _INLINE, _ATTACHED = range(5)

_ID = bindparam("of_id", type_=String)
_IDS = select(_ID.label("id")).union_all(
    select(group_members.c.group_id).where(group_members.c.user_id == _ID)
)
"""The holder's, and those of the groups of a user."""

# Rows of one shape: what they are, of whom, a name and a text. Made once, because making it takes longer than
# running it.
_GRANTS = union_all(
    *(
        select(literal(_HOLDER).label("kind"), table.c.id, table.c.name, boundary_arn.label("text")).where(
            table.c.id == _ID
        )
        for table, boundary_arn in (
            (users, users.c.boundary_arn),
            (roles, roles.c.boundary_arn),
            (user_groups, null()),
        )
    ),
    select(literal(_GROUP), user_groups.c.id, user_groups.c.name, null())
    .join_from(group_members, user_groups)
    .where(group_members.c.user_id == _ID),
    select(literal(_TAG), identity_tags.c.identity_id, identity_tags.c.key, identity_tags.c.value).where(
        identity_tags.c.identity_id == _ID
    ),
    select(
        literal(_INLINE), inline_policies.c.identity_id, inline_policies.c.name, inline_policies.c.document
    ).where(inline_policies.c.identity_id.in_(_IDS)),
    select(
        literal(_ATTACHED), policy_attachments.c.identity_id, policy_attachments.c.policy_arn, null()
    ).where(policy_attachments.c.identity_id.in_(_IDS)),
)


def read_grants(connection: Connection, identity_id: str) -> Grants | None:
    """`IdentityRepository.grants_of`."""
    found: dict[int, list[tuple[str, str, str]]] = {}
    for kind, of_id, name, text in connection.execute(_GRANTS, {"of_id": identity_id}):
        found.setdefault(kind, []).append((of_id, name, text))
    if _HOLDER not in found:
        return None
    ((_, name, boundary_arn),) = found[_HOLDER]
    tags = sorted(found.get(_TAG, ()), key=lambda tag: tag[1].lower())
    groups = sorted(found.get(_GROUP, ()), key=lambda group: group[1].lower())
    inline = sorted(found.get(_INLINE, ()))
    return Grants(
        holder=Holder(id=identity_id, name=name),
        boundary_arn=boundary_arn,
        tags={key: value for _, key, value in tags},
        groups=[Holder(id=group_id, name=name) for group_id, name, _ in groups],
        inline=[(of_id, InlinePolicy(name=name, document=document)) for of_id, name, document in inline],
        attached=sorted((of_id, arn) for of_id, arn, _ in found.get(_ATTACHED, ())),
    )
