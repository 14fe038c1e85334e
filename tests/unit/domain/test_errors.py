"""Errors speak to the person who made the call."""

import inspect

import pytest

from fairlead.domain import errors
from fairlead.domain.errors import (
    AccessDenied,
    AuthenticationFailed,
    CredentialsExpired,
    DomainError,
    InvalidNextToken,
    SessionEnded,
    TargetNotConnected,
    Throttled,
    UnknownAccessKey,
)
from fairlead.policy.decision import Question
from fairlead.policy.evaluation import evaluate


def test_every_error_is_a_domain_error():
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]
    own = [value for value in classes if value.__module__ == errors.__name__]
    assert len(own) > 20
    assert all(issubclass(value, DomainError) for value in own)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UnknownAccessKey(), "The security token included in the request is invalid."),
        (CredentialsExpired(), "The security token included in the request is expired"),
        (Throttled(), "Rate exceeded"),
        (TargetNotConnected("mi-1"), "mi-1 is not connected."),
        (SessionEnded(), "Session is already terminated"),
        (InvalidNextToken(), "The specified token is not valid."),
    ],
)
def test_errors_with_a_text_of_their_own_speak_as_the_service_does(error, text):
    assert str(error) == text


def test_failed_authentication_is_one_family():
    assert issubclass(UnknownAccessKey, AuthenticationFailed)
    assert issubclass(CredentialsExpired, AuthenticationFailed)


def test_a_denial_carries_the_decision_where_policies_made_it():
    decision = evaluate(Question("arn:x", "ssm:StartSession", ("*",)), ())
    assert AccessDenied("no", decision).decision is decision
    assert AccessDenied("no").decision is None
