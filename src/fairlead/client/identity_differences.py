"""From what a server has to what files ask for: the calls that lead there, in an order that works.

What is named in the files is made so in every part: a policy that a user has and his file does not is taken
off. What no file names is left alone, unless it is to be pruned.
Taking off goes before putting on, so that no quota is exceeded half way; all calls are made together, so
nobody is without his rights in between.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fairlead.client.errors import ClientError
from fairlead.client.identity_state import KINDS, Identity, State

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_VERSIONS = 5
"""Versions of a managed policy that are kept; before another one is made the oldest goes."""

AWS_POLICY = "arn:aws:iam::aws:policy/"

# What the operations call the kinds.
_WORD = {"users": "User", "groups": "Group", "roles": "Role", "policies": "Policy"}


@dataclass(frozen=True)
class Change:
    """One call, and what it is about in words: `~ user alice: policy ssh`."""

    operation: str
    parameters: dict[str, Any]  # Any: the members of the operation
    text: str


def adopted(wanted: State, account_id: str, aws_policies: frozenset[str]) -> tuple[State, list[str]]:
    """The state fit for a server, and warnings about what is left out of it.

    Managed policies are attached from the server's own account, whichever one the files come from; policies
    of AWS that the server does not have cannot be attached. Documents stay as they are.
    """
    warnings: list[str] = []
    unknown: dict[str, int] = {}

    def own(arn: str) -> str:
        fields = arn.split(":", 5)
        if len(fields) == 6 and fields[4] not in ("aws", account_id):
            return ":".join((*fields[:4], account_id, fields[5]))
        return arn

    def known(arn: str) -> bool:
        if not arn.startswith(AWS_POLICY) or arn in aws_policies:
            return True
        unknown[arn] = unknown.get(arn, 0) + 1
        return False

    state: State = {}
    for key, identity in wanted.items():
        attached = frozenset(own(arn) for arn in identity.attached if known(arn))
        boundary = identity.boundary and own(identity.boundary)
        if boundary and not known(boundary):
            raise ClientError(
                f"{identity.name} has the permissions boundary {boundary}, which this server does not have;"
                " without it he would get more rights than he had: give him another one"
            )
        state[key] = replace(identity, attached=attached, boundary=boundary)
    for arn, count in sorted(unknown.items()):
        holders = "1 identity has" if count == 1 else f"{count} identities have"
        warnings.append(f"this server has no policy {arn}: it is left out, {holders} it attached")
    return state, warnings


def changes(present: State, wanted: State, account_id: str, *, prune: bool = False) -> list[Change]:
    """The calls that lead from one state to the other.

    Raises ClientError for a change that no call can make: another path.
    """
    found: list[Change] = []
    for kind in KINDS:
        for identity in _of_kind(wanted, kind):
            before = present.get(identity.key)
            if before is None:
                found += _created(identity)
            elif before.path != identity.path:
                raise ClientError(
                    f"{identity.name} has the path {before.path}, which cannot be changed to {identity.path}:"
                    " delete it first"
                )
    gone = [
        replace(identity, inline={}, attached=frozenset(), groups=frozenset(), boundary=None)
        for key, identity in present.items()
        if prune and key not in wanted
    ]
    pairs = [
        (present.get(identity.key) or _empty(identity), identity)
        for kind in KINDS
        for identity in (*_of_kind(wanted, kind), *(each for each in gone if each.kind == kind))
    ]
    for step in (_taken_off, _changed, _put_on):
        for before, after in pairs:
            found += step(before, after, account_id)
    for kind in reversed(KINDS):
        for identity in gone:
            if identity.kind == kind:
                found += _deleted(identity, account_id)
    return found


def unmentioned(present: State, wanted: State) -> list[Identity]:
    """What the server has and no file names."""
    return [identity for key, identity in present.items() if key not in wanted]


def _of_kind(state: State, kind: str) -> Iterator[Identity]:
    return (identity for identity in state.values() if identity.kind == kind)


def _empty(identity: Identity) -> Identity:
    """An identity as its creation leaves it."""
    return replace(identity, inline={}, attached=frozenset(), groups=frozenset())


def _arn(identity: Identity, account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:policy{identity.path}{identity.name}"


def _written(document: dict[str, Any]) -> str:
    """A document's text; quotas do not count white space."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _created(identity: Identity) -> Iterator[Change]:
    word = _WORD[identity.kind]
    parameters: dict[str, Any] = {f"{word}Name": identity.name, "Path": identity.path}
    if identity.description:
        parameters["Description"] = identity.description
    if identity.kind == "policies":
        parameters["PolicyDocument"] = _written(identity.document)
    if identity.kind == "roles":
        parameters["AssumeRolePolicyDocument"] = _written(identity.document)
        if identity.max_session_duration_s is not None:
            parameters["MaxSessionDuration"] = identity.max_session_duration_s
    if identity.boundary:
        parameters["PermissionsBoundary"] = identity.boundary
    if identity.tags:
        parameters["Tags"] = _tag_list(identity.tags)
    yield Change(f"Create{word}", parameters, f"+ {word.lower()} {identity.name}")


