"""Simulation of policies: SimulatePrincipalPolicy, SimulateCustomPolicy, and the keys that policies refer to.

The evaluation is the one that decides about calls. What a simulated request knows is what the server would
know of the principal, and the context entries over it; of custom policies only the entries.
Sources: IAM API Reference, "SimulatePrincipalPolicy"; IAM User Guide, "Testing IAM policies with the IAM
policy simulator".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fairlead.aws.arn import root
from fairlead.control.asked_context import context_value, require_action, require_resource
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.paging import Listing, decode_position, encode_position
from fairlead.control.policy_identifiers import matched_statement, without_excluded
from fairlead.control.principal_lookup import Principal, authorized_principal
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidInput, PolicyNotEvaluated
from fairlead.domain.operations import simulation as operations
from fairlead.policy.context import Context, ContextValue
from fairlead.policy.decision import AttachedPolicy, Attachment, Layer, Question
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.evaluation import evaluate
from fairlead.policy.explanation import explain
from fairlead.policy.matching import EVERYTHING
from fairlead.policy.parser import parse_identity_policy

DEFAULT_PAGE = 100
MAX_QUESTIONS = 10_000
"""Most pairs of an action and a resource that one simulation may ask about, on all its pages."""

MAX_COMPARISONS = 20_000
"""How many comparisons with an action, a resource or a condition value one page may take: one or two tenths
of a second. Pages become shorter than was asked for rather than take longer."""

MAX_COMPARISONS_PER_QUESTION = 200_000
"""For a page that asks one question only; more than the policies of any one principal can take, unless the
request gives a key many values."""

COMPARED_CHARACTERS = 128
"""So many characters of a resource or value count as one comparison."""

SimulationRequest = operations.SimulateCustomPolicyRequest | operations.SimulatePrincipalPolicyRequest
Keys = Mapping[str, ContextValue]


@dataclass(frozen=True, slots=True)
class _Simulation:
    """Whose policies, and what is known of a request with an action, `entries` among it."""

    principal_arn: str
    policies: Sequence[AttachedPolicy]
    entries: Keys
    context: Callable[[str], Keys]


class Simulations:
    """The use cases of simulation."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def simulate_custom_policy(
        self, caller: Caller, request: operations.SimulateCustomPolicyRequest
    ) -> operations.SimulatePolicyResponse:
        """One page. Raises AccessDenied, InvalidInput or InvalidNextToken."""

        def work(call: Call) -> operations.SimulatePolicyResponse:
            call.authorize((EVERYTHING,))
            _refuse_what_is_not_simulated(request)
            policies = [*_inputs(request.policy_input_list), *_boundary(request)]
            entries = _entries(request)
            who = request.caller_arn or str(root(call.caller.scope.account_id))
            return self._page(call, request, _Simulation(who, policies, entries, lambda _: entries))

        return perform(self._env, caller, operations.SIMULATE_CUSTOM_POLICY, request, work)

    def simulate_principal_policy(
        self, caller: Caller, request: operations.SimulatePrincipalPolicyRequest
    ) -> operations.SimulatePolicyResponse:
        """One page.

        Raises AccessDenied, NoSuchEntity, InvalidInput, InvalidNextToken or PolicyNotEvaluated.
        """

        def work(call: Call) -> operations.SimulatePolicyResponse:
            principal = authorized_principal(call, request.policy_source_arn)
            _refuse_what_is_not_simulated(request)
            boundary = list(_boundary(request))
            policies = [
                policy
                for policy in without_excluded(_policies_of(call, principal), request.policy_exclusion_list)
                if not (boundary and policy.layer is Layer.BOUNDARY)
            ]
            policies += [*_inputs(request.policy_input_list or ()), *boundary]
            entries = _entries(request)

            def context(action: str) -> Keys:
                return {**principal.context(call.uow, action, call.now), **entries}

            return self._page(call, request, _Simulation(principal.arn, policies, entries, context))

        return perform(self._env, caller, operations.SIMULATE_PRINCIPAL_POLICY, request, work)

    def get_context_keys_for_custom_policy(
        self, caller: Caller, request: operations.GetContextKeysForCustomPolicyRequest
    ) -> operations.GetContextKeysForPolicyResponse:
        """Raises AccessDenied or InvalidInput."""

        def work(call: Call) -> operations.GetContextKeysForPolicyResponse:
            call.authorize((EVERYTHING,))
            return _keys_of(list(_inputs(request.policy_input_list)))

        return perform(self._env, caller, operations.GET_CONTEXT_KEYS_FOR_CUSTOM_POLICY, request, work)

    def get_context_keys_for_principal_policy(
        self, caller: Caller, request: operations.GetContextKeysForPrincipalPolicyRequest
    ) -> operations.GetContextKeysForPolicyResponse:
        """Raises AccessDenied, NoSuchEntity, InvalidInput or PolicyNotEvaluated."""

        def work(call: Call) -> operations.GetContextKeysForPolicyResponse:
            principal = authorized_principal(call, request.policy_source_arn)
            policies = _policies_of(call, principal)
            return _keys_of([*policies, *_inputs(request.policy_input_list or ())])

        return perform(self._env, caller, operations.GET_CONTEXT_KEYS_FOR_PRINCIPAL_POLICY, request, work)

    def _page(
        self, call: Call, request: SimulationRequest, simulation: _Simulation
    ) -> operations.SimulatePolicyResponse:
        resources = request.resource_arns or (EVERYTHING,)
        for action in request.action_names:
            require_action(action)
        for resource in resources:
            require_resource(resource)
        pairs = len(request.action_names) * len(resources)
        if pairs > MAX_QUESTIONS:
            raise InvalidInput(
                f"A simulation has at most {MAX_QUESTIONS} pairs of an action and a resource, not {pairs}."
            )
        asked = replace(request, marker=None, max_items=None)
        listing = Listing(call.operation, call.caller.scope.account_id, "", asked)
        position = decode_position(self._env.sealer, listing, request.marker)
        start = 0 if position is None else int(position[0])
        cost = _comparisons(simulation, resources)
        if cost > MAX_COMPARISONS_PER_QUESTION:
            raise InvalidInput(
                "The simulation takes too many comparisons: give fewer values of context keys."
            )
        size = max(1, min(request.max_items or DEFAULT_PAGE, MAX_COMPARISONS // max(1, cost)))
        end = min(start + size, pairs)
        results = tuple(
            _result(
                simulation, request.action_names[number // len(resources)], resources[number % len(resources)]
            )
            for number in range(start, end)
        )
        has_more = end < pairs
        return operations.SimulatePolicyResponse(
            evaluation_results=results,
            is_truncated=has_more,
            marker=encode_position(self._env.sealer, listing, str(end)) if has_more else None,
        )


def _result(simulation: _Simulation, action: str, resource: str) -> operations.EvaluationResult:
    question = Question(simulation.principal_arn, action, (resource,), simulation.context(action))
    (decision,) = evaluate(question, simulation.policies).results
    (explanation,) = explain(question, simulation.policies)
    missing = tuple(dict.fromkeys((*decision.missing_keys, *explanation.missing_keys)))
    matched = tuple(map(matched_statement, decision.statements))
    boundary = _boundary_detail(question, simulation.policies)
    specific = operations.ResourceSpecificResult(
        eval_resource_name=resource,
        eval_resource_decision=decision.verdict.value,
        matched_statements=matched,
        missing_context_values=missing,
        permissions_boundary_decision_detail=boundary,
    )
    return operations.EvaluationResult(
        eval_action_name=action,
        eval_resource_name=resource,
        eval_decision=decision.verdict.value,
        matched_statements=matched,
        missing_context_values=missing,
        permissions_boundary_decision_detail=boundary,
        resource_specific_results=(specific,) if resource != EVERYTHING else (),
    )


def _boundary_detail(
    question: Question, policies: Sequence[AttachedPolicy]
) -> operations.BoundaryDecisionDetail | None:
    """What the boundary would say if it were all that counts."""
    boundary = [
        replace(policy, attachment=Attachment.USER_INLINE)
        for policy in policies
        if policy.layer is Layer.BOUNDARY
    ]
    if not boundary:
        return None
    is_allowed = evaluate(question, boundary).is_allowed
    return operations.BoundaryDecisionDetail(allowed_by_permissions_boundary=is_allowed)


def _refuse_what_is_not_simulated(request: SimulationRequest) -> None:
    """Better no answer than one that leaves out what was asked for."""
    if request.resource_policy is not None or request.resource_owner is not None:
        raise InvalidInput(
            "ResourcePolicy and ResourceOwner are not simulated: no resource has a policy here."
        )
    if request.resource_handling_option is not None:
        raise InvalidInput("ResourceHandlingOption is not simulated: it is about running EC2 instances.")
    if (
        isinstance(request, operations.SimulateCustomPolicyRequest)
        and request.ordered_organization_policy_input_list
    ):
        raise InvalidInput("Policies of an organization are not simulated: there is no organization here.")
    if isinstance(request, operations.SimulatePrincipalPolicyRequest) and request.caller_arn not in (
        None,
        request.policy_source_arn,
    ):
        raise InvalidInput("CallerArn must be PolicySourceArn: no resource has a policy that names others.")


def _policies_of(call: Call, principal: Principal) -> list[AttachedPolicy]:
    try:
        return list(principal.policies(call.uow))
    except MalformedPolicy as error:
        raise PolicyNotEvaluated(f"A policy of {principal.arn} cannot be read: {error}") from error


def _inputs(
    texts: Sequence[str], name: str = "PolicyInputList", attachment: Attachment = Attachment.USER_INLINE
) -> Iterator[AttachedPolicy]:
    """Policies that come with the request; they are named by their place, and belong to nobody."""
    for number, text in enumerate(texts, 1):
        try:
            document = parse_identity_policy(text)
        except MalformedPolicy as error:
            raise InvalidInput(f"{name}.{number}: {error}") from error
        yield AttachedPolicy(document, f"{name}.{number}", attachment, "")


def _boundary(request: SimulationRequest) -> Iterator[AttachedPolicy]:
    texts = request.permissions_boundary_policy_input_list or ()
    if len(texts) > 1:
        raise InvalidInput("There can be only one permissions boundary.")
    return _inputs(texts, "PermissionsBoundaryPolicyInputList", Attachment.USER_BOUNDARY)


def _entries(request: SimulationRequest) -> dict[str, ContextValue]:
    entries: dict[str, ContextValue] = {}
    for entry in request.context_entries or ():
        key = entry.context_key_name
        if key is None:
            raise InvalidInput("Every entry of ContextEntries must have a ContextKeyName.")
        values = entry.context_key_values or ()
        entries[key] = context_value(key, values, entry.context_key_type or "string")
    return entries


def _keys_of(policies: Sequence[AttachedPolicy]) -> operations.GetContextKeysForPolicyResponse:
    """Each key once; keys that differ in case only are the same."""
    found: dict[str, str] = {}
    for policy in policies:
        for statement in policy.document.statements:
            for key in statement.keys:
                found.setdefault(key.lower(), key)
    return operations.GetContextKeysForPolicyResponse(context_key_names=tuple(found.values()))


def _comparisons(simulation: _Simulation, resources: Sequence[str]) -> int:
    """The most comparisons that one question can take."""
    of_resource = max(map(_weight, resources))
    given = Context(simulation.entries)
    return sum(
        len(statement.actions.patterns)
        + len(statement.resources.patterns) * of_resource
        + sum(
            len(test.values) * max(1, sum(map(_weight, given.values(test.key))))
            for test in statement.condition.tests
        )
        for policy in simulation.policies
        for statement in policy.document.statements
    )


def _weight(text: str) -> int:
    return 1 + len(text) // COMPARED_CHARACTERS
