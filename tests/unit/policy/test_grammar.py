import pytest

from fairlead.policy import grammar
from fairlead.policy.document import Effect, Version
from fairlead.policy.errors import (
    DUPLICATE_SID,
    LEGACY,
    NO_ACTIONS,
    NO_RESOURCES,
    NO_VENDOR,
    SYNTAX,
    TWO_COLONS,
    VENDOR_WILDCARD,
    MalformedPolicy,
)
from fairlead.policy.strict_json import Number


def wording_of(read, *arguments):
    with pytest.raises(MalformedPolicy) as caught:
        read(*arguments)
    return caught.value.wording


def test_an_unknown_element_is_named():
    with pytest.raises(MalformedPolicy, match='here: unknown element "Acton"'):
        grammar.refuse_unknown({"Effect": "Allow", "Acton": "*"}, frozenset({"Effect"}), "here")


def test_the_version_is_one_of_two_and_the_old_one_if_absent():
    assert grammar.read_version({"Version": "2012-10-17"}) is Version.V2012
    assert grammar.read_version({"Version": "2008-10-17"}) is Version.V2008
    assert grammar.read_version({}) is Version.V2008


@pytest.mark.parametrize("version", ["2012-10-18", "", None, Number("2012"), ["2012-10-17"]])
def test_another_version_is_refused(version):
    assert wording_of(grammar.read_version, {"Version": version}) == SYNTAX


def test_one_statement_may_stand_without_a_list():
    assert grammar.read_statements({"Statement": {}}) == [({}, "statement 1")]
    assert grammar.read_statements({"Statement": [{}, {}]}) == [({}, "statement 1"), ({}, "statement 2")]


@pytest.mark.parametrize("document", [{}, {"Statement": []}, {"Statement": "x"}, {"Statement": [{}, None]}])
def test_statements_are_a_non_empty_list_of_objects(document):
    assert wording_of(grammar.read_statements, document) == SYNTAX


def test_a_sid_is_letters_and_digits_and_the_empty_one_is_none():
    assert grammar.read_sid({"Sid": "VisualEditor1"}, "here") == "VisualEditor1"
    assert grammar.read_sid({"Sid": ""}, "here") is None
    assert grammar.read_sid({}, "here") is None


@pytest.mark.parametrize("sid", ["a b", "a-b", "é", "a\n", None, Number("1"), ["a"]])
def test_another_sid_is_refused(sid):
    assert wording_of(grammar.read_sid, {"Sid": sid}, "here") == SYNTAX


def test_sids_are_unique_and_statements_without_one_may_be_many():
    grammar.refuse_double_sids(["a", None, "b", None, "A"])
    assert wording_of(grammar.refuse_double_sids, ["a", "b", "a"]) == DUPLICATE_SID


def test_the_effect_is_allow_or_deny():
    assert grammar.read_effect({"Effect": "Allow"}, "here") is Effect.ALLOW
    assert grammar.read_effect({"Effect": "Deny"}, "here") is Effect.DENY


@pytest.mark.parametrize(
    ("statement", "wording"),
    [
        ({"Effect": "allow"}, LEGACY),
        ({"Effect": "DENY"}, LEGACY),
        ({"Effect": ""}, LEGACY),
        ({"Effect": True}, SYNTAX),
        ({"Effect": ["Allow"]}, SYNTAX),
        ({}, SYNTAX),
    ],
)
def test_another_effect_is_refused(statement, wording):
    assert wording_of(grammar.read_effect, statement, "here") == wording


@pytest.mark.parametrize("statement", [{}, {"Condition": {}}, {"Condition": {"Bool": {}}}])
def test_a_condition_without_tests_always_holds(statement):
    assert grammar.read_condition(statement, Version.V2012, "here").tests == ()


