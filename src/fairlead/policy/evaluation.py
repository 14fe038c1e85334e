"""The decision about a request, from the policies that apply to its principal. Pure.

Source: IAM User Guide, "Policy evaluation logic". For each resource: any Deny that applies decides; else any
Allow; else the answer is no. Which policies apply (the user's, those of the groups, the role's) and what the
request's resources are is found out by the caller, at every request.
"""

from collections.abc import Iterable

from fairlead.policy.context import Context
from fairlead.policy.decision import (
    AttachedPolicy,
    Decision,
    Question,
    ResourceDecision,
    Verdict,
    deciding_statement,
)
from fairlead.policy.document import Effect, Statement
from fairlead.policy.matching import ResourceName, resource_name


class _Findings:
    """What the statements say about one resource."""

    __slots__ = ("allows", "denies", "resource")

    def __init__(self, resource: ResourceName) -> None:
        self.resource = resource
        self.allows: list[tuple[AttachedPolicy, Statement]] = []
        self.denies: list[tuple[AttachedPolicy, Statement]] = []

    def result(self) -> ResourceDecision:
        verdict = Verdict.IMPLICIT_DENY
        if self.denies:
            verdict = Verdict.EXPLICIT_DENY
        elif self.allows:
            verdict = Verdict.ALLOWED
        deciding = tuple(deciding_statement(*found) for found in self.denies or self.allows)
        return ResourceDecision(self.resource.text, verdict, deciding)


def evaluate(question: Question, policies: Iterable[AttachedPolicy]) -> Decision:
    """Decide. The order of the policies decides nothing but the order of the statements that are named."""
    context = Context(question.context)
    action = question.action.lower()
    findings = [_Findings(resource_name(resource)) for resource in question.resources]
    for policy in policies:
        for statement in policy.document.statements:
            if statement.actions.contains(action):
                for found in findings:
                    if statement.applies_to(found.resource, context):
                        which = found.denies if statement.effect is Effect.DENY else found.allows
                        which.append((policy, statement))
    results = tuple(found.result() for found in findings)
    return Decision(question.principal_arn, question.action, results)
