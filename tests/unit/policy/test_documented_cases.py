"""What the AWS documentation says in words and examples, as cases: policies, a request, the answer.

Facts of the IAM User Guide ("Condition operators", "Multivalued context keys", "Variables and tags", "Policy
evaluation logic", "NotAction", "NotResource", "Permissions boundaries") and of the Systems Manager User
Guide ("Quickstart default IAM policies for Session Manager", "Additional sample IAM policies").
"""

import json

import pytest

from fairlead.policy.decision import AttachedPolicy, Attachment, Question
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy

YES, NO, DENIED = "allowed", "implicitDeny", "explicitDeny"
ABSENT = None
CALLER = "arn:aws:iam::111122223333:user/alice"


def allow(action="*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action="*", resource="*", **more):
    return {**allow(action, resource, **more), "Effect": "Deny"}


def document(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


def verdict(policies, action="s3:GetObject", resource="*", context=None, version="2012-10-17", **limits):
    """The verdict on statements of a user's inline policy; `boundary` and `session` are statements, too."""
    kinds = [(policies, Attachment.USER_INLINE)]
    kinds += [(limits["boundary"], Attachment.USER_BOUNDARY)] if "boundary" in limits else []
    kinds += [(limits["session"], Attachment.SESSION)] if "session" in limits else []
    attached = [
        AttachedPolicy(parse_identity_policy(document(*each, version=version)), "p", kind, "alice")
        for each, kind in kinds
        if each
    ]
    return evaluate(Question(CALLER, action, (resource,), context or {}), attached).verdict.value


# operator, values of the policy, value of the request (None: the key is absent), does an Allow apply?
OPERATORS = [
    ("StringEquals", "queue", "queue", True),
    ("StringEquals", "queue", "Queue", False),
    ("StringEquals", ["a", "b"], "b", True),
    ("StringEquals", "a*", "ab", False),
    ("StringEquals", "a*", "a*", True),
    ("StringEquals", "a", ABSENT, False),
    ("StringNotEquals", "a", "b", True),
    ("StringNotEquals", "a", "a", False),
    ("StringNotEquals", ["a", "b"], "b", False),
    ("StringNotEquals", ["a", "b"], "c", True),
    ("StringNotEquals", "a", ABSENT, True),
    ("StringEqualsIgnoreCase", "DevOps", "devops", True),
    ("StringNotEqualsIgnoreCase", "DevOps", "devops", False),
    ("StringLike", "home/*/x", "home/a/b/x", True),
    ("StringLike", "cost?", "cost1", True),
    ("StringLike", "cost?", "cost", False),
    ("StringLike", "Cost*", "cost1", False),
    ("StringLike", "*", ABSENT, False),
    ("StringNotLike", "dev-*", "prod-1", True),
    ("StringNotLike", ["dev-*", "prod-*"], "prod-1", False),
    ("NumericEquals", "10", "10.0", True),
    ("NumericLessThanEquals", "10", "10", True),
    ("NumericLessThanEquals", 10, "11", False),
    ("NumericLessThan", "10", "9", True),
    ("NumericLessThan", "10", "nine", False),
    ("NumericGreaterThan", "300", "301", True),
    ("NumericGreaterThanEquals", "300", "299", False),
    ("NumericNotEquals", "5", "6", True),
    ("DateGreaterThan", "2020-04-01T00:00:00Z", "2020-06-30T00:00:00Z", True),
    ("DateLessThan", "2020-06-30T23:59:59Z", "2020-07-01T00:00:00Z", False),
    ("DateLessThan", "1593561599", "2020-06-30T23:59:58Z", True),
    ("DateEquals", "2020-01-01T02:00:00+02:00", "2020-01-01T00:00:00Z", True),
    ("DateGreaterThanEquals", "2020", "2020-01-01T00:00:00Z", True),
    ("DateNotEquals", "2020-01-01", "2020-01-02", True),
    ("Bool", "true", "true", True),
    ("Bool", True, "false", False),
    ("Bool", "false", ABSENT, False),
    ("BoolIfExists", "false", ABSENT, True),
    ("BoolIfExists", "true", "false", False),
    ("BinaryEquals", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", "QmluYXJ5VmFsdWVJbkJhc2U2NA==", True),
    ("BinaryEquals", "QmluYXJ5", "QmluYXJz", False),
    ("IpAddress", "203.0.113.0/24", "203.0.113.77", True),
    ("IpAddress", "203.0.113.0/24", "203.0.114.1", False),
    ("IpAddress", "203.0.113.9", "203.0.113.9", True),
    ("IpAddress", ["203.0.113.0/24", "2001:DB8:1234:5678::/64"], "2001:db8:1234:5678::7", True),
    ("IpAddress", "0.0.0.0/0", "2001:db8::1", False),
    ("NotIpAddress", ["192.0.2.0/24", "203.0.113.0/24"], "203.0.113.7", False),
    ("NotIpAddress", ["192.0.2.0/24", "203.0.113.0/24"], "198.51.100.7", True),
    ("NotIpAddress", "192.0.2.0/24", ABSENT, True),
    ("ArnLike", "arn:aws:sns:*:111122223333:topic-*", "arn:aws:sns:eu-west-1:111122223333:topic-a", True),
    ("ArnEquals", "arn:aws:sns:*:111122223333:topic-*", "arn:aws:sns:eu-west-1:111122223333:topic-a", True),
    ("ArnLike", "arn:aws:sns:*:t", "arn:aws:sns:eu-west-1:111122223333:t", None),
    ("ArnLike", "arn:aws:iam::*:role/ops/*", "arn:aws:iam::111122223333:role/ops/a/b", True),
    ("ArnLike", "arn:aws:iam::*:role/X", "arn:aws:iam::111122223333:role/x", False),
    ("ArnNotLike", "arn:aws:iam::*:role/ops", "arn:aws:iam::111122223333:role/dev", True),
    ("ArnNotEquals", "arn:aws:iam::*:role/ops", ABSENT, True),
    ("Null", "true", ABSENT, True),
    ("Null", "true", "x", False),
    ("Null", "false", "x", True),
    ("Null", "false", ABSENT, False),
    ("StringEqualsIfExists", "t2.micro", ABSENT, True),
    ("StringLikeIfExists", ["t1.*", "t2.*"], "m3.large", False),
    ("StringNotEqualsIfExists", "a", ABSENT, True),
    ("NumericLessThanIfExists", "3600", ABSENT, True),
    ("ForAllValues:StringEquals", ["A", "B"], ("A",), True),
    ("ForAllValues:StringEquals", ["A", "B"], ("A", "C"), False),
    ("ForAllValues:StringEquals", ["A", "B"], ABSENT, True),
    ("ForAllValues:StringEquals", ["A", "B"], (), True),
    ("ForAllValues:StringEquals", ["A", "B"], "", True),
    ("ForAllValues:StringEquals", ["a"], ("A",), False),
    ("ForAllValues:StringNotEquals", ["A", "B"], ("C", "D"), True),
    ("ForAllValues:StringNotEquals", ["A", "B"], ("C", "A"), False),
    ("ForAnyValue:StringEquals", ["A", "B"], ("C", "B"), True),
    ("ForAnyValue:StringEquals", ["A", "B"], ("C",), False),
    ("ForAnyValue:StringEquals", ["A", "B"], ABSENT, False),
    ("ForAnyValue:StringNotEquals", ["A", "B"], "", False),
    ("ForAnyValue:StringNotEquals", ["A", "B"], ("A", "C"), True),
    ("ForAnyValue:StringNotEquals", ["A", "B"], ABSENT, False),
    ("ForAnyValue:StringLike", "o-*", ("x", "o-1"), True),
    ("ForAllValues:StringLikeIfExists", "o-*", ABSENT, True),
]


@pytest.mark.parametrize(("operator", "wanted", "value", "applies"), OPERATORS)
def test_an_operator_and_a_value(operator, wanted, value, applies):
    condition = {operator: {"aws:PrincipalTag/key": wanted}}
    context = {} if value is ABSENT else {"aws:PrincipalTag/key": value}
    if applies is None:
        with pytest.raises(MalformedPolicy):
            parse_identity_policy(document(allow(Condition=condition)))
        return
    assert verdict([allow(Condition=condition)], context=context) == (YES if applies else NO)
    # The block is true or not whatever the effect of its statement.
    assert verdict([allow(), deny(Condition=condition)], context=context) == (DENIED if applies else YES)


HOME = "arn:aws:s3:::bucket/${aws:username}/*"
USER_FILE = "arn:aws:s3:::bucket/al/f"
TEAM = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}

# statements, resource, context, verdict
VARIABLES = [
    ([allow(resource=HOME)], USER_FILE, {"aws:username": "al"}, YES),
    ([allow(resource=HOME)], USER_FILE, {"aws:username": "bo"}, NO),
    ([allow(resource=HOME)], USER_FILE, {}, NO),
    ([allow(resource=HOME)], USER_FILE, {"aws:username": "*"}, NO),
    ([allow(resource=HOME)], "arn:aws:s3:::bucket/${aws:username}/f", {"aws:username": "al"}, NO),
    (
        [allow(resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'company-wide'}/*")],
        "arn:aws:s3:::bucket/company-wide/f",
        {},
        YES,
    ),
    (
        [allow(resource="arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'company-wide'}/*")],
        "arn:aws:s3:::bucket/yellow/f",
        {"aws:PrincipalTag/team": "yellow"},
        YES,
    ),
    ([allow(resource="arn:aws:s3:::bucket/${*}")], "arn:aws:s3:::bucket/*", {}, YES),
    ([allow(resource="arn:aws:s3:::bucket/${*}")], "arn:aws:s3:::bucket/x", {}, NO),
    ([allow(resource="arn:aws:s3:::bucket/a${?}${$}")], "arn:aws:s3:::bucket/a?$", {}, YES),
    ([allow(Condition=TEAM)], "*", {"aws:ResourceTag/team": "a", "aws:PrincipalTag/team": "a"}, YES),
    ([allow(Condition=TEAM)], "*", {"aws:ResourceTag/team": "a", "aws:PrincipalTag/team": "b"}, NO),
    ([allow(Condition=TEAM)], "*", {"aws:ResourceTag/team": "a"}, NO),
    (
        [allow(Condition={"StringLike": {"s3:prefix": ["", "home/${aws:username}/*"]}})],
        "*",
        {"s3:prefix": "home/al/x", "aws:username": "al"},
        YES,
    ),
    ([allow(resource="arn:aws:s3:::b/${AWS:UserName}")], "arn:aws:s3:::b/al", {"aws:username": "al"}, YES),
    ([allow(resource="arn:aws:s3:::b/${aws:TagKeys}")], "arn:aws:s3:::b/a", {"aws:TagKeys": ("a",)}, NO),
    (
        [allow(Condition={"StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})],
        "*",
        {"aws:ResourceTag/team": "a"},
        YES,
    ),
]


@pytest.mark.parametrize(("statements", "resource", "context", "expected"), VARIABLES)
def test_a_policy_variable(statements, resource, context, expected):
    assert verdict(statements, resource=resource, context=context) == expected


def test_in_the_old_language_a_variable_is_text():
    context = {"aws:username": "al"}
    assert verdict([allow(resource=HOME)], resource=USER_FILE, context=context, version="2008-10-17") == NO
    literal = "arn:aws:s3:::bucket/${aws:username}/f"
    assert verdict([allow(resource=HOME)], resource=literal, context=context, version="2008-10-17") == YES


EC2_START = ("ec2:StartInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1")

# statements, action, resource, verdict
MATCHING = [
    ([allow("EC2:startinstances")], *EC2_START, YES),
    ([allow("ec2:Start*")], *EC2_START, YES),
    ([allow("ec2:Start")], *EC2_START, NO),
    ([allow("iam:*AccessKey*")], "iam:ListAccessKeys", "*", YES),
    ([allow("iam:*AccessKey*")], "iam:ListUsers", "*", NO),
    ([allow("s3:?etObject")], "s3:GetObject", "*", YES),
    ([allow(resource="arn:aws:ec2:us-east-1:*:instance/*")], *EC2_START, YES),
    ([allow(resource="arn:aws:ec2:us-west-2:*:instance/*")], *EC2_START, NO),
    ([allow(resource="arn:aws:ec2:us-east-1:*:Instance/*")], *EC2_START, NO),
    ([allow(resource="arn:aws:ec2:us-east-1::instance/*")], *EC2_START, NO),
    ([allow(resource="arn:aws:s3:::b/*/test/*")], "s3:GetObject", "arn:aws:s3:::b/1/2/test/3/f", YES),
    ([allow(resource="arn:aws:s3:::b/*")], "s3:ListBucket", "arn:aws:s3:::b", NO),
    ([allow(resource="arn:aws:ec2:*:*:instance/*")], "ec2:DescribeInstances", "*", NO),
    ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "ec2:RunInstances", "*", YES),
    ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], "iam:CreateUser", "*", NO),
    (
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, allow("iam:*")],
        "iam:CreateUser",
        "*",
        YES,
    ),
    ([allow(), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}], "ec2:RunInstances", "*", DENIED),
    ([{"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}], "iam:CreateUser", "*", NO),
    (
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::hr/*"}],
        "s3:GetObject",
        "arn:aws:s3:::pay/f",
        DENIED,
    ),
    (
        [allow(), {"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::hr/*"}],
        "s3:GetObject",
        "arn:aws:s3:::hr/f",
        YES,
    ),
    (
        [{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::hr/*"}],
        "s3:GetObject",
        "arn:aws:s3:::hr/f",
        NO,
    ),
    ([deny("s3:DeleteBucket"), allow("s3:*")], "s3:DeleteBucket", "arn:aws:s3:::b", DENIED),
    ([], "s3:GetObject", "*", NO),
]


@pytest.mark.parametrize(("statements", "action", "resource", "expected"), MATCHING)
def test_actions_and_resources(statements, action, resource, expected):
    assert verdict(statements, action, resource) == expected


# identity, boundary, session policy, verdict on iam:CreateUser
LIMITS = [
    ([allow("iam:CreateUser")], [allow(["s3:*", "ec2:*"])], [], NO),
    ([], [allow()], [], NO),
    ([allow()], [allow("iam:*")], [], YES),
    ([allow()], [allow(), deny("iam:*")], [], DENIED),
    ([allow()], [], [allow("s3:*")], NO),
    ([allow("s3:*")], [], [allow()], NO),
    ([allow()], [allow("iam:*")], [allow("iam:CreateUser")], YES),
    ([allow()], [allow("iam:*")], [allow("s3:*")], NO),
    ([allow()], [allow("s3:*")], [allow("iam:CreateUser")], NO),
    ([allow()], [], [allow(), deny("iam:CreateUser")], DENIED),
    ([allow(), deny("iam:CreateUser")], [allow()], [allow()], DENIED),
]


@pytest.mark.parametrize(("identity", "boundary", "session", "expected"), LIMITS)
def test_boundaries_and_session_policies_restrict(identity, boundary, session, expected):
    limits = {"boundary": boundary, "session": session}
    assert verdict(identity, "iam:CreateUser", **limits) == expected


MFA_OR_DENY = [
    allow(),
    {
        "Effect": "Deny",
        "NotAction": ["iam:ListMFADevices", "iam:EnableMFADevice", "sts:GetSessionToken"],
        "Resource": "*",
        "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    },
]
OUTSIDE = [
    allow(),
    deny(
        Condition={
            "NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"},
            "Bool": {"aws:ViaAWSService": "false"},
        }
    ),
]
TAG_KEYS = [
    allow(
        Condition={
            "StringEquals": {"aws:RequestTag/environment": ["preprod", "production"]},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["environment", "CostCenter"]},
        }
    )
]
PERIOD = [
    allow(
        Condition={
            "DateGreaterThan": {"aws:CurrentTime": "2020-04-01T00:00:00Z"},
            "DateLessThan": {"aws:CurrentTime": "2020-06-30T23:59:59Z"},
        }
    )
]

# statements, action, context, verdict
EXAMPLES = [
    (MFA_OR_DENY, "ec2:StopInstances", {}, DENIED),  # long-term keys do not have the key at all
    (MFA_OR_DENY, "ec2:StopInstances", {"aws:MultiFactorAuthPresent": "false"}, DENIED),
    (MFA_OR_DENY, "ec2:StopInstances", {"aws:MultiFactorAuthPresent": "true"}, YES),
    (MFA_OR_DENY, "sts:GetSessionToken", {}, YES),
    (OUTSIDE, "s3:GetObject", {"aws:SourceIp": "192.0.2.9", "aws:ViaAWSService": "false"}, YES),
    (OUTSIDE, "s3:GetObject", {"aws:SourceIp": "203.0.113.9", "aws:ViaAWSService": "false"}, DENIED),
    (OUTSIDE, "s3:GetObject", {"aws:SourceIp": "203.0.113.9", "aws:ViaAWSService": "true"}, YES),
    (
        TAG_KEYS,
        "ec2:CreateTags",
        {"aws:RequestTag/environment": "preprod", "aws:TagKeys": ("environment",)},
        YES,
    ),
    (
        TAG_KEYS,
        "ec2:CreateTags",
        {"aws:RequestTag/Environment": "production", "aws:TagKeys": ("environment", "CostCenter")},
        YES,
    ),
    (
        TAG_KEYS,
        "ec2:CreateTags",
        {"aws:RequestTag/environment": "preprod", "aws:TagKeys": ("environment", "owner")},
        NO,
    ),
    (TAG_KEYS, "ec2:CreateTags", {"aws:RequestTag/environment": "test", "aws:TagKeys": ("environment",)}, NO),
    (PERIOD, "s3:GetObject", {"aws:CurrentTime": "2020-05-01T12:00:00Z"}, YES),
    (PERIOD, "s3:GetObject", {"aws:CurrentTime": "2020-03-31T23:59:59Z"}, NO),
    (PERIOD, "s3:GetObject", {"aws:CurrentTime": "2020-07-01T00:00:00Z"}, NO),
]


@pytest.mark.parametrize(("statements", "action", "context", "expected"), EXAMPLES)
def test_an_example_of_the_iam_user_guide(statements, action, context, expected):
    assert verdict(statements, action, context=context) == expected


NODE = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0"
OTHER_NODE = "arn:aws:ec2:us-east-1:111122223333:instance/i-0fedcba9876543210"
SHELL = "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell"
SSH = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"
OWN = "arn:aws:ssm:*:*:session/${aws:username}-*"
END_USER = [
    allow(
        "ssm:StartSession",
        ["arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0", SHELL],
        Condition={"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}},
    ),
    allow(["ssm:DescribeSessions", "ssm:GetConnectionStatus", "ssm:DescribeInstanceProperties"]),
    allow(["ssm:TerminateSession", "ssm:ResumeSession"], OWN),
]
ADMINISTRATOR = [
    allow(
        "ssm:StartSession",
        "arn:aws:ec2:us-east-1:111122223333:instance/*",
        Condition={"StringLike": {"ssm:resourceTag/Finance": ["WebServers"]}},
    ),
    allow(["ssm:CreateDocument", "ssm:UpdateDocument", "ssm:GetDocument"], SHELL),
    allow(["ssm:TerminateSession", "ssm:ResumeSession"], OWN),
]
TWO_TAGS = [
    allow(
        "ssm:StartSession",
        Condition={"StringEquals": {"ssm:resourceTag/Env": "Dev", "ssm:resourceTag/Team": "A"}},
    )
]
BY_USER_ID = [allow("ssm:TerminateSession", "arn:aws:ssm:*:*:session/${aws:userid}-*")]
BY_SYSTEM_TAG = [
    allow(
        "ssm:TerminateSession",
        Condition={"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": ["${aws:userid}"]}},
    )
]
TIER_READ_ONLY = [
    allow("ssm:*"),
    deny(["ssm:ResetServiceSetting", "ssm:UpdateServiceSetting"]),
]
AL = {"aws:username": "al", "aws:userid": "AIDAAL"}
ROLE_SESSION = {"aws:userid": "AROA1:nightly"}
CHECKED = {"ssm:SessionDocumentAccessCheck": "true"}


def session(name):
    return f"arn:aws:ssm:us-east-1:111122223333:session/{name}"


# statements, action, resource, context, verdict
SESSION_MANAGER = [
    (END_USER, "ssm:StartSession", NODE, CHECKED, YES),
    (END_USER, "ssm:StartSession", NODE, {"ssm:SessionDocumentAccessCheck": "false"}, NO),
    (END_USER, "ssm:StartSession", NODE, {}, YES),
    (END_USER, "ssm:StartSession", SHELL, CHECKED, YES),
    (END_USER, "ssm:StartSession", SSH, CHECKED, NO),
    (END_USER, "ssm:StartSession", OTHER_NODE, CHECKED, NO),
    (END_USER, "ssm:DescribeSessions", "*", AL, YES),
    (END_USER, "ssm:TerminateSession", session("al-0123456789abcdef0"), AL, YES),
    (END_USER, "ssm:ResumeSession", session("bo-0123456789abcdef0"), AL, NO),
    (END_USER, "ssm:TerminateSession", session("al-bert-0123456789abcdef0"), AL, YES),  # the prefix trap
    (END_USER, "ssm:TerminateSession", session("albert-0123456789abcdef0"), AL, NO),
    (END_USER, "ssm:TerminateSession", session("nightly-0123456789abcdef0"), ROLE_SESSION, NO),
    (END_USER, "ssm:SendCommand", NODE, AL, NO),
    (BY_USER_ID, "ssm:TerminateSession", session("AROA1:nightly-1"), ROLE_SESSION, YES),
    (BY_USER_ID, "ssm:TerminateSession", session("nightly-1"), ROLE_SESSION, NO),
    (
        BY_SYSTEM_TAG,
        "ssm:TerminateSession",
        session("nightly-1"),
        {**ROLE_SESSION, "ssm:resourceTag/aws:ssmmessages:session-id": "AROA1:nightly"},
        YES,
    ),
    (BY_SYSTEM_TAG, "ssm:TerminateSession", session("nightly-1"), ROLE_SESSION, NO),
    (ADMINISTRATOR, "ssm:StartSession", NODE, {"ssm:resourceTag/Finance": "WebServers"}, YES),
    (ADMINISTRATOR, "ssm:StartSession", NODE, {"ssm:resourceTag/finance": "WebServers"}, YES),
    (ADMINISTRATOR, "ssm:StartSession", NODE, {"ssm:resourceTag/Finance": "webservers"}, NO),
    (ADMINISTRATOR, "ssm:StartSession", NODE, {}, NO),
    (ADMINISTRATOR, "ssm:StartSession", SSH, {}, NO),
    (ADMINISTRATOR, "ssm:UpdateDocument", SHELL, {}, YES),
    (TWO_TAGS, "ssm:StartSession", NODE, {"ssm:resourceTag/Env": "Dev", "ssm:resourceTag/Team": "A"}, YES),
    (TWO_TAGS, "ssm:StartSession", NODE, {"ssm:resourceTag/Env": "Dev"}, NO),
    (TIER_READ_ONLY, "ssm:GetServiceSetting", "*", {}, YES),
    (TIER_READ_ONLY, "ssm:ResetServiceSetting", "*", {}, DENIED),
]


@pytest.mark.parametrize(("statements", "action", "resource", "context", "expected"), SESSION_MANAGER)
def test_an_example_of_the_session_manager_guide(statements, action, resource, context, expected):
    assert verdict(statements, action, resource, context) == expected


def test_one_tag_condition_over_node_and_document_never_grants_the_document():
    """A tag is known of the node only; with IfExists, or in two statements, the document is granted."""

    def start(operator):
        statement = allow(
            "ssm:StartSession", [NODE, SSH], Condition={operator: {"ssm:resourceTag/Env": "Dev"}}
        )
        policy = AttachedPolicy(
            parse_identity_policy(document(statement)), "p", Attachment.USER_INLINE, "alice"
        )
        tags = {NODE: {"ssm:resourceTag/Env": "Dev"}}
        return evaluate(Question(CALLER, "ssm:StartSession", (NODE, SSH), resource_context=tags), [policy])

    assert start("StringEquals").refused.resource == SSH
    assert start("StringEqualsIfExists").is_allowed


@pytest.mark.parametrize(
    ("changes", "wording"),
    [
        ({"Effect": "allow"}, "The policy failed legacy parsing"),
        ({"Action": "GetObject"}, "Actions/Conditions must be prefaced by a vendor"),
        ({"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon."),
        ({"Resource": "bucket"}, 'must be in ARN format or "*".'),
        ({"Resource": "arn:aws-x:s3:::b"}, 'Partition "aws-x" is not valid for resource'),
        ({"Principal": "*"}, "Policy document should not specify a principal."),
        ({"Condition": {"StringEqual": {"aws:username": "a"}}}, "Syntax errors in policy."),
        ({"Condition": {"NullIfExists": {"aws:username": "true"}}}, "Syntax errors in policy."),
        ({"Condition": {"StringEquals": {"username": "a"}}}, "must be prefaced by a vendor"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}, "The policy failed legacy parsing"),
        ({"Condition": {"StringEquals": {"aws:username": [{}]}}}, "Syntax errors in policy."),
    ],
)
def test_what_the_service_refuses_and_how(changes, wording):
    with pytest.raises(MalformedPolicy, match=wording.replace("*", r"\*")):
        parse_identity_policy(document({**allow("s3:GetObject"), **changes}))
