import json
import logging
from xml.etree import ElementTree

import pytest

from fairlead.api import errors as api_errors
from fairlead.api.errors import ApiError, is_known, translate
from fairlead.api.exchange import WireProtocol
from fairlead.aws.errors import AwsError, ConstraintFailure, SignatureExpired, ValidationFailed
from fairlead.domain import errors as domain
from fairlead.domain.errors import DomainError
from fairlead.domain.operations.activations import DESCRIBE_ACTIVATIONS
from fairlead.domain.operations.sessions import DESCRIBE_SESSIONS
from fairlead.policy.errors import MalformedPolicy, PolicyError

BASES = (AwsError, DomainError, PolicyError, ApiError)


def _descendants(base: type[Exception]) -> set[type[Exception]]:
    found = set()
    for child in base.__subclasses__():
        if child.__module__.startswith(
            ("fairlead.aws", "fairlead.domain", "fairlead.policy", "fairlead.api")
        ):
            found |= {child} | _descendants(child)
    return found


@pytest.mark.parametrize("base", BASES)
def test_every_error_class_has_its_code(base: type[Exception]) -> None:
    assert [child.__name__ for child in _descendants(base) if not is_known(child)] == []


def test_the_same_error_has_the_code_of_each_protocol() -> None:
    in_json = translate(domain.AccessDenied("no"), WireProtocol.JSON, "ssm", None, "r")
    in_query = translate(domain.AccessDenied("no"), WireProtocol.QUERY, "iam", None, "r")
    assert (in_json.code, in_json.status) == ("AccessDeniedException", 400)
    assert (in_query.code, in_query.status) == ("AccessDenied", 403)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (SignatureExpired("Signature expired: …"), "SignatureDoesNotMatch", 403),
        (domain.UnknownAccessKey(), "InvalidClientTokenId", 403),
        (domain.CredentialsExpired(), "ExpiredToken", 403),
        (domain.NoSuchEntity("x"), "NoSuchEntity", 404),
        (domain.EntityAlreadyExists("x"), "EntityAlreadyExists", 409),
        (domain.LimitExceeded("x"), "LimitExceeded", 409),
        (MalformedPolicy("Syntax errors in policy."), "MalformedPolicyDocument", 400),
        (api_errors.UnknownOperation("x"), "InvalidAction", 400),
    ],
)
def test_query_services_answer_with_their_own_codes_and_statuses(
    error: Exception, code: str, status: int
) -> None:
    wire = translate(error, WireProtocol.QUERY, "iam", None, "r")
    assert (wire.code, wire.status) == (code, status)


def test_an_operation_keeps_the_code_that_its_model_lists() -> None:
    error = domain.InvalidFilterKey("x")
    assert translate(error, WireProtocol.JSON, "ssm", DESCRIBE_ACTIVATIONS, "r").code == "InvalidFilter"
    assert translate(error, WireProtocol.JSON, "ssm", DESCRIBE_SESSIONS, "r").code == "InvalidFilterKey"


def test_a_class_made_later_counts_as_its_parent() -> None:
    class Novel(domain.TargetNotConnected):
        pass

    assert translate(Novel("mi-1"), WireProtocol.JSON, "ssm", None, "r").code == "TargetNotConnected"


def test_an_unexpected_error_is_logged_under_its_request_and_told_without_its_cause(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        wire = translate(RuntimeError("secret detail"), WireProtocol.JSON, "ssm", None, "request-1")
    assert (wire.code, wire.status) == ("InternalServerError", 500)
    assert "secret detail" not in wire.message
    assert "request-1" in caplog.text
    assert "secret detail" in caplog.text


def test_an_unexpected_error_is_the_receivers_fault_in_query() -> None:
    wire = translate(RuntimeError(), WireProtocol.QUERY, "sts", None, "r")
    root = ElementTree.fromstring(wire.encode("r"))
    namespace = {"sts": "https://sts.amazonaws.com/doc/2011-06-15/"}
    assert root.findtext("sts:Error/sts:Type", namespaces=namespace) == "Receiver"
    assert root.findtext("sts:Error/sts:Code", namespaces=namespace) == "ServiceFailure"


def test_json_errors_name_their_type_and_message() -> None:
    failed = ValidationFailed([ConstraintFailure("target", "", "Member must not be null")])
    body = translate(failed, WireProtocol.JSON, "ssm", None, "r").encode("r")
    assert json.loads(body) == {"__type": "ValidationException", "message": str(failed)}


def test_who_speaks_neither_protocol_gets_one_element() -> None:
    wire = translate(api_errors.UnknownOperation("x"), WireProtocol.NONE, "", None, "r")
    assert ElementTree.fromstring(wire.encode("r")).tag == "UnknownOperationException"
