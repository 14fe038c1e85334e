"""How the simulation API names policies: those that decided, and those that are to be left out."""

from collections.abc import Iterable, Sequence

from fairlead.domain.aws_managed_policies import AWS_MANAGED_POLICIES
from fairlead.domain.errors import InvalidInput
from fairlead.domain.operations.simulation import MatchedStatement, PolicyIdentifier
from fairlead.policy.decision import AttachedPolicy, Attachment, DecidingStatement, Layer

_INLINE = {
    Attachment.USER_INLINE: "user",
    Attachment.GROUP_INLINE: "group",
    Attachment.ROLE_INLINE: "role",
}


def matched_statement(statement: DecidingStatement) -> MatchedStatement:
    """A statement by its policy: `group_admins_ssh` for the inline policy `ssh` of the group `admins`,
    the name of a managed policy, `PolicyInputList.1` for one of the request."""
    name = statement.policy_name
    if statement.policy_arn is not None:
        return MatchedStatement(source_policy_id=name, source_policy_type=_managed(statement.policy_arn))
    kind = _INLINE.get(statement.attachment)
    if kind is None or not statement.owner:
        return MatchedStatement(source_policy_id=name, source_policy_type="none")
    return MatchedStatement(source_policy_id=f"{kind}_{statement.owner}_{name}", source_policy_type=kind)


def without_excluded(
    policies: Iterable[AttachedPolicy], excluded: Sequence[PolicyIdentifier] | None
) -> list[AttachedPolicy]:
    """Those that no identifier names. Raises InvalidInput for an identifier that is not exactly one."""
    excluded = excluded or ()
    for identifier in excluded:
        given = (identifier.policy_type, identifier.policy_arn, identifier.inline_policy_identifier)
        if sum(each is not None for each in given) != 1:
            raise InvalidInput(
                "Each entry of PolicyExclusionList must have one of PolicyType, PolicyArn and"
                " InlinePolicyIdentifier."
            )
    return [policy for policy in policies if not any(_names(each, policy) for each in excluded)]


def _names(identifier: PolicyIdentifier, policy: AttachedPolicy) -> bool:
    is_boundary = policy.layer is Layer.BOUNDARY
    if identifier.policy_type == "permission-boundary":
        return is_boundary
    if identifier.policy_type == "inline":
        return policy.attachment in _INLINE
    if identifier.policy_type is not None:  # an organization's policies, scp and rcp, are never there
        return policy.arn is not None and not is_boundary and _managed(policy.arn) == identifier.policy_type
    if identifier.policy_arn is not None:
        return policy.arn == identifier.policy_arn
    inline = identifier.inline_policy_identifier
    return (
        inline is not None
        and policy.name == inline.policy_name
        and _INLINE.get(policy.attachment) == inline.attachment_type
        and policy.owner == inline.attachment_name
    )


def _managed(arn: str) -> str:
    return "aws-managed" if arn in AWS_MANAGED_POLICIES else "user-managed"
