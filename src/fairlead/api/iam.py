"""How every operation of `iam` is handled: the use case, and its policy documents percent-encoded.

Policy documents are percent-encoded in responses (RFC 3986; IAM API reference, "GetUserPolicy"), and only
here: everywhere else they are the text that was stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import ListOf, Operation, Shape, Structure, members_of
from fairlead.domain.operations.identities import POLICY_DOCUMENT

# Any: input and output dataclasses of each operation.
Method = Callable[[Any, Any], Any]


# Any: as above.
def iam_handlers(methods: Mapping[Operation, Method]) -> Mapping[Operation, Callable[[Exchange], Any]]:
    """Handlers of operations out of the methods of their use cases."""
    return {operation: _handler(method) for operation, method in methods.items()}


# Any: as above.
def _handler(method: Method) -> Callable[[Exchange], Any]:
    return lambda exchange: _documents_encoded(method(exchange.known_caller, exchange.input))


# Any: as above.
def _documents_encoded(output: Any) -> Any:
    values = {
        member.name: _encoded(member.shape, value)
        for member in members_of(type(output))
        if (value := getattr(output, member.name)) is not None
    }
    return replace(output, **values)


# Any: as above.
def _encoded(shape: Shape, value: Any) -> Any:
    if shape == POLICY_DOCUMENT:
        return quote(value, safe="")
    match shape:
        case Structure():
            return _documents_encoded(value)
        case ListOf(item=item):
            return tuple(_encoded(item, entry) for entry in value)
        case _:
            return value