def test_a_condition_is_read_operator_by_operator_and_key_by_key():
    block = {
        "ForAnyValue:StringLikeIfExists": {"aws:TagKeys": ["a*", Number("5"), True]},
        "Null": {"aws:TokenIssueTime": False},
        "Bool": {"aws:SecureTransport": "true", "aws:ViaAWSService": "FALSE"},
        "StringEquals": {"idp.example:8443:aud": "x", "ssm:resourceTag/aws:ssmmessages:session-id": "y"},
    }
    condition = grammar.read_condition({"Condition": block}, Version.V2012, "here")
    assert [
        (test.name.text, test.key, [value.text for value in test.values]) for test in condition.tests
    ] == [
        ("ForAnyValue:StringLikeIfExists", "aws:TagKeys", ["a*", "5", "true"]),
        ("Null", "aws:TokenIssueTime", ["false"]),
        ("Bool", "aws:SecureTransport", ["true"]),
        ("Bool", "aws:ViaAWSService", ["FALSE"]),
        ("StringEquals", "idp.example:8443:aud", ["x"]),
        ("StringEquals", "ssm:resourceTag/aws:ssmmessages:session-id", ["y"]),
    ]


@pytest.mark.parametrize(
    ("block", "wording"),
    [
        (None, SYNTAX),
        ([], SYNTAX),
        ("x", SYNTAX),
        ({"StringEquals": None}, SYNTAX),
        ({"StringEquals": ["aws:username"]}, SYNTAX),
        ({"stringequals": {"aws:username": "al"}}, SYNTAX),
        ({"StringIs": {"aws:username": "al"}}, SYNTAX),
        ({"ForSomeValues:StringEquals": {"aws:username": "al"}}, SYNTAX),
        ({"NullIfExists": {"aws:username": "true"}}, SYNTAX),
        ({"ForAllValues:Null": {"aws:username": "true"}}, SYNTAX),
        ({"StringEqualsIfExistsIfExists": {"aws:username": "al"}}, SYNTAX),
        ({"StringEquals": {"aws:username": []}}, SYNTAX),
        ({"StringEquals": {"aws:username": None}}, SYNTAX),
        ({"StringEquals": {"aws:username": [["al"]]}}, SYNTAX),
        ({"StringEquals": {"aws:username": {"is": "al"}}}, SYNTAX),
        ({"StringEquals": {"aws:username": "${aws:userid"}}, SYNTAX),
        ({"StringEquals": {"username": "al"}}, NO_VENDOR),
        ({"StringEquals": {":username": "al"}}, NO_VENDOR),
        ({"StringEquals": {"aws:": "al"}}, SYNTAX),
        ({"StringEquals": {"aws:user:name": "al"}}, TWO_COLONS),
        ({"NumericEquals": {"aws:EpochTime": "soon"}}, LEGACY),
        ({"DateLessThan": {"aws:CurrentTime": "tomorrow"}}, LEGACY),
        ({"Bool": {"aws:SecureTransport": "yes"}}, LEGACY),
        ({"Null": {"aws:username": "maybe"}}, LEGACY),
        ({"BinaryEquals": {"aws:x": "%%%"}}, LEGACY),
        ({"IpAddress": {"aws:SourceIp": "192.0.2.*"}}, LEGACY),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:*"}}, LEGACY),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_refused(block, wording):
    assert wording_of(grammar.read_condition, {"Condition": block}, Version.V2012, "here") == wording


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "*:*",
        "ssm:StartSession",
        "SSM:*",
        "ssm:Get?*",
        "ec2-instance-connect:SendSSHPublicKey",
        ["a:B", "*"],
    ],
)
def test_actions_are_read(value):
    actions = grammar.read_actions({"Action": value}, "here")
    assert actions.patterns == (tuple(value) if isinstance(value, list) else (value,))
    assert not actions.negated
    assert grammar.read_actions({"NotAction": value}, "here").negated


