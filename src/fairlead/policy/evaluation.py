"""The decision about a request, from the policies that apply to its principal. Pure.

Source: IAM User Guide, "Policy evaluation logic". For each resource: any Deny that applies decides. Else
there must be an Allow among the identity policies, and one in the permissions boundary and one among the
session policies where there are such; less is needed where the trust policy of a role names the principal
(`trust`). Which policies apply (the user's, those of the groups, the role's) and what the request's resources
are is found out by the caller, at every request.
"""

from collections.abc import Collection, Iterable

from fairlead.policy.context import Context
from fairlead.policy.decision import (
    EVERY_LAYER,
    AttachedPolicy,
    Decision,
    Layer,
    Question,
    ResourceDecision,
    Verdict,
    deciding_statement,
)
from fairlead.policy.document import Effect, Statement
from fairlead.policy.matching import resource_name

_Found = list[tuple[AttachedPolicy, Statement]]


class _Findings:
    """What the statements say about one resource."""

    __slots__ = ("allows", "context", "denies", "missing", "resource")

    def __init__(self, resource: str, context: Context) -> None:
        self.resource = resource_name(resource)
        self.context = context
        self.allows: _Found = []
        self.denies: _Found = []
        self.missing: dict[str, None] = {}

    def consider(self, policy: AttachedPolicy, statement: Statement) -> None:
        """Take in a statement that speaks about the action."""
        if not statement.resources.contains(self.resource, self.context):
            return
        if statement.condition.tests:
            for key in self.context.missing(statement.condition.keys):
                self.missing[key] = None
            if not statement.condition.holds(self.context):
                return
        which = self.denies if statement.effect is Effect.DENY else self.allows
        which.append((policy, statement))

    def result(self, layers: list[Layer], needed: Collection[Layer]) -> ResourceDecision:
        verdict, layer, found = self._verdict(layers, needed)
        deciding = tuple(deciding_statement(*each) for each in found)
        return ResourceDecision(self.resource.text, verdict, deciding, layer, tuple(self.missing))

    def _verdict(self, layers: list[Layer], needed: Collection[Layer]) -> tuple[Verdict, Layer, _Found]:
        for layer in layers:
            if any(policy.layer is layer for policy, _ in self.denies):
                return Verdict.EXPLICIT_DENY, layer, self.denies
        for layer in layers:
            if layer in needed and not any(policy.layer is layer for policy, _ in self.allows):
                return Verdict.IMPLICIT_DENY, layer, []
        return Verdict.ALLOWED, Layer.IDENTITY, self.allows


def evaluate(
    question: Question, policies: Iterable[AttachedPolicy], needed: Collection[Layer] = EVERY_LAYER
) -> Decision:
    """Decide. The order of the policies decides nothing but the order of the statements that are named.

    A boundary or a session policy among them restricts; a principal without any has none of these layers.
    `needed` are the layers that have to allow the request; a Deny counts in each.
    """
    context = Context(question.context)
    action = question.action.lower()
    findings = [
        _Findings(resource, context.extended(question.resource_context.get(resource, {})))
        for resource in question.resources
    ]
    present = {Layer.IDENTITY}
    for policy in policies:
        present.add(policy.layer)
        for statement in policy.document.statements:
            if statement.actions.contains(action):
                for found in findings:
                    found.consider(policy, statement)
    layers = [layer for layer in Layer if layer in present]
    results = tuple(found.result(layers, needed) for found in findings)
    return Decision(question.principal_arn, question.action, results)
