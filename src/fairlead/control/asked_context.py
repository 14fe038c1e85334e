"""Actions, resources and context keys as somebody asks about them: read, or refused in one line."""

import re
from collections.abc import Callable, Iterable, Mapping

from fairlead.aws.errors import excerpt
from fairlead.domain.errors import InvalidInput
from fairlead.policy.condition_values import read_address, read_binary, read_boolean, read_moment, read_number
from fairlead.policy.context import ContextValue
from fairlead.policy.matching import EVERYTHING, resource_name

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+")
_LIST = "List"

_READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "numeric": read_number,
    "boolean": read_boolean,
    "ip": read_address,
    "binary": read_binary,
    "date": read_moment,
}
"""What gives None for a text that is not of the type."""


def require_action(action: str) -> None:
    """Raise InvalidInput unless this names one action."""
    if not _ACTION.fullmatch(action):
        raise InvalidInput(f"{excerpt(action)} is not an action such as ssm:StartSession, without wildcards.")


def require_resource(resource: str) -> None:
    """Raise InvalidInput unless this is an ARN or `*`."""
    if resource != EVERYTHING and not resource_name(resource).fields:
        raise InvalidInput(f'Resource {excerpt(resource)} must be in ARN format or "*".')


def context_value(key: str, values: Iterable[str], type_name: str) -> ContextValue:
    """The values of a key of a type, as in SimulatePrincipalPolicy (`numeric`, `stringList`, …).

    Raises InvalidInput for values that are not of the type, or not one where one has to be.
    """
    texts = tuple(values)
    plain = type_name.removesuffix(_LIST)
    for text in texts:
        if _READERS[plain](text) is None:
            raise InvalidInput(f"{excerpt(text)} is no value of type {plain} for {excerpt(key)}.")
    if plain != type_name:
        return texts
    if len(texts) != 1:
        raise InvalidInput(f"{excerpt(key)} of type {plain} must have one value, not {len(texts)}.")
    return texts[0]
