"""A second policy evaluator, slow and simple on purpose; it shares no code with `fairlead.policy`.

It works on the JSON itself, compares character by character and knows nothing of compiled patterns.
It takes documents that are well formed for granted.
"""

import base64
import datetime
import functools
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

STAR, QUESTION_MARK = object(), object()


def naive_verdict(
    documents: Sequence[str],
    action: str,
    resource: str,
    context: Mapping[str, str | tuple[str, ...]],
    *,
    boundary: str | None = None,
    session_policies: Sequence[str] = (),
    seen: Counter[tuple[str, bool]] | None = None,
) -> str:
    """`allowed`, `explicitDeny` or `implicitDeny` for one resource.

    `seen` counts what was looked at, with the answer: operators as they are spelled, `NotAction`,
    `NotResource`.
    """
    kinds = [list(documents)]
    if boundary is not None:
        kinds.append([boundary])
    if session_policies:
        kinds.append(list(session_policies))
    seen = Counter() if seen is None else seen
    effects = [_effects(kind, action, resource, context, seen) for kind in kinds]
    if any("Deny" in each for each in effects):
        return "explicitDeny"
    return "allowed" if all("Allow" in each for each in effects) else "implicitDeny"


def _effects(documents, action, resource, context, seen):
    effects = set()
    for text in documents:
        document = _read(text)
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            new_language = document.get("Version") == "2012-10-17"
            if _speaks_of(statement, action, resource, context, new_language, seen):
                effects.add(statement["Effect"])
    return effects


@functools.lru_cache(maxsize=16)
def _read(text):
    return json.loads(text)


def _speaks_of(statement, action, resource, context, new_language, seen):
    listed = any(
        _same(_pattern(pattern.upper()), action.upper())
        for pattern in _listed(statement.get("Action", statement.get("NotAction")))
    )
    if not _applies("Action", listed, statement, seen):
        return False
    listed = any(
        _resource_matches(pattern, resource, context, new_language)
        for pattern in _listed(statement.get("Resource", statement.get("NotResource")))
    )
    if not _applies("Resource", listed, statement, seen):
        return False
    return _conditions_hold(statement, context, new_language, seen)


def _applies(element, listed, statement, seen):
    name = element if element in statement else f"Not{element}"
    applies = listed if name == element else not listed
    seen[name, applies] += 1
    return applies


def _conditions_hold(statement, context, new_language, seen):
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            holds = _condition_holds(operator, key, _listed(wanted), context, new_language)
            seen[operator, holds] += 1
            if not holds:
                return False
    return True


def _condition_holds(operator, key, wanted, context, new_language):
    wanted = [each if isinstance(each, str) else json.dumps(each) for each in wanted]
    present = [value for name, value in context.items() if name.casefold() == key.casefold() and value != ()]
    values = [] if not present else [present[0]] if isinstance(present[0], str) else list(present[0])
    if operator == "Null":
        return ("false" if values else "true") in [each.lower() for each in wanted]
    every = operator.startswith("ForAllValues:")
    some = operator.startswith("ForAnyValue:")
    operator = operator.split(":")[-1]
    if_exists = operator.endswith("IfExists")
    operator = operator.replace("IfExists", "")
    negated = "Not" in operator
    operator = operator.replace("Not", "")
    if not values:
        return if_exists or every or (negated and not some)
    if values == [""] and (every or some):
        return every
    answers = []
    for value in values:
        matched = [_value_matches(operator, each, value, context, new_language) for each in wanted]
        answers.append(not any(matched) if negated else any(matched))
    return all(answers) if every else any(answers)


def _value_matches(operator, wanted, value, context, new_language):
    if operator.startswith(("String", "Arn", "Bool")) and new_language:
        pattern = _pattern_with_variables(wanted, context)
        if pattern is None:
            return False
    else:
        pattern = _pattern(wanted)
    plain = "".join({STAR: "*", QUESTION_MARK: "?"}.get(entry, entry) for entry in pattern)
    if operator == "StringEquals":
        return plain == value
    if operator == "StringEqualsIgnoreCase":
        return plain.casefold() == value.casefold()
    if operator == "StringLike":
        return _same(pattern, value)
    if operator == "Bool":
        return plain.lower() == value.lower() and value.lower() in ("true", "false")
    if operator.startswith("Arn"):
        return _arn_matches(pattern, value)
    if operator == "IpAddress":
        return _is_address(value) and ipaddress.ip_address(value) in ipaddress.ip_network(
            wanted, strict=False
        )
    if operator == "BinaryEquals":
        return _bytes(wanted) == _bytes(value) is not None
    read = _seconds if operator.startswith("Date") else _number
    left, right = read(value), read(wanted)
    if left is None or right is None:
        return False
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[operator.removeprefix("Date").removeprefix("Numeric")]


def _arn_matches(pattern, value):
    if pattern == [STAR]:
        return value.count(":") >= 5
    parts, fields = [[]], value.split(":", 5)
    for entry in pattern:
        if entry == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(entry)
    return len(parts) == len(fields) == 6 and all(map(_same, parts, fields))


def _is_address(text):
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bytes(text):
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _number(text):
    return Fraction(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


def _seconds(text):
    if re.fullmatch(r"\d{4}", text):
        text += "-01-01"
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return Fraction(text)
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return Fraction(
        (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) / datetime.timedelta(seconds=1)
    )


def _listed(value):
    return value if isinstance(value, list) else [value]


def _resource_matches(pattern, resource, context, new_language):
    if pattern == "*":
        return True
    fields = resource.split(":")
    if len(fields) < 6:
        return False
    fields = [*fields[:5], ":".join(fields[5:])]
    patterns = pattern.split(":")
    patterns = [*patterns[:5], ":".join(patterns[5:])]
    compiled = [_pattern(each) for each in patterns[:5]]
    last = _pattern_with_variables(patterns[5], context) if new_language else _pattern(patterns[5])
    if last is None:
        return False
    return all(_same(each, field) for each, field in zip([*compiled, last], fields, strict=True))


def _pattern(text):
    return [{"*": STAR, "?": QUESTION_MARK}.get(character, character) for character in text]


def _pattern_with_variables(text, context):
    """None if a variable has no value."""
    pattern = []
    while text:
        if not text.startswith("${"):
            pattern += _pattern(text[0])
            text = text[1:]
            continue
        inside, text = _inside_and_rest(text)
        if inside in ("*", "?", "$"):
            pattern += list(inside)
            continue
        key, comma, default = inside.partition(",")
        values = [
            value
            for name, value in context.items()
            if name.casefold() == key.strip().casefold() and isinstance(value, str)
        ]
        if values:
            pattern += list(values[0])
        elif comma:
            pattern += list(default.strip()[1:-1])
        else:
            return None
    return pattern


def _inside_and_rest(text):
    quoted = False
    for index, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif character == "}" and not quoted:
            return text[2:index], text[index + 1 :]
    raise AssertionError("an unfinished variable")


def _same(pattern, text):
    """Fill a table: can the first n entries of the pattern make the first m characters of the text?"""
    if STAR not in pattern and QUESTION_MARK not in pattern:
        return pattern == list(text)
    can = [[False] * (len(text) + 1) for _ in range(len(pattern) + 1)]
    can[0][0] = True
    for n, entry in enumerate(pattern, 1):
        for m in range(len(text) + 1):
            if entry is STAR:
                can[n][m] = can[n - 1][m] or (m > 0 and can[n][m - 1])
            else:
                fits = m > 0 and (entry is QUESTION_MARK or entry == text[m - 1])
                can[n][m] = fits and can[n - 1][m - 1]
    return can[-1][-1]