@pytest.mark.parametrize(
    ("statement", "wording"),
    [
        ({}, NO_ACTIONS),
        ({"Action": []}, NO_ACTIONS),
        ({"NotAction": ""}, NO_ACTIONS),
        ({"Action": "a:B", "NotAction": "a:C"}, SYNTAX),
        ({"Action": None}, SYNTAX),
        ({"Action": {"a:B": 1}}, SYNTAX),
        ({"Action": ["a:B", Number("1")]}, SYNTAX),
        ({"Action": ["a:B", ["a:C"]]}, SYNTAX),
        ({"Action": "StartSession"}, NO_VENDOR),
        ({"Action": ":StartSession"}, NO_VENDOR),
        ({"Action": ["a:B", ""]}, NO_VENDOR),
        ({"Action": "s m:StartSession"}, NO_VENDOR),
        ({"Action": "ssm:Start:Session"}, TWO_COLONS),
        ({"Action": "*:StartSession"}, VENDOR_WILDCARD),
        ({"Action": "ss?:StartSession"}, VENDOR_WILDCARD),
        ({"Action": "ssm:"}, SYNTAX),
        ({"Action": "ssm:Start Session"}, SYNTAX),
        ({"Action": "ssm:${aws:username}"}, TWO_COLONS),
        ({"Action": "ssm:Stärt"}, SYNTAX),
    ],
)
def test_other_actions_are_refused(statement, wording):
    assert wording_of(grammar.read_actions, statement, "here") == wording


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "arn:aws:ssm:*:*:document/AWS-StartSSHSession",
        "arn:*:s3:::bucket/*",
        "arn:a?s:s3:::b",
        ["arn:aws:ssm:*:*:session/${aws:username}-*", "*"],
        "arn:aws:sns:us-east-1:1:a:b:c",
    ],
)
def test_resources_are_read(value):
    resources = grammar.read_resources({"Resource": value}, Version.V2012, "here")
    assert [pattern.text for pattern in resources.patterns] == (value if isinstance(value, list) else [value])
    assert not resources.negated
    assert grammar.read_resources({"NotResource": value}, Version.V2012, "here").negated


@pytest.mark.parametrize(
    ("statement", "wording"),
    [
        ({}, NO_RESOURCES),
        ({"Resource": []}, NO_RESOURCES),
        ({"NotResource": ""}, NO_RESOURCES),
        ({"Resource": "*", "NotResource": "*"}, SYNTAX),
        ({"Resource": ["*", True]}, SYNTAX),
        ({"Resource": "i-1"}, 'Resource i-1 must be in ARN format or "*".'),
        ({"Resource": "**"}, 'Resource ** must be in ARN format or "*".'),
        ({"Resource": ["*", ""]}, 'Resource  must be in ARN format or "*".'),
        ({"Resource": "arn:aws:ssm:*:*"}, 'Resource arn:aws:ssm:*:* must be in ARN format or "*".'),
        ({"Resource": "arn:aws:ssm:*:*:"}, 'Resource arn:aws:ssm:*:*: must be in ARN format or "*".'),
        ({"Resource": "ARN:aws:ssm:*:*:d"}, 'Resource ARN:aws:ssm:*:*:d must be in ARN format or "*".'),
        ({"Resource": "arn:aws:*:*:*:d"}, 'Resource arn:aws:*:*:*:d must be in ARN format or "*".'),
        ({"Resource": "arn:aws:s?m:*:*:d"}, 'Resource arn:aws:s?m:*:*:d must be in ARN format or "*".'),
        ({"Resource": "arn:aws::*:*:d"}, 'Resource arn:aws::*:*:d must be in ARN format or "*".'),
        ({"Resource": "arn:aws:ssm:*:*:a\nb"}, 'Resource arn:aws:ssm:*:*:a?b must be in ARN format or "*".'),
        (
            {"Resource": "arn:aws:ssm:${aws:RequestedRegion}:*:d"},
            'Resource arn:aws:ssm:${aws:RequestedRegion}:*:d must be in ARN format or "*".',
        ),
        (
            {"Resource": "arn:aws-cn:ssm:*:*:d"},
            'Partition "aws-cn" is not valid for resource "arn:aws-cn:ssm:*:*:d".',
        ),
        ({"Resource": "arn::ssm:*:*:d"}, 'Partition "" is not valid for resource "arn::ssm:*:*:d".'),
        ({"Resource": "arn:aws:ssm:*:*:session/${aws:username"}, SYNTAX),
    ],
)
def test_other_resources_are_refused(statement, wording):
    assert wording_of(grammar.read_resources, statement, Version.V2012, "here") == wording


@pytest.mark.parametrize(
    "value", ["arn:aws:ssm:*:*:session/${aws:username", "arn:aws:ssm:${aws:RequestedRegion}:*:document/D"]
)
def test_in_the_old_language_a_variable_that_would_be_refused_is_plain_text(value):
    resources = grammar.read_resources({"Resource": value}, Version.V2008, "here")
    assert resources.patterns[0].text == value
