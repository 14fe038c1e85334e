"""The evaluator against the naive one, on generated policies and requests: 50,000 pairs, a million of them
in `make test-long`."""

import os
import secrets
from collections import Counter
from functools import lru_cache
from itertools import islice

import pytest

from fairlead.policy.decision import AttachedPolicy, Attachment, Question
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy
from tests.support.naive_policy import naive_verdict
from tests.support.policy_pairs import CALLER, OPERATORS, QUALIFIERS, PolicySet, policy_pairs

SHARDS = 10
IS_LONG = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
PAIRS_IN_SHARD = 100_000 if IS_LONG else 5_000
FIRST_SEED = secrets.randbelow(10**9) if IS_LONG else 20261121
ENOUGH = 3
"""How often at least an operator gives either answer in a shard."""


@lru_cache(maxsize=2)
def _attached(policies: PolicySet) -> tuple[AttachedPolicy, ...]:
    kinds = [(text, Attachment.USER_INLINE) for text in policies.identity]
    kinds += [(text, Attachment.SESSION) for text in policies.session]
    if policies.boundary is not None:
        kinds.append((policies.boundary, Attachment.USER_BOUNDARY))
    return tuple(AttachedPolicy(parse_identity_policy(text), "p", kind, "al") for text, kind in kinds)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_evaluators_agree_on_generated_pairs(shard: int) -> None:
    seed = FIRST_SEED + shard
    seen: Counter[tuple[str, bool]] = Counter()
    verdicts: Counter[str] = Counter()
    for policies, request in islice(policy_pairs(seed), PAIRS_IN_SHARD):
        question = Question(
            CALLER, request.action, request.resources, request.context, request.resource_context
        )
        for result in evaluate(question, _attached(policies)).results:
            expected = naive_verdict(
                policies.identity,
                request.action,
                result.resource,
                request.context_of(result.resource),
                boundary=policies.boundary,
                session_policies=policies.session,
                seen=seen,
            )
            verdicts[expected] += 1
            assert result.verdict.value == expected, (seed, policies, request, result.resource)
    _assert_everything_occurred(seen, verdicts)


def _assert_everything_occurred(seen: Counter[tuple[str, bool]], verdicts: Counter[str]) -> None:
    """A generator that has stopped to ask anything would agree on everything."""
    pairs = sum(verdicts.values())
    assert set(verdicts) == {"allowed", "explicitDeny", "implicitDeny"}
    assert min(verdicts.values()) > pairs / 20, verdicts
    by_operator: Counter[tuple[str, bool]] = Counter()
    for (name, holds), count in seen.items():
        by_operator[name.rpartition(":")[2].removesuffix("IfExists"), holds] += count
    elements = ("Null", "Action", "NotAction", "Resource", "NotResource")
    wanted = [(name, answer) for name in (*OPERATORS, *elements) for answer in (True, False)]
    assert {each: by_operator[each] for each in wanted if by_operator[each] < ENOUGH} == {}
    for qualifier in QUALIFIERS:
        for suffix in ("", "IfExists"):
            forms = Counter(
                {answer: sum(seen[f"{qualifier}{name}{suffix}", answer] for name in OPERATORS)
                 for answer in (True, False)}
            )  # fmt: skip
            assert min(forms[True], forms[False]) > pairs / 1_000, (qualifier, suffix, forms)
