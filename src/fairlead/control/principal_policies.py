"""Which policies apply to a caller: read from the store at every call, so that a change holds for the next.

A user has inline and attached policies, those of his groups, and perhaps a permissions boundary; a node those
of its role. Nodes have one more, which every role of a node carries: their own heartbeat and channels. It
grants actions only; that the node, or the target of the session, is the caller's own is a check of the use
case, and comes first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.domain.callers import Caller, CallerKind, TemporaryCredentials
from fairlead.domain.groups import Group
from fairlead.domain.identities import Role, User
from fairlead.domain.unit_of_work import UnitOfWork
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
class _Holder:
    """Somebody or something that policies hang on."""

    id: str
    name: str
    inline: Attachment
    managed: Attachment


def policies_of(uow: UnitOfWork, caller: Caller) -> Iterator[AttachedPolicy]:
    """Every policy that applies to the caller. Raises MalformedPolicy if a stored one is unreadable."""
    if caller.kind is CallerKind.USER:
        user = uow.identities.get_user_by_id(caller.principal_id)
        if user is not None:
            yield from policies_of_user(uow, user)
    elif caller.kind is CallerKind.ROLE:
        role = uow.identities.get_role_by_id(caller.identity_id)
        if role is not None:
            yield from policies_of_role(uow, role)
    elif caller.kind is CallerKind.NODE:
        owner = caller.role_name or ""
        yield AttachedPolicy(parsed(NODE_POLICY), NODE_POLICY_NAME, Attachment.ROLE_MANAGED, owner)
        role = uow.identities.get_role(caller.scope.account_id, owner)
        if role is not None:
            yield from policies_of_role(uow, role)
    elif caller.kind is CallerKind.ACCOUNT:
        everything = AWS_MANAGED_POLICIES[_EVERYTHING_ARN].document
        yield AttachedPolicy(parsed(everything), "account", Attachment.USER_INLINE, caller.name)
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


def policies_of_user(uow: UnitOfWork, user: User) -> Iterator[AttachedPolicy]:
    """Those of the user and of his groups, and his permissions boundary."""
    holders = [_Holder(user.id, user.name, Attachment.USER_INLINE, Attachment.USER_MANAGED)]
    holders += [
        _Holder(group.id, group.name, Attachment.GROUP_INLINE, Attachment.GROUP_MANAGED)
        for group in uow.groups.of_user(user.id)
    ]
    boundary = AttachedBoundary(user.boundary_arn, Attachment.USER_BOUNDARY, user.name)
    return _policies(uow, holders, boundary)


def policies_of_role(uow: UnitOfWork, role: Role) -> Iterator[AttachedPolicy]:
    """Those of the role, and its permissions boundary."""
    holder = _Holder(role.id, role.name, Attachment.ROLE_INLINE, Attachment.ROLE_MANAGED)
    boundary = AttachedBoundary(role.boundary_arn, Attachment.ROLE_BOUNDARY, role.name)
    return _policies(uow, [holder], boundary)


def policies_of_group(uow: UnitOfWork, group: Group) -> Iterator[AttachedPolicy]:
    """What the group gives to each of its members."""
    holder = _Holder(group.id, group.name, Attachment.GROUP_INLINE, Attachment.GROUP_MANAGED)
    return _policies(uow, [holder], AttachedBoundary(None, Attachment.USER_BOUNDARY, group.name))


@dataclass(frozen=True, slots=True)
class AttachedBoundary:
    """A permissions boundary, if `arn` is not None."""

    arn: str | None
    attachment: Attachment
    owner: str


def _policies(
    uow: UnitOfWork, holders: Sequence[_Holder], boundary: AttachedBoundary
) -> Iterator[AttachedPolicy]:
    by_id = {holder.id: holder for holder in holders}
    for identity_id, policy in uow.identities.list_policies_of(by_id.keys()):
        holder = by_id[identity_id]
        yield AttachedPolicy(parsed(policy.document), policy.name, holder.inline, holder.name)
    attached = uow.managed_policies.attached_to(by_id.keys())
    arns = {arn for _, arn in attached} | ({boundary.arn} if boundary.arn else set())
    documents = managed_documents(uow, arns)
    for identity_id, arn in attached:
        if arn in documents:
            holder = by_id[identity_id]
            yield AttachedPolicy(parsed(documents[arn]), _name_in(arn), holder.managed, holder.name, arn)
    if boundary.arn is not None:
        # A boundary whose policy is gone allows nothing: it must not widen what it was set to narrow.
        document = parsed(documents[boundary.arn]) if boundary.arn in documents else _NOTHING
        yield AttachedPolicy(
            document, _name_in(boundary.arn), boundary.attachment, boundary.owner, boundary.arn
        )


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
