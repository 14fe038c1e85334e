"""Every operation of the catalogue reaches the use case of its name."""

import re
from dataclasses import fields
from types import SimpleNamespace
from typing import Any, get_type_hints
from unittest.mock import create_autospec

import pytest

from fairlead.api.exchange import Exchange
from fairlead.api.handlers import UseCases, handlers_for
from fairlead.aws.shapes import Operation
from fairlead.domain.operations.catalogue import ALL_OPERATIONS, UNSIGNED_OPERATIONS
from fairlead.domain.operations.identities import DeleteUserResponse
from fairlead.domain.operations.security_tokens import ASSUME_ROLE_WITH_WEB_IDENTITY
from fairlead.domain.operations.sessions import RESUME_SESSION, START_SESSION


def _use_cases() -> UseCases:
    types = get_type_hints(UseCases)
    return UseCases(**{name: create_autospec(use_case, instance=True) for name, use_case in types.items()})


def _method_name(operation: Operation) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation.name).lower()


def _method(use_cases: UseCases, name: str) -> Any:
    (found,) = (
        getattr(getattr(use_cases, field.name), name)
        for field in fields(use_cases)
        if hasattr(getattr(use_cases, field.name), name)
    )
    return found


def test_the_table_is_complete() -> None:
    assert set(handlers_for(_use_cases())) == set(ALL_OPERATIONS)


@pytest.mark.parametrize("operation", ALL_OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_reaches_the_use_case_of_its_name(operation: Operation) -> None:
    use_cases = _use_cases()
    exchange = Exchange({}, SimpleNamespace(), "request")  # type: ignore[arg-type]  # nothing is received
    exchange.caller, exchange.origin, exchange.input = "caller", "origin", "input"  # type: ignore[assignment]
    exchange.stream_base_url = "wss://here"
    exchange.web_identity = "identity"  # type: ignore[assignment]
    method = _method(use_cases, _method_name(operation))
    method.return_value = DeleteUserResponse()
    handlers_for(use_cases)[operation](exchange)
    first = "origin" if operation in UNSIGNED_OPERATIONS else "caller"
    more = ("wss://here",) if operation in (START_SESSION, RESUME_SESSION) else ()
    more = ("identity",) if operation == ASSUME_ROLE_WITH_WEB_IDENTITY else more
    assert tuple(method.call_args.args) == (first, "input", *more)
