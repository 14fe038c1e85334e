"""What a principal may do before and after a change of policies, and what that gives or takes.

Asked about are the nodes and documents that sessions need, and every action by which somebody can give
himself more rights. For those the resources are the entries of the statements that allow them, taken as they
are written: whoever may do it to `arn:aws:iam::*:role/*` is named with that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from fairlead.control.authorization import START_SESSION_KEYS, ResourceContext
from fairlead.control.principal_lookup import Principal
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import AttachedPolicy, Layer, Question, Verdict
from fairlead.policy.document import Effect, Statement
from fairlead.policy.evaluation import evaluate
from fairlead.policy.explanation import explain
from fairlead.policy.matching import EVERYTHING

START_SESSION = "ssm:StartSession"

ESCALATING_ACTIONS = (
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreatePolicyVersion",
    "iam:DeleteGroupPolicy",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DeleteUserPermissionsBoundary",
    "iam:DeleteUserPolicy",
    "iam:DetachGroupPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
    "iam:PassRole",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:RemoveUserFromGroup",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateAssumeRolePolicy",
    "sts:AssumeRole",
)
"""Each lets its holder widen a policy, take off what narrows it, or become somebody with more rights."""


class Access(Enum):
    """May somebody do something? `CONDITIONAL`: it depends on what only a request brings."""

    ALLOWED = "allowed"
    CONDITIONAL = "conditional"
    REFUSED = "refused"


_Rule = tuple[object, ...]
"""What a statement says, whichever policy says it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A principal at one moment: the policies that apply to him and the keys that are known of him."""

    arn: str
    policies: tuple[AttachedPolicy, ...]
    context: Mapping[str, ContextValue]

    def rules(self, action: str) -> frozenset[_Rule]:
        """What the statements about an action say; sets that are equal lead to equal decisions."""
        lowered = action.lower()
        return frozenset(
            (policy.layer, *_said(statement))
            for policy in self.policies
            for statement in policy.document.statements
            if statement.actions.contains(lowered)
        )

    def allowed_entries(self, action: str) -> Iterator[str]:
        """The resources of the statements that allow an action, as written, known variables filled in."""
        lowered = action.lower()
        for policy in self.policies:
            if policy.layer is not Layer.IDENTITY:
                continue
            for statement in policy.document.statements:
                if statement.effect is Effect.ALLOW and statement.actions.contains(lowered):
                    yield from self._entries(statement)

    def _entries(self, statement: Statement) -> Iterator[str]:
        if statement.resources.negated:
            yield EVERYTHING
            return
        for pattern in statement.resources.patterns:
            text = pattern.text
            for key in pattern.keys:
                value = self.context.get(key)
                if isinstance(value, str):
                    text = text.replace(f"${{{key}}}", value)
            yield text


def _said(statement: Statement) -> _Rule:
    resources = statement.resources
    entries = frozenset(pattern.text for pattern in resources.patterns)
    return (statement.effect, entries, resources.negated, statement.condition)


@dataclass(frozen=True, slots=True)
class AccessDifference:
    """One thing that a principal may do, and how that changes."""

    arn: str
    action: str
    resource: str
    before: Access
    after: Access
    is_escalation: bool


def standing(uow: UnitOfWork, principal: Principal, now: datetime) -> Standing:
    """A principal as he stands in this transaction. Raises MalformedPolicy if a stored one is unreadable."""
    return Standing(principal.arn, tuple(principal.policies(uow)), principal.context(uow, "", now))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A principal before and after; one of the two is None for somebody who is new, or gone."""

    before: Standing | None
    after: Standing | None

    @property
    def concerns_sessions(self) -> bool:
        """Can anything have changed about starting sessions?"""
        return self._differs(START_SESSION)

    def of_session_resource(
        self, resource: str, resource_context: ResourceContext
    ) -> Iterator[AccessDifference]:
        """Starting sessions with a node or a document."""
        yield from self._difference(START_SESSION, resource, resource_context, is_escalation=False)

    def of_escalation(self) -> Iterator[AccessDifference]:
        """Everything by which somebody can give himself more rights."""
        for action in ESCALATING_ACTIONS:
            if not self._differs(action):
                continue
            sides = [side for side in (self.before, self.after) if side is not None]
            entries = dict.fromkeys(entry for side in sides for entry in side.allowed_entries(action))
            for entry in entries:
                yield from self._difference(action, entry, {}, is_escalation=True)

    def _differs(self, action: str) -> bool:
        if self.before is None or self.after is None:
            return True
        return self.before.context != self.after.context or self.before.rules(action) != self.after.rules(
            action
        )

    def _difference(
        self, action: str, resource: str, resource_context: ResourceContext, *, is_escalation: bool
    ) -> Iterator[AccessDifference]:
        before, before_rules = _access(self.before, action, resource, resource_context)
        after, after_rules = _access(self.after, action, resource, resource_context)
        # Two conditional answers differ if what they depend on does: another range of addresses, say.
        if before is after and (before is not Access.CONDITIONAL or before_rules == after_rules):
            return
        present = self.after or self.before
        assert present is not None
        yield AccessDifference(present.arn, action, resource, before, after, is_escalation)


def _access(
    side: Standing | None, action: str, resource: str, resource_context: ResourceContext
) -> tuple[Access, frozenset[_Rule]]:
    """The access, and what is said about the action."""
    if side is None:
        return Access.REFUSED, frozenset()
    keys = START_SESSION_KEYS if action == START_SESSION else {}
    question = Question(side.arn, action, (resource,), {**side.context, **keys}, resource_context)
    (decision,) = evaluate(question, side.policies).results
    (behind,) = explain(question, side.policies)
    is_allowed = decision.verdict is Verdict.ALLOWED
    missing = {*decision.missing_keys, *behind.missing_keys}
    if is_allowed and not missing:
        access = Access.ALLOWED
    elif is_allowed or behind.can_be_allowed:
        access = Access.CONDITIONAL
    else:
        access = Access.REFUSED
    return access, side.rules(action)
