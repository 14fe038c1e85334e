"""Why somebody may or may not do something, and who may: ExplainAccess and FindPrincipals.

The answer is made by what decides about calls, from the same policies, and from the context keys that the
server would supply for the principal. What only a connection brings (`aws:SourceIp`, …) is unknown unless
the question says it; an answer that hangs on such a key says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fairlead.control.asked_context import context_value, require_action, require_resource
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.paging import Listing, decode_position, encode_position
from fairlead.control.principal_lookup import (
    Principal,
    authorized_principal,
    role_principal,
    user_principal,
)
from fairlead.domain.callers import Caller
from fairlead.domain.operations import explanations as operations
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import DecidingStatement, Decision, Question, ResourceDecision, Verdict
from fairlead.policy.evaluation import evaluate
from fairlead.policy.explanation import Explanation, explain
from fairlead.policy.matching import EVERYTHING

DEFAULT_PAGE = 25
_EVERY_PATH = "/"
_USERS, _ROLES = "users", "roles"


@dataclass(frozen=True, slots=True)
class _Asked:
    """The part of a question that does not depend on the principal."""

    action: str
    resources: tuple[str, ...]
    entries: Mapping[str, ContextValue]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A decision, and what lies behind it for each resource."""

    decision: Decision
    explanations: tuple[Explanation, ...]

    @property
    def can_be_allowed(self) -> bool:
        """Is it an allow, or could it be one with other values of the missing keys?"""
        pairs = zip(self.decision.results, self.explanations, strict=True)
        return all(result.verdict is Verdict.ALLOWED or behind.can_be_allowed for result, behind in pairs)


class Explanations:
    """The use cases of explanations."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def explain_access(
        self, caller: Caller, request: operations.ExplainAccessRequest
    ) -> operations.ExplainAccessResponse:
        """Raises AccessDenied, NoSuchEntity, InvalidInput or MalformedArn."""

        def work(call: Call) -> operations.ExplainAccessResponse:
            principal = authorized_principal(call, request.principal)
            asked = _asked(request.action, request.resources, request.context)
            answer = _answer(call, principal, asked)
            decision = answer.decision
            return operations.ExplainAccessResponse(
                principal_arn=principal.arn,
                action=decision.action,
                verdict=decision.verdict.value,
                denial=None if decision.is_allowed else decision.denial_text(),
                is_locked=principal.is_locked,
                resources=_resources(answer),
            )

        return perform(self._env, caller, operations.EXPLAIN_ACCESS, request, work)

    def find_principals(
        self, caller: Caller, request: operations.FindPrincipalsRequest
    ) -> operations.FindPrincipalsResponse:
        """One page. Raises AccessDenied, InvalidInput or InvalidNextToken."""

        def work(call: Call) -> operations.FindPrincipalsResponse:
            call.authorize((EVERYTHING,))
            asked = _asked(request.action, request.resources, request.context)
            conditions = (request.action, request.resources, request.context)
            listing = Listing(call.operation, call.caller.scope.account_id, "", conditions)
            sealer = self._env.sealer
            position = decode_position(sealer, listing, request.next_token)
            size = request.max_results or DEFAULT_PAGE
            looked_at, following = _principals(call, position, size)
            answers = ((principal, _answer(call, principal, asked)) for principal in looked_at)
            found = tuple(
                operations.FoundPrincipal(
                    principal_arn=principal.arn,
                    verdict=answer.decision.verdict.value,
                    is_locked=principal.is_locked,
                    resources=_resources(answer),
                )
                for principal, answer in answers
                if answer.can_be_allowed
            )
            next_token = None if following is None else encode_position(sealer, listing, *following)
            return operations.FindPrincipalsResponse(principals=found, next_token=next_token)

        return perform(self._env, caller, operations.FIND_PRINCIPALS, request, work)


def _principals(
    call: Call, position: tuple[str, ...] | None, size: int
) -> tuple[list[Principal], tuple[str, ...] | None]:
    """At most `size` users or roles after a position, and the position of the rest if there may be more."""
    scope, identities = call.caller.scope, call.uow.identities
    kind, after = position or (_USERS, "")
    if kind == _USERS:
        users = identities.list_users(scope.account_id, _EVERY_PATH, after or None, size)
        following = (_USERS, users[-1].name) if len(users) == size else (_ROLES, "")
        return [user_principal(user, scope.region) for user in users], following
    roles = identities.list_roles(scope.account_id, _EVERY_PATH, after or None, size)
    more = (_ROLES, roles[-1].name) if len(roles) == size else None
    return [role_principal(role, scope.region) for role in roles], more


def _asked(
    action: str, resources: tuple[str, ...], context: Sequence[operations.ContextKey] | None
) -> _Asked:
    require_action(action)
    for resource in resources:
        require_resource(resource)
    entries = {
        entry.key: context_value(
            entry.key, entry.values, "string" if len(entry.values) == 1 else "stringList"
        )
        for entry in context or ()
    }
    return _Asked(action, resources, entries)


def _answer(call: Call, principal: Principal, asked: _Asked) -> _Answer:
    context = {**principal.context(call.uow, asked.action, call.now), **asked.entries}
    question = Question(principal.arn, asked.action, asked.resources, context)
    policies = list(principal.policies(call.uow))
    return _Answer(evaluate(question, policies), explain(question, policies))


def _resources(answer: _Answer) -> tuple[operations.ResourceAccess, ...]:
    pairs = zip(answer.decision.results, answer.explanations, strict=True)
    return tuple(_resource(result, behind) for result, behind in pairs)


def _resource(result: ResourceDecision, behind: Explanation) -> operations.ResourceAccess:
    is_allowed = result.verdict is Verdict.ALLOWED
    missing = tuple(dict.fromkeys((*result.missing_keys, *behind.missing_keys)))
    return operations.ResourceAccess(
        resource=result.resource,
        verdict=result.verdict.value,
        layer=None if is_allowed else result.layer.value,
        statements=tuple(map(_reference, result.statements)),
        unmet=tuple(
            operations.UnmetStatement(statement=_reference(each.statement), missing_keys=each.missing_keys)
            for each in behind.unmet
        ),
        missing_keys=missing,
        depends_on_missing_keys=bool(missing) if is_allowed else behind.can_be_allowed,
    )


def _reference(statement: DecidingStatement) -> operations.StatementReference:
    return operations.StatementReference(
        effect=statement.effect.value,
        policy_name=statement.policy_name,
        policy_arn=statement.policy_arn,
        attachment=statement.attachment.value,
        owner=statement.owner,
        sid=statement.sid,
        number=statement.index + 1,
    )
