"""A second policy evaluator, slow and simple on purpose; it shares no code with `fairlead.policy`.

It reads the JSON at every question, compares character by character and knows nothing of compiled patterns.
It takes documents that are well formed for granted.
"""

import json
from collections.abc import Mapping, Sequence

STAR, QUESTION_MARK = object(), object()


def naive_verdict(documents: Sequence[str], action: str, resource: str, context: Mapping[str, str]) -> str:
    """`allowed`, `explicitDeny` or `implicitDeny` for one resource."""
    effects = set()
    for text in documents:
        document = json.loads(text)
        statements = document["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            new_language = document.get("Version") == "2012-10-17"
            if _speaks_of(statement, action, resource, context, new_language):
                effects.add(statement["Effect"])
    if "Deny" in effects:
        return "explicitDeny"
    return "allowed" if "Allow" in effects else "implicitDeny"


def _speaks_of(statement, action, resource, context, new_language):
    actions_listed = [
        _same(_pattern(pattern.upper()), action.upper())
        for pattern in _listed(statement.get("Action", statement.get("NotAction")))
    ]
    resources_listed = [
        _resource_matches(pattern, resource, context, new_language)
        for pattern in _listed(statement.get("Resource", statement.get("NotResource")))
    ]
    action_applies = any(actions_listed) if "Action" in statement else not any(actions_listed)
    resource_applies = any(resources_listed) if "Resource" in statement else not any(resources_listed)
    return action_applies and resource_applies


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
        values = [value for name, value in context.items() if name.casefold() == key.strip().casefold()]
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
