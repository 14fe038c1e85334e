"""The elements that identity and trust policies share, read from JSON or refused in the service's words.

Source: IAM User Guide, "Grammar of the IAM JSON policy language". Which elements a kind of policy has, and
what they mean together, is the business of `parser` and `trust`.
"""

import re
from collections.abc import Iterable
from typing import NoReturn

from fairlead.policy.conditions import Condition, ConditionTest, OperatorName, operator_name
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
    shown,
)
from fairlead.policy.matching import (
    ARN_FIELDS,
    EVERYTHING,
    ActionSet,
    ResourcePattern,
    ResourceSet,
    action_set,
    resource_pattern,
    resource_set,
)
from fairlead.policy.operators import PolicyValue, UnreadableValue
from fairlead.policy.strict_json import Json, Number
from fairlead.policy.wildcards import compile_glob, has_wildcards, tokens_of

PARTITION = "aws"

Object = dict[str, Json]

_SID = re.compile(r"[A-Za-z0-9]*")
_VENDOR = re.compile(r"[A-Za-z0-9-]+")
_ACTION_NAME = re.compile(r"[A-Za-z0-9*?_./-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def refuse_unknown(element: Object, known: frozenset[str], where: str) -> None:
    """Raise for a member that is not in `known`: a misspelt element must not be ignored."""
    for name in element:
        if name not in known:
            raise MalformedPolicy(SYNTAX, f'{where}: unknown element "{shown(name)}"')


def read_version(document: Object) -> Version:
    """The document's `Version`; without one it is written in the old language."""
    value = document.get("Version", Version.V2008.value)
    for version in Version:
        if value == version.value:
            return version
    raise MalformedPolicy(SYNTAX, "Version must be 2012-10-17 or 2008-10-17")


def read_statements(document: Object) -> list[tuple[Object, str]]:
    """The statements as JSON, each with the phrase that says where it stands."""
    value = document.get("Statement")
    items = value if isinstance(value, list) else [value]
    if not items:
        raise MalformedPolicy(SYNTAX, "Statement must not be empty")
    statements: list[tuple[Object, str]] = []
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise MalformedPolicy(SYNTAX, f"statement {number} must be an object")
        statements.append((item, f"statement {number}"))
    return statements


def read_sid(statement: Object, where: str) -> str | None:
    """The `Sid`; None if it is absent or empty."""
    value = statement.get("Sid", "")
    if not isinstance(value, str) or not _SID.fullmatch(value):
        raise MalformedPolicy(SYNTAX, f"{where}: a Sid consists of letters and digits")
    return value or None


def refuse_double_sids(sids: Iterable[str | None]) -> None:
    """Raise if two statements have the same name."""
    seen: set[str] = set()
    for sid in sids:
        if sid in seen:
            raise MalformedPolicy(DUPLICATE_SID, f'"{sid}"')
        if sid:
            seen.add(sid)


def read_effect(statement: Object, where: str) -> Effect:
    """The `Effect`, which is case-sensitive."""
    value = statement.get("Effect")
    for effect in Effect:
        if value == effect.value:
            return effect
    wording = LEGACY if isinstance(value, str) else SYNTAX
    raise MalformedPolicy(wording, f"{where}: Effect must be Allow or Deny")


def read_condition(statement: Object, version: Version, where: str) -> Condition:
    """The `Condition`; without one, a block that always holds."""
    where = f"{where}: Condition"
    tests: list[ConditionTest] = []
    for name, keys in _object(statement.get("Condition", {}), where).items():
        operator = operator_name(name)
        if operator is None:
            raise MalformedPolicy(SYNTAX, f'{where}: there is no operator "{shown(name)}"')
        for key, value in _object(keys, f"{where}: {name}").items():
            _check_key(key, where)
            tests.append(ConditionTest(operator, key, _condition_values(operator, value, version, where)))
    return Condition(tuple(tests))


def _object(value: Json, where: str) -> Object:
    if not isinstance(value, dict):
        raise MalformedPolicy(SYNTAX, f"{where} must be an object")
    return value


def _check_key(key: str, where: str) -> None:
    vendor, colon, name = key.partition(":")
    is_issuer = "." in vendor  # a claim of an identity provider, after its host, port and path
    wording = ""
    if not colon or not vendor or ("/" in vendor and not is_issuer):
        wording = NO_VENDOR
    elif not name or _CONTROL.search(key):
        wording = SYNTAX
    elif ":" in name.partition("/")[0] and not is_issuer:  # a tag's key, after the slash, may have colons
        wording = TWO_COLONS
    if wording:
        raise MalformedPolicy(wording, f'{where}: "{shown(key)}" does not name a condition key')


def _condition_values(
    operator: OperatorName, value: Json, version: Version, where: str
) -> tuple[PolicyValue, ...]:
    items = value if isinstance(value, list) else [value]
    if not items:
        raise MalformedPolicy(SYNTAX, f"{where}: {operator.text} has a key without values")
    return tuple(_condition_value(operator, item, version, where) for item in items)


def _condition_value(operator: OperatorName, item: Json, version: Version, where: str) -> PolicyValue:
    if isinstance(item, bool):
        text = "true" if item else "false"
    elif isinstance(item, Number):
        text = item.text
    elif isinstance(item, str):
        text = item
    else:
        raise MalformedPolicy(SYNTAX, f"{where}: a value must be a string, a number or a boolean")
    try:
        return operator.value(text, with_variables=version.has_variables)
    except UnreadableValue as error:
        detail = f'{where}: {operator.text} needs {error}, not "{shown(text)}"'
        raise MalformedPolicy(LEGACY, detail) from None


def read_actions(statement: Object, where: str) -> ActionSet:
    """`Action` or `NotAction`, of which there must be exactly one."""
    name, value = _one_of(statement, "Action", "NotAction", NO_ACTIONS, where)
    patterns = read_texts(value, NO_ACTIONS, f"{where}: {name}")
    for pattern in patterns:
        _check_action(pattern, where)
    return action_set(patterns, negated=name == "NotAction")


def read_resources(statement: Object, version: Version, where: str) -> ResourceSet:
    """`Resource` or `NotResource`, of which there must be exactly one."""
    name, value = _one_of(statement, "Resource", "NotResource", NO_RESOURCES, where)
    texts = read_texts(value, NO_RESOURCES, f"{where}: {name}")
    patterns = tuple(_resource(text, version, where) for text in texts)
    return resource_set(patterns, negated=name == "NotResource")


def read_texts(value: Json, if_empty: str, where: str) -> tuple[str, ...]:
    """A text or a non-empty list of texts. Raises with the wording `if_empty` if there is nothing in it."""
    items = value if isinstance(value, list) else [value]
    if not items or value == "":
        raise MalformedPolicy(if_empty, f"{where} is empty")
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) != len(items):
        raise MalformedPolicy(SYNTAX, f"{where} must be a string or a list of strings")
    return texts


