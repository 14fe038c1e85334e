"""Policies and requests for them, made up by the thousand from a seed.

A hypothesis strategy costs a millisecond for each example; here a set of documents is made once and asked
many questions. The vocabulary is small on purpose, so that patterns, values and keys meet.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

CALLER = "arn:aws:iam::111122223333:user/al"
QUESTIONS_FOR_EACH_SET = 25
ACTIONS = ("ssm:StartSession", "ssm:TerminateSession", "ssm:DescribeSessions", "iam:CreateUser")
ACTION_PATTERNS = (*ACTIONS, "*", "ssm:*", "SSM:startsession", "ssm:*Session*", "ssm:?tart*", "iam:*")
NAMES = ("al", "al-bert", "a*", "bob")
RESOURCES = (
    "*",
    "arn:aws:ssm:us-east-1::document/ssh",
    "arn:aws:ssm:us-east-1:111122223333:session/al-1",
    "arn:aws:ssm:us-east-1:111122223333:session/al-bert-1",
    "arn:aws:ssm:us-west-2:111122223333:session/a*-1",
    "arn:aws:ec2:us-east-1:111122223333:instance/i-1",
)
RESOURCE_PATTERNS = (
    *RESOURCES,
    "arn:aws:ssm:*:*:*",
    "arn:aws:ssm:*:*:document/*",
    "arn:aws:ssm:us-*-?:*:session/${aws:username}-*",
    "arn:aws:ssm:*:*:session/${aws:userid, 'al'}-?",
    "arn:aws:ssm:*:1111*:session/${aws:TagKeys}*",
    "arn:aws:ssm:*:*:session/a${*}-1",
    "arn:aws:ec2:*:*:instance/i-?",
)
TAG = "ssm:resourceTag/Env"
VALUES: Mapping[str, tuple[str, ...]] = {
    "aws:username": NAMES,
    "aws:userid": NAMES,
    "aws:PrincipalTag/Env": ("dev", "prod", "Dev"),
    "aws:TagKeys": ("a", "b", ""),
    "aws:MultiFactorAuthAge": ("7", "7.5", "300", "soon"),
    "aws:CurrentTime": ("2026-11-21T13:00:00Z", "2026-11-21T14:00:00+01:00", "2026", "1795266000"),
    "aws:SourceIp": ("192.0.2.1", "198.51.100.1", "2001:db8::1", "nowhere"),
    "aws:SecureTransport": ("true", "false", "TRUE", "maybe"),
    "aws:PrincipalArn": (CALLER, "arn:aws:iam::111122223333:role/a:b", "arn"),
    "aws:Digest": ("QmlZ", "QmlY", "?"),
}
MULTIVALUED = "aws:TagKeys"

_STRINGS = (
    *NAMES, "AL", "al*", "?", "*", "b", "a", "dev", "prod", True, 7,
    "${aws:username}", "${AWS:userid, 'b'}", "${aws:PrincipalTag/Env}", "a${*}",
)  # fmt: skip
_ORDERED = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_TEXT_KEYS = ("aws:username", "AWS:UserID", "aws:PrincipalTag/env", MULTIVALUED, TAG)
FAMILIES: tuple[tuple[tuple[str, ...], tuple[str | int | bool, ...], tuple[str, ...]], ...] = (
    (
        ("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
        _STRINGS,
        _TEXT_KEYS,
    ),
    (("StringLike", "StringNotLike"), _STRINGS, _TEXT_KEYS),
    (
        tuple(f"Numeric{name}" for name in _ORDERED),
        ("7", 7.5, -1, 300, "7.0"),
        ("aws:MultiFactorAuthAge", "aws:multifactorauthage", MULTIVALUED),
    ),
    (
        tuple(f"Date{name}" for name in _ORDERED),
        ("2026-11-21T13:00:00Z", "2026-11-21", "2026", "1795266000", "2026-11-21T13:00:00.5-01:00"),
        ("aws:CurrentTime",),
    ),
    (("Bool",), ("true", "False", True, "${aws:SecureTransport}"), ("aws:SecureTransport",)),
    (("BinaryEquals",), ("QmlZ", "QmlY"), ("aws:Digest",)),
    (
        ("IpAddress", "NotIpAddress"),
        ("192.0.2.0/24", "198.51.100.1", "2001:db8::/32", "0.0.0.0/0"),
        ("aws:SourceIp",),
    ),
    (
        ("ArnEquals", "ArnNotEquals", "ArnLike", "ArnNotLike"),
        ("arn:aws:iam::*:user/${aws:username}", "arn:*:*:*:*:*", "*", "arn:aws:iam::1111222233?3:user/al"),
        ("aws:PrincipalArn",),
    ),
)
OPERATORS = tuple(name for names, _, _ in FAMILIES for name in names)
QUALIFIERS = ("", "ForAllValues:", "ForAnyValue:")


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The texts of the policies that apply to a caller."""

    identity: tuple[str, ...]
    boundary: str | None
    session: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked about: one or two resources, each perhaps with a tag."""

    action: str
    resources: tuple[str, ...]
    context: Mapping[str, str | tuple[str, ...]]
    resource_context: Mapping[str, Mapping[str, str | tuple[str, ...]]]

    def context_of(self, resource: str) -> dict[str, str | tuple[str, ...]]:
        """Everything that is known when this resource is looked at."""
        return {**self.context, **self.resource_context.get(resource, {})}


def policy_pairs(seed: int) -> Iterator[tuple[PolicySet, Request]]:
    """Without end; the same for the same seed."""
    chance = Random(seed)
    while True:
        policies = _policy_set(chance)
        for _ in range(QUESTIONS_FOR_EACH_SET):
            yield policies, _request(chance)


def _policy_set(chance: Random) -> PolicySet:
    return PolicySet(
        tuple(_document(chance) for _ in range(chance.choice((1, 2, 3)))),
        _document(chance) if chance.random() < 0.3 else None,
        tuple(_document(chance) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
    )


def _document(chance: Random) -> str:
    version = chance.choice(("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None))
    has_variables = version == "2012-10-17"
    statements = [_statement(chance, has_variables) for _ in range(chance.choice((1, 2, 2, 3)))]
    # Something to fall back on, now and then: else hardly anything would be allowed.
    if chance.random() < 0.4:
        statements.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    chance.shuffle(statements)
    document = {"Statement": statements if len(statements) > 1 else statements[0]}
    return json.dumps(document if version is None else {"Version": version, **document})


def _statement(chance: Random, has_variables: bool) -> dict[str, Any]:
    action, resource = (chance.choice(("", "", "", "Not")) + name for name in ("Action", "Resource"))
    statement: dict[str, Any] = {
        "Effect": chance.choice(("Allow", "Allow", "Deny")),
        action: _one_or_more(chance, ACTION_PATTERNS),
        resource: _one_or_more(chance, RESOURCE_PATTERNS),
    }
    if chance.random() < 0.8:
        statement["Condition"] = _condition(chance, has_variables)
    return statement


def _condition(chance: Random, has_variables: bool) -> dict[str, dict[str, Any]]:
    block: dict[str, dict[str, Any]] = {}
    for _ in range(chance.choice((1, 1, 2))):
        if chance.random() < 0.1:
            keys = (*VALUES, TAG)
            block["Null"] = {chance.choice(keys): chance.choice(("true", "false", True, ["true", "false"]))}
            continue
        operators, values, keys = chance.choice(FAMILIES)
        if not has_variables and values is not _STRINGS:  # there they are text: no boolean, no ARN
            values = tuple(value for value in values if "${" not in str(value))
        name = chance.choice(QUALIFIERS) + chance.choice(operators) + chance.choice(("", "IfExists"))
        block.setdefault(name, {})[chance.choice(keys)] = _one_or_more(chance, values)
    return block


def _one_or_more(chance: Random, choices: tuple[Any, ...]) -> Any:
    if chance.random() < 0.5:
        return chance.choice(choices)
    return [chance.choice(choices) for _ in range(chance.choice((1, 2, 3)))]


def _request(chance: Random) -> Request:
    context: dict[str, str | tuple[str, ...]] = {}
    for key, values in VALUES.items():
        if chance.random() < 0.75:
            several = tuple(chance.sample(values, chance.choice((0, 1, 2)))) if key == MULTIVALUED else None
            context[key] = chance.choice(values) if several is None else several
    resources = tuple(chance.sample(RESOURCES, chance.choice((1, 1, 2))))
    tagged = {
        resource: {TAG: chance.choice(("dev", "prod"))} for resource in resources if chance.random() < 0.5
    }
    return Request(chance.choice(ACTIONS), resources, context, tagged)
