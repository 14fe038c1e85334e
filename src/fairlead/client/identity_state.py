"""Users, groups, roles and managed policies as plain values: what a server has, and what files ask for.

Read alike from three sources whose members are those of the `iam` operation GetAccountAuthorizationDetails:
the server's export, the output of `aws iam get-account-authorization-details`, and a directory with one file
for each identity. Documents are compared as JSON: order of members and white space say nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fairlead.client.errors import ClientError
from fairlead.transport.errors import printable

KINDS = ("policies", "groups", "roles", "users")
"""In the order in which they can be made; a user needs his groups and policies."""

SERVICE_ROLES_PATH = "/aws-service-role/"
"""Below it are roles that only an AWS service can make; there is no such thing here."""

Document = dict[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Identity:
    """A user, group, role or managed policy. What its kind does not have is empty.

    `inline` are documents by name, `attached` and `boundary` ARNs. `document` is the trust policy of a role
    and the text in force of a managed policy; `versions` are the other versions of that, oldest first.
    """

    kind: str
    name: str
    path: str = "/"
    inline: dict[str, Document] = field(default_factory=dict)
    attached: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    boundary: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    document: Document = field(default_factory=dict)
    description: str | None = None
    max_session_duration_s: int | None = None
    versions: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others: names have no case."""
        return self.kind, self.name.lower()


State = dict[tuple[str, str], Identity]
"""Identities by key."""

_LISTS = {
    "users": ("UserDetailList", "UserName", "UserPolicyList"),
    "groups": ("GroupDetailList", "GroupName", "GroupPolicyList"),
    "roles": ("RoleDetailList", "RoleName", "RolePolicyList"),
    "policies": ("Policies", "PolicyName", ""),
}


# Any: JSON of somebody else's making, here and below.
def read_details(details: dict[str, Any], source: str) -> State:
    """The identities in an export or in the output of AWS's command.

    Policies of AWS and roles of AWS services are left out. `source` names it in errors; raises ClientError.
    """
    state: State = {}
    for kind, (member, _, _) in _LISTS.items():
        for entry in _list(details.get(member), f"{member} of {source}"):
            if str(entry.get("Arn", "")).startswith("arn:aws:iam::aws:"):
                continue
            identity = read_identity(kind, entry, source)
            if not identity.path.startswith(SERVICE_ROLES_PATH):
                add(state, identity, source)
    return state


def add(state: State, identity: Identity, source: str) -> None:
    """Put an identity into a state. Raises ClientError if there is one of its name."""
    if identity.key in state:
        raise ClientError(f"{source}: {identity.name} is there twice among the {identity.kind}")
    state[identity.key] = identity


def read_identity(kind: str, entry: dict[str, Any], source: str) -> Identity:
    """One identity from its members. Raises ClientError for what cannot be read."""
    _, name_member, inline_member = _LISTS[kind]
    name = entry.get(name_member)
    if not isinstance(name, str) or not name:
        raise ClientError(f"{source}: there is no {name_member}")
    where = f"{source}: {printable(name, 128)}"
    boundary = entry.get("PermissionsBoundary") or {}
    duration = entry.get("MaxSessionDuration")
    return Identity(
        kind=kind,
        name=name,
        path=_text(entry.get("Path", "/"), f"Path of {where}"),
        inline={
            _text(policy.get("PolicyName"), f"PolicyName of {where}"): read_document(
                policy.get("PolicyDocument"), f"{policy.get('PolicyName')} of {where}"
            )
            for policy in _list(entry.get(inline_member), f"{inline_member} of {where}")
        },
        attached=frozenset(
            _text(policy.get("PolicyArn"), f"PolicyArn of {where}")
            for policy in _list(entry.get("AttachedManagedPolicies"), f"AttachedManagedPolicies of {where}")
        ),
        groups=frozenset(_text(group, f"GroupList of {where}") for group in entry.get("GroupList") or ()),
        boundary=boundary.get("PermissionsBoundaryArn") if isinstance(boundary, dict) else None,
        tags={
            _text(tag.get("Key"), f"Tags of {where}"): _text(tag.get("Value"), f"Tags of {where}")
            for tag in _list(entry.get("Tags"), f"Tags of {where}")
        },
        document=_own_document(kind, entry, where),
        description=entry.get("Description"),
        max_session_duration_s=duration if isinstance(duration, int) else None,
        versions=_other_versions(entry) if kind == "policies" else (),
    )


def _own_document(kind: str, entry: dict[str, Any], where: str) -> Document:
    if kind == "roles":
        return read_document(entry.get("AssumeRolePolicyDocument"), f"AssumeRolePolicyDocument of {where}")
    if kind != "policies":
        return {}
    if "PolicyDocument" in entry:  # a file of ours, where versions say nothing
        return read_document(entry["PolicyDocument"], f"PolicyDocument of {where}")
    for version in _list(entry.get("PolicyVersionList"), f"PolicyVersionList of {where}"):
        if version.get("IsDefaultVersion"):
            return read_document(version.get("Document"), f"Document of {where}")
    raise ClientError(f"{where}: there is neither a PolicyDocument nor a version in force")


def _other_versions(entry: dict[str, Any]) -> tuple[str, ...]:
    versions = entry.get("PolicyVersionList") or ()
    others = [str(each.get("VersionId")) for each in versions if not each.get("IsDefaultVersion")]
    return tuple(sorted(others, key=lambda version: (len(version), version)))


def read_document(value: object, where: str) -> Document:
    """A policy document: an object, or text that may be percent-encoded. Raises ClientError."""
    if isinstance(value, str):
        try:
            value = json.loads(value if value.lstrip().startswith("{") else unquote(value))
        except (ValueError, RecursionError):
            raise ClientError(f"{where} is not JSON") from None
    if not isinstance(value, dict):
        raise ClientError(f"{where} is not a policy document")
    return value


def entry_of(identity: Identity) -> dict[str, Any]:
    """The members that a file holds, those without a value left out."""
    _, name_member, inline_member = _LISTS[identity.kind]
    entry: dict[str, Any] = {name_member: identity.name, "Path": identity.path}
    if identity.description:
        entry["Description"] = identity.description
    if identity.max_session_duration_s is not None:
        entry["MaxSessionDuration"] = identity.max_session_duration_s
    if identity.kind == "policies":
        entry["PolicyDocument"] = identity.document
        return entry
    if identity.kind == "roles":
        entry["AssumeRolePolicyDocument"] = identity.document
    if identity.kind == "users":
        entry["GroupList"] = sorted(identity.groups, key=str.lower)
    entry[inline_member] = [
        {"PolicyName": name, "PolicyDocument": document} for name, document in sorted(identity.inline.items())
    ]
    entry["AttachedManagedPolicies"] = [
        {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in sorted(identity.attached)
    ]
    if identity.boundary:
        entry["PermissionsBoundary"] = {"PermissionsBoundaryArn": identity.boundary}
    if identity.tags:
        entry["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(identity.tags.items())]
    return entry


def _list(value: object, where: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ClientError(f"{where} is not a list of objects")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise ClientError(f"{where} is not a text")
    return value
