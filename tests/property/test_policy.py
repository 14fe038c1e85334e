"""Laws of policy evaluation, and its agreement with a second evaluator that shares no code with it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairlead.policy.decision import AttachedPolicy, Attachment, Question, Verdict
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy
from fairlead.policy.trust import trusts_service
from fairlead.policy.trust_parser import parse_trust_policy
from fairlead.policy.wildcards import compile_glob, tokens_of
from tests.support.naive_policy import naive_verdict

ACTIONS = ["ssm:StartSession", "ssm:TerminateSession", "ssm:ResumeSession", "iam:CreateUser"]
ACTION_PATTERNS = [
    *ACTIONS, "*", "*:*", "ssm:*", "SSM:startsession", "ssm:*Session", "ssm:?tart*", "ssm:*e*e*",
    "iam:Create????", "iam:?",
]  # fmt: skip
USERS = ["al", "al-bert", "a*", "b?b", "", "$"]
VARIABLES = [
    "${aws:username}",
    "${AWS:UserName}",
    "${aws:userid}",
    "${aws:userid, 'al'}",
    "${*}",
    "${?}",
    "${$}",
]

REGIONS = ["", "us-east-1", "us-west-2"]
ACCOUNTS = ["", "111122223333"]
PARTS = ["document/", "session/", "al", "al-bert", "a", "b?b", "-", ":"]


@st.composite
def resources(draw):
    """An ARN as a list of fields whose last is a list of parts, or `*`."""
    if draw(st.integers(0, 7)) == 0:
        return ["*"]
    last = draw(st.lists(st.sampled_from(PARTS), min_size=1, max_size=5))
    fields = [st.sampled_from(choices) for choices in (["ssm", "ec2"], REGIONS, ACCOUNTS)]
    return ["arn", "aws", *map(draw, fields), last]


def text_of(resource):
    return ":".join("".join(field) for field in resource)


@st.composite
def patterns_near(draw, resource):
    """A pattern made from a resource by putting in wildcards and variables; it matches now and then."""
    if resource == ["*"] or draw(st.integers(0, 7)) == 0:
        return "*"

    def changed(choices):
        return draw(st.integers(0, 4)) == 0 and draw(st.sampled_from(choices))

    region = changed(["*", "us-*-?", "us-east-1"]) or resource[3]
    account = changed(["*", "", "1*3"]) or resource[4]
    last = [changed(["*", "?", "", *VARIABLES]) or part for part in resource[5]]
    return text_of([*resource[:3], region, account, [*last, changed(["*", "?", "a"]) or ""]])


def _one_or_more(items):
    return st.one_of(items, st.lists(items, min_size=1, max_size=3))


KEYS = {
    "aws:username": USERS,
    "aws:userid": USERS,
    "aws:TagKeys": ["a", "b", "c"],
    "aws:EpochTime": ["0", "1795266000", "7", "never"],
    "aws:CurrentTime": ["2026-11-21T13:00:00Z", "2026-11-21T14:00:00+01:00", "2026", "1795266000"],
    "aws:SourceIp": ["192.0.2.1", "198.51.100.1", "2001:db8::1", "nowhere"],
    "aws:SecureTransport": ["true", "false", "TRUE", "maybe"],
    "aws:PrincipalArn": ["arn:aws:iam::111122223333:user/al", "arn:aws:iam::111122223333:role/a:b", "arn"],
    "aws:Digest": ["QmlZ", "QmlY", "?"],
}
STRINGS = [*USERS, "a*", "*", "AL", "al?be*", "??", 5, True, *VARIABLES]
NUMBERS = ["7", "7.0", "-1", 8, "1795266000"]
DATES = ["2026-11-21T13:00:00Z", "2026-11-21", "2026", "1795266000", "2026-11-21T13:00:00.5-01:00"]
ARNS = ["arn:aws:iam::*:user/${aws:username}", "arn:*:*:*:*:*", "*", "arn:aws:iam::111122223333:*:b",
        "${aws:PrincipalArn}", "arn:aws:iam::1111222233?3:user/al"]  # fmt: skip
FAMILIES = [
    (["StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase",
      "StringNotEqualsIgnoreCase"], STRINGS, ["aws:username", "aws:UserID", "aws:TagKeys", "aws:EpochTime"]),
    ([f"Numeric{name}" for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan",
      "GreaterThanEquals")], NUMBERS, ["aws:EpochTime", "aws:username", "aws:TagKeys"]),
    ([f"Date{name}" for name in ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan",
      "GreaterThanEquals")], DATES, ["aws:CurrentTime", "aws:EpochTime"]),
    (["Bool"], ["true", "False", True, "${aws:SecureTransport}"], ["aws:SecureTransport", "aws:username"]),
    (["IpAddress", "NotIpAddress"], ["192.0.2.0/24", "198.51.100.1", "2001:db8::/32", "0.0.0.0/0"],
     ["aws:SourceIp"]),
    (["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"], ARNS, ["aws:PrincipalArn", "aws:username"]),
    (["BinaryEquals"], ["QmlZ", "QmlY"], ["aws:Digest"]),
]  # fmt: skip


@st.composite
def conditions(draw, new_language):
    block = {}
    for _ in range(draw(st.integers(1, 2))):
        operators, texts, keys = draw(st.sampled_from(FAMILIES))
        key = draw(st.sampled_from(keys))
        if not new_language and texts is not STRINGS:  # plain text there, so not a boolean and not an ARN
            texts = [text for text in texts if "${" not in str(text)]
        if draw(st.integers(0, 7)) == 0:
            block["Null"] = {key: draw(st.sampled_from(["true", "false", True, ["true", "false"]]))}
            continue
        qualifier = draw(st.sampled_from(["", "", "", "ForAllValues:", "ForAnyValue:"]))
        suffix = draw(st.sampled_from(["", "", "IfExists"]))
        wanted = draw(_one_or_more(st.sampled_from(texts)))
        block.setdefault(f"{qualifier}{draw(st.sampled_from(operators))}{suffix}", {})[key] = wanted
    return block


@st.composite
def contexts(draw):
    context = {}
    for key, choices in KEYS.items():
        if draw(st.integers(0, 2)) == 0:
            continue
        value = st.sampled_from(choices)
        context[key] = tuple(draw(st.lists(value, max_size=3))) if key == "aws:TagKeys" else draw(value)
    return context


@st.composite
def statements(draw, resource_patterns, effects, new_language):
    action, resource = (draw(st.sampled_from(["", "", "", "Not"])) + name for name in ("Action", "Resource"))
    condition = {"Condition": draw(conditions(new_language))} if draw(st.booleans()) else {}
    return {
        **condition,
        "Effect": draw(st.sampled_from(effects)),
        action: draw(_one_or_more(st.sampled_from(ACTION_PATTERNS))),
        resource: draw(_one_or_more(resource_patterns)),
    }


@st.composite
def documents(draw, near, effects):
    patterns = st.sampled_from(near).flatmap(patterns_near)
    version = draw(st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17", None]))
    items = statements(patterns, effects, version == "2012-10-17")
    document = {"Statement": draw(_one_or_more(items))}
    if version is not None:
        document["Version"] = version
    return json.dumps(document)


@st.composite
def cases(draw, extra_effect=None):
    """A question and the texts of some policies; with `extra_effect` also one more text of this effect."""
    near = draw(st.lists(resources(), min_size=1, max_size=3))
    context = draw(contexts())
    caller = "arn:aws:iam::111122223333:user/al"
    question = Question(caller, draw(st.sampled_from(ACTIONS)), tuple(map(text_of, near)), context)
    texts = draw(st.lists(documents(near, ["Allow", "Allow", "Deny"]), max_size=4))
    if extra_effect is None:
        return question, texts
    return question, texts, draw(documents(near, [extra_effect]))


def attached(texts, attachment=Attachment.USER_INLINE):
    return [
        AttachedPolicy(parse_identity_policy(text), f"p{number}", attachment, "al")
        for number, text in enumerate(texts)
    ]


@given(cases())
def test_the_evaluator_agrees_with_the_naive_one(case):
    question, texts = case
    decision = evaluate(question, attached(texts))
    for result in decision.results:
        assert result.verdict.value == naive_verdict(
            texts, question.action, result.resource, question.context
        )


@given(cases(), cases(), st.booleans(), st.booleans())
def test_the_evaluators_agree_on_boundaries_and_session_policies(case, other, is_bounded, is_session):
    question, texts = case
    limits = other[1]
    boundary = limits[0] if is_bounded and limits else None
    session = limits[1:] if is_session else []
    policies = [
        *attached(texts),
        *(attached([boundary], Attachment.USER_BOUNDARY) if boundary else ()),
        *attached(session, Attachment.SESSION),
    ]
    for result in evaluate(question, policies).results:
        assert result.verdict.value == naive_verdict(
            texts,
            question.action,
            result.resource,
            question.context,
            boundary=boundary,
            session_policies=session,
        )


@given(cases("Deny"))
def test_adding_a_deny_never_allows_more(case):
    question, texts, deny = case
    before = evaluate(question, attached(texts))
    after = evaluate(question, attached([*texts, deny]))
    assert before.is_allowed or not after.is_allowed


@given(cases("Allow"))
def test_adding_an_allow_never_refuses_more(case):
    question, texts, allow = case
    before = evaluate(question, attached(texts))
    after = evaluate(question, attached([*texts, allow]))
    assert after.is_allowed or not before.is_allowed
    assert _explicitly_denied(after) == _explicitly_denied(before)


def _explicitly_denied(decision):
    return [result.resource for result in decision.results if result.verdict is Verdict.EXPLICIT_DENY]


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_policies_does_not_matter(case, order):
    question, texts = case
    policies = attached(texts)
    shuffled = policies.copy()
    order.shuffle(shuffled)
    first, second = evaluate(question, policies), evaluate(question, shuffled)
    assert [result.verdict for result in first.results] == [result.verdict for result in second.results]
    assert set(first.statements) == set(second.statements)


@given(cases())
def test_a_request_is_allowed_exactly_if_each_of_its_resources_is(case):
    question, texts = case
    policies = attached(texts)
    alone = [
        evaluate(Question(question.principal_arn, question.action, (each,), question.context), policies)
        for each in question.resources
    ]
    assert evaluate(question, policies).is_allowed == all(decision.is_allowed for decision in alone)


@given(cases())
def test_the_statements_named_are_enough_for_the_verdict(case):
    """A policy that is not named can be taken away without changing the answer."""
    question, texts = case
    decision = evaluate(question, attached(texts))
    named = {statement.policy_name for result in decision.results for statement in result.statements}
    remaining = [policy for policy in attached(texts) if policy.name in named]
    again = evaluate(question, remaining)
    assert [(each.verdict, each.statements) for each in again.results] == [
        (each.verdict, each.statements) for each in decision.results
    ]


@given(cases())
def test_nobody_is_allowed_anything_without_an_allow(case):
    question, texts = case
    denies = [text for text in texts if '"Allow"' not in text]
    assert not evaluate(question, attached(denies)).is_allowed


@given(cases())
def test_a_refusal_names_the_caller_the_action_and_the_first_refused_resource(case):
    question, texts = case
    decision = evaluate(question, attached(texts))
    if decision.refused is not None:
        start = (
            f"User: {question.principal_arn} is not authorized to perform: {question.action} on resource: "
        )
        assert decision.denial_text().startswith(f"{start}{decision.refused.resource} ")


@given(st.text("ab", max_size=12), st.text("ab*?", max_size=10))
@example("abab", "*a?*")
@example("", "**")
def test_a_pattern_matches_what_the_naive_one_matches(value, pattern):
    document = {"Effect": "Allow", "Action": "ssm:X", "Resource": f"arn:aws:ssm:::d/{pattern}"}
    expected = naive_verdict([json.dumps({"Statement": document})], "ssm:X", f"arn:aws:ssm:::d/{value}", {})
    assert compile_glob(tokens_of(pattern)).matches(value) == (expected == "allowed")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["*", "Allow", "ssm:X", "2012-10-17"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ELEMENTS = [
    "Version", "Id", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource",
    "Principal", "NotPrincipal", "Condition", "AWS", "Service",
]  # fmt: skip
almost_statements = st.dictionaries(
    st.sampled_from(ELEMENTS), json_values | resources().map(text_of), max_size=6
)
almost_documents = st.dictionaries(
    st.sampled_from(ELEMENTS[:3]), json_values | almost_statements | st.lists(almost_statements), max_size=3
)


@pytest.mark.parametrize("parse", [parse_identity_policy, parse_trust_policy])
@given(
    text=st.one_of(
        st.text(),
        st.text('{}[]":,\\u0 ntf1.e-'),
        json_values.map(json.dumps),
        almost_documents.map(json.dumps),
    )
)
@example(text="[" * 100_000)
@example(text='{"a":' * 20_000)
@example(text='{"Version":' + "9" * 10_000 + "}")
@example(text='{"Statement":{"Effect":"Allow","Action":"ssm:X","Resource":"arn:aws:ssm:::\\ud800"}}')
def test_nothing_but_a_malformed_policy_comes_out_of_the_parsers(parse, text):
    refusal = ""
    try:
        parse(text)
    except MalformedPolicy as error:
        refusal = str(error)
    assert len(refusal.encode()) < 2_000


@given(cases("Allow"), st.randoms(use_true_random=False))
def test_a_damaged_document_is_refused_or_still_readable(case, chance):
    question, _, text = case
    position = chance.randrange(len(text))
    damaged = (
        text[:position] + chance.choice(['"', "{", "}", "", "*", ":", "\x00", "é"]) + text[position + 1 :]
    )
    try:
        policy = parse_identity_policy(damaged)
    except MalformedPolicy:
        return
    # What was taken in can be evaluated.
    evaluate(question, [AttachedPolicy(policy, "p", Attachment.USER_INLINE, "al")])


principals = st.one_of(
    st.just("*"),
    st.fixed_dictionaries(
        {},
        optional={
            "Service": _one_or_more(st.sampled_from(["ssm.amazonaws.com", "ec2.amazonaws.com"])),
            "AWS": _one_or_more(st.sampled_from(["*", "111122223333", "arn:aws:iam::111122223333:user/al"])),
        },
    ).filter(bool),
)
trust_statements = st.fixed_dictionaries(
    {
        "Principal": principals,
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Action": st.just("sts:AssumeRole"),
    }
)


@given(st.lists(trust_statements, min_size=1, max_size=4))
def test_a_service_is_trusted_by_name_only_and_never_against_a_deny(items):
    def names_it(principal):
        return principal != "*" and "ssm.amazonaws.com" in principal.get("Service", "")

    def concerns_it(principal):
        return principal == "*" or "*" in principal.get("AWS", "") or names_it(principal)

    named = any(item["Effect"] == "Allow" and names_it(item["Principal"]) for item in items)
    denied = any(item["Effect"] == "Deny" and concerns_it(item["Principal"]) for item in items)
    policy = parse_trust_policy(json.dumps({"Version": "2012-10-17", "Statement": items}))
    assert trusts_service(policy, "ssm.amazonaws.com") == (named and not denied)
