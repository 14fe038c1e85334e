"""JSON of strangers that something hangs on: what two readers could read differently is refused."""

import json
from typing import Any, NoReturn


# Any: JSON of strangers, here and below.
def strict_object(data: bytes) -> dict[str, Any]:
    """The JSON object that is the whole of `data`, in UTF-8.

    Raises ValueError for anything else, for a member that is there twice, and for `NaN` and the like.
    """
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise ValueError("not a JSON object, or one with a member twice") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
