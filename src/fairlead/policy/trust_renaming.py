"""A principal that is gone is named by its unique id from then on, as the live service does it.

A new user or role of the old name has the same ARN but another id, and so does not come into the trust that
the old one had (IAM User Guide, "IAM JSON policy elements: Principal", on users and roles that
are deleted and created again).
"""

import json
from collections.abc import Callable

from fairlead.policy.strict_json import Json, Number, read_object

_ELEMENTS = ("Principal", "NotPrincipal")


def with_principals_renamed(text: str, new_name: Callable[[str], str]) -> str:
    """The trust policy with another name for some AWS principals; the same text if it names none of them.

    Conditions stay as they are, numbers in them get quotes. Raises MalformedPolicy for what is no JSON.
    """
    document = read_object(text)
    stated = document.get("Statement")
    is_changed = False
    for statement in stated if isinstance(stated, list) else [stated]:
        for element in _ELEMENTS:
            principals = statement.get(element) if isinstance(statement, dict) else None
            if isinstance(principals, dict) and "AWS" in principals:
                renamed = _renamed(principals["AWS"], new_name)
                is_changed |= renamed != principals["AWS"]
                principals["AWS"] = renamed
    return json.dumps(document, indent=2, default=_written) if is_changed else text


def _renamed(names: Json, new_name: Callable[[str], str]) -> Json:
    if isinstance(names, list):
        return [_renamed(name, new_name) for name in names]
    return new_name(names) if isinstance(names, str) else names


def _written(number: Number) -> str:
    return number.text
