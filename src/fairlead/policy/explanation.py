"""What else a refusal could have come to: statements that nearly applied, and keys that would decide. Pure.

`evaluation` decides; this says to people what would have to be different. It looks at everything again, so
it is for the answer to "why?" and not for the path of a request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from fairlead.policy.context import Context
from fairlead.policy.decision import AttachedPolicy, DecidingStatement, Layer, Question, deciding_statement
from fairlead.policy.document import Effect, Statement
from fairlead.policy.matching import ResourceName, resource_name


@dataclass(frozen=True, slots=True)
class UnmetStatement:
    """An Allow for this action and resource whose condition does not hold.

    `missing_keys` are those of its keys that the question did not give; none if they all have a value that
    the condition does not want.
    """

    statement: DecidingStatement
    missing_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What lies behind the decision on one resource.

    `missing_keys` are all keys without a value that statements on this action look at, also in variables of
    their resources. `can_be_allowed` is True if some values of these could make it an allow, or are what
    makes it one: then the verdict holds only for the question as it was asked.
    """

    resource: str
    unmet: tuple[UnmetStatement, ...]
    missing_keys: tuple[str, ...]
    can_be_allowed: bool


@dataclass(slots=True)
class _Outlook:
    """What may still become of one resource."""

    layers: frozenset[Layer]
    unmet: list[UnmetStatement] = field(default_factory=list)
    missing: dict[str, None] = field(default_factory=dict)
    allowing: set[Layer] = field(default_factory=set)
    is_denied: bool = False

    def consider(
        self, policy: AttachedPolicy, statement: Statement, resource: ResourceName, context: Context
    ) -> None:
        unfilled = context.missing(statement.resources.keys)
        is_named = statement.resources.contains(resource, context)
        self.missing.update(dict.fromkeys(unfilled))
        if not is_named and not unfilled:
            return
        lacking = context.missing(statement.condition.keys)
        if is_named:
            self.missing.update(dict.fromkeys(lacking))
        holds = statement.condition.holds(context)
        if statement.effect is Effect.DENY:
            self.is_denied |= is_named and holds and not lacking and not unfilled
            return
        if holds or lacking:
            self.allowing.add(policy.layer)
        if is_named and not holds:
            self.unmet.append(UnmetStatement(deciding_statement(policy, statement), lacking))

    def explanation(self, resource: str) -> Explanation:
        can_be_allowed = not self.is_denied and self.allowing >= self.layers
        return Explanation(resource, tuple(self.unmet), tuple(self.missing), can_be_allowed)


def explain(question: Question, policies: Sequence[AttachedPolicy]) -> tuple[Explanation, ...]:
    """One explanation for each resource of the question, in its order."""
    context = Context(question.context)
    layers = frozenset({Layer.IDENTITY, *(policy.layer for policy in policies)})
    speaking = list(_speaking(question.action.lower(), policies))
    explanations = []
    for resource in question.resources:
        outlook = _Outlook(layers)
        known = context.extended(question.resource_context.get(resource, {}))
        for policy, statement in speaking:
            outlook.consider(policy, statement, resource_name(resource), known)
        explanations.append(outlook.explanation(resource))
    return tuple(explanations)


def _speaking(action: str, policies: Iterable[AttachedPolicy]) -> Iterable[tuple[AttachedPolicy, Statement]]:
    return (
        (policy, statement)
        for policy in policies
        for statement in policy.document.statements
        if statement.actions.contains(action)
    )
