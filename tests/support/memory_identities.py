"""Users, groups, roles and policies of `memory_store`."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.groups import Group
from fairlead.domain.identities import AccessKey, Grants, Holder, InlinePolicy, Role, User
from fairlead.domain.managed_policies import ManagedPolicy, PolicyVersion

if TYPE_CHECKING:
    from tests.support.memory_store import Tables

_Named = TypeVar("_Named", User, Role, Group, ManagedPolicy)


class MemoryIdentities:
    """domain.identities.IdentityRepository."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables

    def add_user(self, user: User) -> None:
        if self.get_user(user.account_id, user.name) is not None:
            raise EntityAlreadyExists(f"User with name {user.name} already exists.")
        self._tables.users[user.id] = user

    def get_user(self, account_id: str, name: str, *, to_change: bool = False) -> User | None:
        return _by_name(self._tables.users.values(), account_id, name)

    def get_user_by_id(self, user_id: str, *, to_change: bool = False) -> User | None:
        return self._tables.users.get(user_id)

    def list_users(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[User]:
        return _named_page(self._tables.users.values(), account_id, path_prefix, after_name)[:limit]

    def set_user_boundary(self, user_id: str, policy_arn: str | None) -> None:
        self._tables.users[user_id] = replace(self._tables.users[user_id], boundary_arn=policy_arn)

    def delete_user(self, user_id: str) -> None:
        self.delete_tags(user_id, self.get_tags(user_id))
        del self._tables.users[user_id]

    def lock_user(self, user_id: str, at: datetime) -> int:
        user = self._tables.users[user_id]
        self._tables.users[user_id] = replace(user, locked_at=user.locked_at or at)
        active = [key for key in self.list_access_keys(user_id) if key.is_active]
        for key in active:
            self.set_access_key_active(key.id, False)
            self._tables.keys_off_by_lock[key.id] = None
        return len(active)

    def unlock_user(self, user_id: str, at: datetime) -> int:
        self._tables.users[user_id] = replace(self._tables.users[user_id], locked_at=None, void_until=at)
        off = [key for key in self.list_access_keys(user_id) if key.id in self._tables.keys_off_by_lock]
        for key in off:
            self.set_access_key_active(key.id, True)
        return len(off)

    def add_access_key(self, key: AccessKey, secret: str) -> None:
        self._tables.keys[key.id] = (key, secret)

    def get_access_key(self, key_id: str) -> tuple[AccessKey, str] | None:
        return self._tables.keys.get(key_id)

    def get_key_and_user(self, key_id: str) -> tuple[AccessKey, str, User] | None:
        found = self._tables.keys.get(key_id)
        user = None if found is None else self.get_user_by_id(found[0].user_id)
        return None if found is None or user is None else (*found, user)

    def list_access_keys(self, user_id: str) -> list[AccessKey]:
        found = [key for key, _ in self._tables.keys.values() if key.user_id == user_id]
        return sorted(found, key=lambda key: key.created_at)

    def set_access_key_active(self, key_id: str, is_active: bool) -> None:
        key, secret = self._tables.keys[key_id]
        self._tables.keys[key_id] = replace(key, is_active=is_active), secret
        self._tables.keys_off_by_lock.pop(key_id, None)

    def delete_access_key(self, key_id: str) -> None:
        self._tables.keys.pop(key_id, None)

    def add_role(self, role: Role) -> None:
        if self.get_role(role.account_id, role.name) is not None:
            raise EntityAlreadyExists(f"Role with name {role.name} already exists.")
        self._tables.roles[role.id] = role

    def get_role(self, account_id: str, name: str, *, to_change: bool = False) -> Role | None:
        return _by_name(self._tables.roles.values(), account_id, name)

    def get_role_by_id(self, role_id: str) -> Role | None:
        return self._tables.roles.get(role_id)

    def list_roles(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Role]:
        return _named_page(self._tables.roles.values(), account_id, path_prefix, after_name)[:limit]

    def set_trust_policy(self, role_id: str, document: str) -> None:
        self._tables.roles[role_id] = replace(self._tables.roles[role_id], trust_policy=document)

    def set_role_details(self, role_id: str, description: str | None, max_session_duration_s: int) -> None:
        self._tables.roles[role_id] = replace(
            self._tables.roles[role_id],
            description=description,
            max_session_duration_s=max_session_duration_s,
        )

    def set_role_boundary(self, role_id: str, policy_arn: str | None) -> None:
        self._tables.roles[role_id] = replace(self._tables.roles[role_id], boundary_arn=policy_arn)

    def delete_role(self, role_id: str) -> None:
        self.delete_tags(role_id, self.get_tags(role_id))
        del self._tables.roles[role_id]

    def put_policy(self, identity_id: str, policy: InlinePolicy) -> None:
        self._tables.policies[identity_id, policy.name] = policy

    def get_policy(self, identity_id: str, name: str) -> InlinePolicy | None:
        return self._tables.policies.get((identity_id, name))

    def list_policies(self, identity_id: str) -> Sequence[InlinePolicy]:
        found = [policy for (owner, _), policy in self._tables.policies.items() if owner == identity_id]
        return sorted(found, key=lambda policy: policy.name)

    def grants_of(self, identity_id: str) -> Grants | None:
        kinds = (self._tables.users, self._tables.roles, self._tables.groups)
        holder = next((kind[identity_id] for kind in kinds if identity_id in kind), None)
        if holder is None:
            return None
        groups = MemoryGroups(self._tables).of_user(identity_id)
        owners = sorted([identity_id, *(group.id for group in groups)])
        return Grants(
            holder=Holder(id=holder.id, name=holder.name),
            boundary_arn=getattr(holder, "boundary_arn", None),
            tags=self.get_tags(identity_id),
            groups=[Holder(id=group.id, name=group.name) for group in groups],
            inline=[(owner, policy) for owner in owners for policy in self.list_policies(owner)],
            attached=MemoryManagedPolicies(self._tables).attached_to(owners),
        )

    def delete_policy(self, identity_id: str, name: str) -> None:
        self._tables.policies.pop((identity_id, name), None)

    def get_tags(self, identity_id: str) -> Mapping[str, str]:
        found = [tag for (owner, _), tag in self._tables.identity_tags.items() if owner == identity_id]
        return dict(sorted(found, key=lambda tag: tag[0].lower()))

    def put_tags(self, identity_id: str, tags: Mapping[str, str]) -> None:
        for key, value in tags.items():
            self._tables.identity_tags[identity_id, key.lower()] = (key, value)

    def delete_tags(self, identity_id: str, keys: Collection[str]) -> None:
        for key in keys:
            self._tables.identity_tags.pop((identity_id, key.lower()), None)


class MemoryGroups:
    """domain.groups.GroupRepository."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables

    def add(self, group: Group) -> None:
        if self.get(group.account_id, group.name) is not None:
            raise EntityAlreadyExists(f"Group with name {group.name} already exists.")
        self._tables.groups[group.id] = group

    def get(self, account_id: str, name: str, *, to_change: bool = False) -> Group | None:
        return _by_name(self._tables.groups.values(), account_id, name)

    def page(self, account_id: str, path_prefix: str, after_name: str | None, limit: int) -> list[Group]:
        return _named_page(self._tables.groups.values(), account_id, path_prefix, after_name)[:limit]

    def delete(self, group_id: str) -> None:
        del self._tables.groups[group_id]

    def add_member(self, group_id: str, user_id: str) -> None:
        self._tables.members[group_id, user_id] = None

    def remove_member(self, group_id: str, user_id: str) -> bool:
        was_there = (group_id, user_id) in self._tables.members
        self._tables.members.pop((group_id, user_id), None)
        return was_there

    def members(self, group_id: str) -> list[User]:
        found = [self._tables.users[user] for group, user in self._tables.members if group == group_id]
        return sorted(found, key=lambda user: user.name.lower())

    def of_user(self, user_id: str) -> Sequence[Group]:
        found = [self._tables.groups[group] for group, user in self._tables.members if user == user_id]
        return sorted(found, key=lambda group: group.name.lower())


class MemoryManagedPolicies:
    """domain.managed_policies.ManagedPolicyRepository."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables

    def add(self, policy: ManagedPolicy, document: str) -> None:
        if _by_name(self._tables.managed_policies.values(), policy.account_id, policy.name) is not None:
            raise EntityAlreadyExists(f"A policy with name {policy.name} already exists.")
        self._tables.managed_policies[policy.id] = policy
        self.add_version(policy.id, document, policy.created_at)

    def get(self, arn: str, *, to_change: bool = False) -> ManagedPolicy | None:
        found = [policy for policy in self._tables.managed_policies.values() if policy.arn == arn]
        return found[0] if found else None

    def page(
        self, account_id: str, path_prefix: str, after_name: str | None, limit: int
    ) -> list[ManagedPolicy]:
        rows = self._tables.managed_policies.values()
        return _named_page(rows, account_id, path_prefix, after_name)[:limit]

    def delete(self, policy_id: str) -> None:
        for version in self.versions(policy_id):
            self.delete_version(policy_id, version.number)
        del self._tables.managed_policies[policy_id]

    def versions(self, policy_id: str) -> list[PolicyVersion]:
        found = [
            version for (owner, _), version in self._tables.policy_versions.items() if owner == policy_id
        ]
        return sorted(found, key=lambda version: -version.number)

    def add_version(self, policy_id: str, document: str, at: datetime) -> PolicyVersion:
        number = 1 + max((version.number for version in self.versions(policy_id)), default=0)
        version = PolicyVersion(number=number, document=document, created_at=at)
        self._tables.policy_versions[policy_id, number] = version
        return version

    def delete_version(self, policy_id: str, number: int) -> None:
        self._tables.policy_versions.pop((policy_id, number), None)

    def set_default_version(self, policy_id: str, number: int, at: datetime) -> None:
        policy = self._tables.managed_policies[policy_id]
        self._tables.managed_policies[policy_id] = replace(policy, default_version=number, updated_at=at)

    def default_documents(self, arns: Collection[str]) -> dict[str, str]:
        found = {}
        for arn in arns:
            policy = self.get(arn)
            if policy is not None:
                found[arn] = self._tables.policy_versions[policy.id, policy.default_version].document
        return found

    def attach(self, identity_id: str, arn: str) -> None:
        self._tables.attachments[identity_id, arn] = None

    def detach(self, identity_id: str, arn: str) -> bool:
        was_there = (identity_id, arn) in self._tables.attachments
        self._tables.attachments.pop((identity_id, arn), None)
        return was_there

    def attached_to(self, identity_ids: Collection[str]) -> Sequence[tuple[str, str]]:
        return sorted(each for each in self._tables.attachments if each[0] in identity_ids)

    def attachment_count(self, arn: str) -> int:
        return sum(policy_arn == arn for _, policy_arn in self._tables.attachments)

    def boundary_count(self, arn: str) -> int:
        bounded: list[User | Role] = [*self._tables.users.values(), *self._tables.roles.values()]
        return sum(identity.boundary_arn == arn for identity in bounded)


def _by_name(rows: Iterable[_Named], account_id: str, name: str) -> _Named | None:
    same = [row for row in rows if (row.account_id, row.name.lower()) == (account_id, name.lower())]
    return same[0] if same else None


def _named_page(
    rows: Iterable[_Named], account_id: str, path_prefix: str, after_name: str | None
) -> list[_Named]:
    found = [
        row
        for row in rows
        if row.account_id == account_id
        and row.path.startswith(path_prefix)
        and (after_name is None or row.name.lower() > after_name.lower())
    ]
    return sorted(found, key=lambda row: row.name.lower())