def _deleted(identity: Identity, account_id: str) -> Iterator[Change]:
    word = _WORD[identity.kind]
    text = f"- {word.lower()} {identity.name}"
    if identity.kind == "policies":
        arn = _arn(identity, account_id)
        for version in identity.versions:
            yield Change("DeletePolicyVersion", {"PolicyArn": arn, "VersionId": version}, text)
        yield Change("DeletePolicy", {"PolicyArn": arn}, text)
        return
    yield Change(f"Delete{word}", {f"{word}Name": identity.name}, text)


def _taken_off(before: Identity, after: Identity, _account_id: str) -> Iterator[Change]:
    word = _WORD[after.kind]
    who = {f"{word}Name": after.name}
    subject = f"~ {word.lower()} {after.name}"
    for name in sorted(before.inline.keys() - after.inline.keys()):
        yield Change(f"Delete{word}Policy", {**who, "PolicyName": name}, f"{subject}: - policy {name}")
    for arn in sorted(before.attached - after.attached):
        yield Change(f"Detach{word}Policy", {**who, "PolicyArn": arn}, f"{subject}: - attached {arn}")
    for group in _missing(before.groups, after.groups):
        yield Change("RemoveUserFromGroup", {**who, "GroupName": group}, f"{subject}: - group {group}")
    if before.boundary and not after.boundary:
        yield Change(f"Delete{word}PermissionsBoundary", who, f"{subject}: - boundary {before.boundary}")
    kept = {key.lower() for key in after.tags}
    if keys := sorted(key for key in before.tags if key.lower() not in kept):
        yield Change(f"Untag{word}", {**who, "TagKeys": keys}, f"{subject}: - tags {', '.join(keys)}")


def _changed(before: Identity, after: Identity, account_id: str) -> Iterator[Change]:
    """What an identity has one of: the document of a policy, trust and details of a role."""
    if after.kind == "policies" and before.document != after.document:
        arn = _arn(after, account_id)
        if len(before.versions) + 1 >= MAX_VERSIONS:
            oldest = before.versions[0]
            yield Change(
                "DeletePolicyVersion",
                {"PolicyArn": arn, "VersionId": oldest},
                f"~ policy {after.name}: - version {oldest}",
            )
        members = {"PolicyArn": arn, "PolicyDocument": _written(after.document), "SetAsDefault": True}
        yield Change("CreatePolicyVersion", members, f"~ policy {after.name}: document")
    if after.kind != "roles":
        return
    who = {"RoleName": after.name}
    if before.document != after.document:
        members = {**who, "PolicyDocument": _written(after.document)}
        yield Change("UpdateAssumeRolePolicy", members, f"~ role {after.name}: who may take it")
    wants_duration = after.max_session_duration_s not in (None, before.max_session_duration_s)
    wants_description = after.description is not None and after.description != (before.description or "")
    if wants_duration or wants_description:
        duration = after.max_session_duration_s or before.max_session_duration_s
        details = {"Description": after.description or before.description, "MaxSessionDuration": duration}
        members = {**who, **{name: value for name, value in details.items() if value is not None}}
        yield Change("UpdateRole", members, f"~ role {after.name}: description or longest session")


def _put_on(before: Identity, after: Identity, _account_id: str) -> Iterator[Change]:
    word = _WORD[after.kind]
    who = {f"{word}Name": after.name}
    subject = f"~ {word.lower()} {after.name}"
    for name, document in sorted(after.inline.items()):
        if before.inline.get(name) != document:
            members = {**who, "PolicyName": name, "PolicyDocument": _written(document)}
            sign = "~" if name in before.inline else "+"
            yield Change(f"Put{word}Policy", members, f"{subject}: {sign} policy {name}")
    for arn in sorted(after.attached - before.attached):
        yield Change(f"Attach{word}Policy", {**who, "PolicyArn": arn}, f"{subject}: + attached {arn}")
    for group in _missing(after.groups, before.groups):
        yield Change("AddUserToGroup", {**who, "GroupName": group}, f"{subject}: + group {group}")
    if after.boundary and after.boundary != before.boundary:
        members = {**who, "PermissionsBoundary": after.boundary}
        yield Change(f"Put{word}PermissionsBoundary", members, f"{subject}: boundary {after.boundary}")
    if tags := {key: value for key, value in after.tags.items() if before.tags.get(key) != value}:
        yield Change(f"Tag{word}", {**who, "Tags": _tag_list(tags)}, f"{subject}: + tags {', '.join(tags)}")


def _missing(names: frozenset[str], others: frozenset[str]) -> list[str]:
    """The names that are not among others, whatever their case."""
    present = {name.lower() for name in others}
    return sorted(name for name in names if name.lower() not in present)
