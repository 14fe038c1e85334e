"""Which policies apply to a caller: read from the store at every call, so that a change holds for the next.

A user has inline and attached policies, those of his groups, and perhaps a permissions boundary; a node those
of its role. Nodes have one more, which every role of a node carries: their own heartbeat and channels. It
grants actions only; that the node, or the target of the session, is the caller's own is a check of the use
case, and comes first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.domain.callers import Caller, CallerKind, TemporaryCredentials
from fairlead.domain.groups import Group
from fairlead.domain.identities import Grants
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import AttachedPolicy, Attachment
from fairlead.policy.document import PolicyDocument, Version
from fairlead.policy.parser import parse_identity_policy

_PARSED_DOCUMENTS = 1024
"""How many parsed documents are kept; a document is at most 128 KiB of text, nearly always far less."""

_EVERYTHING_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"

NODE_POLICY_NAME = "FairleadManagedNode"
NODE_POLICY = """{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "OwnHeartbeatAndChannels",
    "Effect": "Allow",
    "Action": [
      "ssm:UpdateInstanceInformation",
      "ssm:ListInstanceAssociations",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenDataChannel"
    ],
    "Resource": "*"
  }]
}"""

_NOTHING = PolicyDocument(Version.V2012, ())


@dataclass(frozen=True, slots=True)
class _Places:
    """How policies came to apply that hang on a holder of one kind."""

    inline: Attachment
    managed: Attachment
    boundary: Attachment


_OF_USER = _Places(Attachment.USER_INLINE, Attachment.USER_MANAGED, Attachment.USER_BOUNDARY)
_OF_ROLE = _Places(Attachment.ROLE_INLINE, Attachment.ROLE_MANAGED, Attachment.ROLE_BOUNDARY)
_OF_GROUP = _Places(Attachment.GROUP_INLINE, Attachment.GROUP_MANAGED, Attachment.USER_BOUNDARY)


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides what a caller may do, as it is now."""

    tags: Mapping[str, ContextValue]
    """Context keys: the tags of the user or role, and over them those of the session."""
    policies: tuple[AttachedPolicy, ...]
    """Every policy that applies."""


def standing_of(uow: UnitOfWork, caller: Caller) -> Standing:
    """What the caller may do is decided by this. Raises MalformedPolicy if a stored policy is unreadable."""
    grants = uow.identities.grants_of(caller.identity_id)
    return Standing(_principal_tags(caller, grants), tuple(_policies_of(uow, caller, grants)))


def policies_of_group(uow: UnitOfWork, group: Group) -> Iterator[AttachedPolicy]:
    """What the group gives to each of its members."""
    grants = uow.identities.grants_of(group.id)
    if grants is not None:
        yield from _granted(uow, grants, _OF_GROUP)


def _principal_tags(caller: Caller, grants: Grants | None) -> dict[str, ContextValue]:
    own = {} if grants is None else grants.tags
    tags = {key.lower(): (key, value) for key, value in own.items()}
    if caller.temporary is not None:
        tags.update((key.lower(), (key, value)) for key, value in caller.temporary.tags)
    return {f"aws:PrincipalTag/{key}": value for key, value in tags.values()}


def _policies_of(uow: UnitOfWork, caller: Caller, grants: Grants | None) -> Iterator[AttachedPolicy]:
    if caller.kind is CallerKind.NODE:
        owner = caller.role_name or ""
        yield AttachedPolicy(parsed(NODE_POLICY), NODE_POLICY_NAME, Attachment.ROLE_MANAGED, owner)
    elif caller.kind is CallerKind.ACCOUNT:
        everything = AWS_MANAGED_POLICIES[_EVERYTHING_ARN].document
        yield AttachedPolicy(parsed(everything), "account", Attachment.USER_INLINE, caller.name)
    if grants is not None:
        yield from _granted(uow, grants, _OF_USER if caller.kind is CallerKind.USER else _OF_ROLE)
    if caller.temporary is not None:
        yield from _session_policies(uow, caller.name, caller.temporary)


def _session_policies(
    uow: UnitOfWork, session_name: str, temporary: TemporaryCredentials
) -> Iterator[AttachedPolicy]:
    for number, text in enumerate(temporary.policies, 1):
        yield AttachedPolicy(parsed(text), f"session policy {number}", Attachment.SESSION, session_name)
    documents = managed_documents(uow, set(temporary.policy_arns))
    for arn in temporary.policy_arns:
        document = parsed(documents[arn]) if arn in documents else _NOTHING
        yield AttachedPolicy(document, _name_in(arn), Attachment.SESSION, session_name, arn)


def _granted(uow: UnitOfWork, grants: Grants, places: _Places) -> Iterator[AttachedPolicy]:
    """The policies of a holder and of his groups, and his permissions boundary."""
    holders = {grants.holder.id: (grants.holder, places)}
    holders.update((group.id, (group, _OF_GROUP)) for group in grants.groups)
    for identity_id, policy in grants.inline:
        holder, place = holders[identity_id]
        yield AttachedPolicy(parsed(policy.document), policy.name, place.inline, holder.name)
    arns = {arn for _, arn in grants.attached} | ({grants.boundary_arn} if grants.boundary_arn else set())
    documents = managed_documents(uow, arns)
    for identity_id, arn in grants.attached:
        if arn in documents:
            holder, place = holders[identity_id]
            yield AttachedPolicy(parsed(documents[arn]), _name_in(arn), place.managed, holder.name, arn)
    if grants.boundary_arn is not None:
        # A boundary whose policy is gone allows nothing: it must not widen what it was set to narrow.
        arn = grants.boundary_arn
        document = parsed(documents[arn]) if arn in documents else _NOTHING
        yield AttachedPolicy(document, _name_in(arn), places.boundary, grants.holder.name, arn)


def managed_documents(uow: UnitOfWork, arns: set[str]) -> Mapping[str, str]:
    """The texts in force of the managed policies that exist, of the account and of AWS, by ARN."""
    of_aws = {arn: AWS_MANAGED_POLICIES[arn].document for arn in arns if arn in AWS_MANAGED_POLICIES}
    others = arns - of_aws.keys()
    return {**of_aws, **(uow.managed_policies.default_documents(others) if others else {})}


def _name_in(arn: str) -> str:
    return arn.rpartition("/")[2]


@lru_cache(maxsize=_PARSED_DOCUMENTS)
def parsed(text: str) -> PolicyDocument:
    """An identity policy; parsed once for as long as it is in use."""
    return parse_identity_policy(text)
