"""From the text of a role's trust policy to a `TrustPolicy`.

A user or role that is named need not exist yet: files of an organisation's roles may name each other.
"""

import re
from typing import NoReturn

from fairlead.policy.conditions import Condition, ConditionTest
from fairlead.policy.document import Effect, Version
from fairlead.policy.errors import (
    FEDERATED_UNRESTRICTED,
    NO_PRINCIPAL,
    NOT_AN_ASSUME_ROLE_ACTION,
    PROHIBITED_RESOURCE,
    SYNTAX,
    MalformedPolicy,
    shown,
)
from fairlead.policy.grammar import (
    PARTITION,
    Object,
    read_actions,
    read_condition,
    read_effect,
    read_sid,
    read_statements,
    read_texts,
    read_version,
    refuse_double_sids,
    refuse_unknown,
)
from fairlead.policy.matching import ActionSet, action_set
from fairlead.policy.strict_json import Json, read_object
from fairlead.policy.trust import ASSUME_ROLE, PrincipalSet, TrustPolicy, TrustStatement, root_arn

_TRUST_ACTIONS = tuple(
    action.lower()
    for action in (
        ASSUME_ROLE,
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWithWebIdentity",
        "sts:SetContext",
        "sts:SetSourceIdentity",
        "sts:TagSession",
    )
)

_DOCUMENT_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Condition"}
)
_RESOURCE_ELEMENTS = ("Resource", "NotResource")

ANYONE = "*"
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_PROVIDER = re.compile(rf"arn:{PARTITION}:iam::[0-9]{{12}}:oidc-provider/[A-Za-z0-9._:/%~-]+", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}")
_AWS_PRINCIPAL = re.compile(
    rf"arn:{PARTITION}:(?:"
    r"iam::[0-9]{12}:(?:root|(?:user|role)/[\x21-\x29\x2b-\x3e\x40-\x7e]+)"
    r"|sts::[0-9]{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+)"
    r"|AIDA[A-Z0-9]{12,60}|AROA[A-Z0-9]{12,60}(?::[\w+=,.@-]+)?",
    re.ASCII,
)
"""ARNs, and the unique ids that stand for who was deleted (`trust_renaming`)."""


def parse_trust_policy(text: str) -> TrustPolicy:
    """Parse a role's trust policy. Raises MalformedPolicy.

    A statement that allows an identity provider must have conditions on both the audience and the subject of
    its tokens: without them it would trust every user of the provider, for whatever they signed in to.
    """
    document = read_object(text)
    refuse_unknown(document, _DOCUMENT_ELEMENTS, "document")
    if not isinstance(document.get("Id", ""), str):
        raise MalformedPolicy(SYNTAX, "Id must be a string")
    version = read_version(document)
    statements = tuple(
        _statement(index, element, version, where)
        for index, (element, where) in enumerate(read_statements(document))
    )
    refuse_double_sids(statement.sid for statement in statements)
    return TrustPolicy(version, statements)


def _statement(index: int, element: Object, version: Version, where: str) -> TrustStatement:
    for name in _RESOURCE_ELEMENTS:
        if name in element:
            raise MalformedPolicy(PROHIBITED_RESOURCE, where)
    refuse_unknown(element, _STATEMENT_ELEMENTS, where)
    effect = read_effect(element, where)
    principals = _read_principals(element, effect, where)
    condition = read_condition(element, version, where)
    if effect is Effect.ALLOW:
        for provider in sorted(principals.federated):
            _require_audience_and_subject(provider, condition, where)
    return TrustStatement(
        index=index,
        sid=read_sid(element, where),
        effect=effect,
        principals=principals,
        actions=_read_trust_actions(element, where),
        condition=condition,
    )


def _require_audience_and_subject(provider: str, condition: Condition, where: str) -> None:
    issuer = provider.partition(":oidc-provider/")[2]
    for claim in ("aud", "sub"):
        key = f"{issuer}:{claim}".lower()
        if not any(test.key.lower() == key and _restricts(test) for test in condition.tests):
            detail = f"{where}: {issuer}:{claim} must be among them, with a value that is not just anything"
            raise MalformedPolicy(FEDERATED_UNRESTRICTED, detail)


def _restricts(test: ConditionTest) -> bool:
    """Does it demand the key, with values that are not just anything? A variable could be the key itself."""
    return test.is_plain and all(value.text.strip("*?") and not value.keys for value in test.values)


def _read_trust_actions(element: Object, where: str) -> ActionSet:
    actions = read_actions(element, where)
    for pattern in actions.patterns:
        named = action_set((pattern,), negated=False)
        if not pattern.lower().startswith("sts:") or not any(map(named.contains, _TRUST_ACTIONS)):
            raise MalformedPolicy(NOT_AN_ASSUME_ROLE_ACTION, f'{where}: "{shown(pattern)}"')
    if actions.negated:
        raise MalformedPolicy(NOT_AN_ASSUME_ROLE_ACTION, f"{where}: NotAction is not allowed")
    return actions


def _read_principals(element: Object, effect: Effect, where: str) -> PrincipalSet:
    present = [name for name in ("Principal", "NotPrincipal") if name in element]
    if not present:
        raise MalformedPolicy(NO_PRINCIPAL, where)
    if len(present) > 1:
        raise MalformedPolicy(SYNTAX, f"{where} has both Principal and NotPrincipal")
    negated = present[0] == "NotPrincipal"
    if negated and effect is Effect.ALLOW:
        # It would trust everybody who is not listed, strangers included; the service does not support it.
        raise MalformedPolicy(SYNTAX, f"{where}: NotPrincipal needs the effect Deny")
    return _principal_set(element[present[0]], negated, f"{where}: {present[0]}")


def _principal_set(value: Json, negated: bool, where: str) -> PrincipalSet:
    if value == ANYONE:
        return PrincipalSet(True, frozenset(), frozenset(), frozenset(), negated)
    if not isinstance(value, dict):
        raise MalformedPolicy(SYNTAX, f'{where} must be "*" or an object')
    if not value:
        raise MalformedPolicy(NO_PRINCIPAL, f"{where} is empty")
    aws: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    for kind, listed in value.items():
        texts = read_texts(listed, NO_PRINCIPAL, f'{where} "{shown(kind)}"')
        if kind == "AWS":
            aws = frozenset(_aws_principal(text, where) for text in texts)
        elif kind == "Service":
            services = frozenset(_service_principal(text, where) for text in texts)
        elif kind == "Federated":
            federated = frozenset(_federated_principal(text, where) for text in texts)
        else:
            _refuse_principal(kind, texts[0], where)
    return PrincipalSet(ANYONE in aws, aws - {ANYONE}, services, federated, negated)


def _aws_principal(text: str, where: str) -> str:
    if _ACCOUNT.fullmatch(text):
        return root_arn(text)
    if text != ANYONE and not _AWS_PRINCIPAL.fullmatch(text):
        _refuse_principal("AWS", text, where)
    return text


def _service_principal(text: str, where: str) -> str:
    if not _SERVICE.fullmatch(text):
        _refuse_principal("Service", text, where)
    return text


def _federated_principal(text: str, where: str) -> str:
    if not _PROVIDER.fullmatch(text):
        _refuse_principal("Federated", text, where)
    return text


def _refuse_principal(kind: str, text: str, where: str) -> NoReturn:
    raise MalformedPolicy(f'Invalid principal in policy: "{shown(kind).upper()}":"{shown(text)}"', where)