def _one_of(statement: Object, name: str, negated: str, if_absent: str, where: str) -> tuple[str, Json]:
    present = [element for element in (name, negated) if element in statement]
    if not present:
        raise MalformedPolicy(if_absent, f"{where} has neither {name} nor {negated}")
    if len(present) > 1:
        raise MalformedPolicy(SYNTAX, f"{where} has both {name} and {negated}")
    return present[0], statement[present[0]]


def _check_action(pattern: str, where: str) -> None:
    if pattern in (EVERYTHING, "*:*"):
        return
    vendor, colon, name = pattern.partition(":")
    if not colon or not vendor:
        wording = NO_VENDOR
    elif ":" in name:
        wording = TWO_COLONS
    elif has_wildcards(vendor):
        wording = VENDOR_WILDCARD
    elif not _VENDOR.fullmatch(vendor):
        wording = NO_VENDOR
    elif not _ACTION_NAME.fullmatch(name):
        wording = SYNTAX
    else:
        return
    raise MalformedPolicy(wording, f'{where}: "{shown(pattern)}" does not name an action')


def _resource(text: str, version: Version, where: str) -> ResourcePattern:
    if text != EVERYTHING:
        _check_arn(text, version, where)
    return resource_pattern(text, with_variables=version.has_variables)


def _check_arn(text: str, version: Version, where: str) -> None:
    fields = text.split(":", ARN_FIELDS - 1)
    if len(fields) != ARN_FIELDS or fields[0] != "arn" or not fields[-1]:
        _refuse_resource(text, f"{where}: arn:partition:service:region:account:resource is expected")
    partition, service = fields[1:3]
    if not service or has_wildcards(service):
        _refuse_resource(text, f"{where}: the service must be named, without wildcards")
    if version.has_variables and any("${" in field for field in fields[:-1]):
        # Its own colon would shift the fields, and a Deny that then matches nothing would be a trap.
        _refuse_resource(text, f"{where}: a policy variable may stand after the fifth colon only")
    if _CONTROL.search(text):
        _refuse_resource(text, f"{where}: control characters are not allowed")
    if not compile_glob(tokens_of(partition)).matches(PARTITION):
        wording = f'Partition "{shown(partition)}" is not valid for resource "{shown(text)}".'
        raise MalformedPolicy(wording, where)


def _refuse_resource(text: str, detail: str) -> NoReturn:
    raise MalformedPolicy(f'Resource {shown(text)} must be in ARN format or "*".', detail)
