import pytest

from fairlead.api.dispatch import SERVED_OPERATIONS, describe, identify
from fairlead.api.exchange import WireProtocol
from fairlead.api.message_delivery import GET_MESSAGES
from fairlead.aws.canonical import Request
from fairlead.domain.operations.callers import GET_CALLER_IDENTITY
from fairlead.domain.operations.identities import CREATE_USER
from fairlead.domain.operations.sessions import START_SESSION

FORM = ("Content-Type", "application/x-www-form-urlencoded")


def _authorization(service: str) -> tuple[str, str]:
    scope = f"AKIAIOSFODNN7EXAMPLE/20261120/us-east-1/{service}/aws4_request"
    return "Authorization", f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"


def _request(
    method: str = "POST",
    path: str = "/",
    query: str = "",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    return Request(method, path, query, (("X-Amz-Date", "20261120T212249Z"), *headers), body)


def test_a_target_names_service_and_operation() -> None:
    identity = identify(_request(headers=(("X-Amz-Target", "AmazonSSM.StartSession"),)))
    assert identity.protocol is WireProtocol.JSON
    assert identity.operation == START_SESSION


@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("AmazonSSM.NoSuchThing", "ssm"),
        ("AmazonSSM.GetCallerIdentity", "ssm"),
        ("com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListTrails", "cloudtrail"),
        ("AWSEC2InstanceConnectService.SendSSHPublicKey", "ec2-instance-connect"),
        ("Fairlead_20261101.Anything", "fairlead"),
        ("Unheard.Of", ""),
        ("nonsense", ""),
    ],
)
def test_an_unknown_target_is_of_its_service_and_no_operation(target: str, service: str) -> None:
    identity = identify(_request(headers=(("X-Amz-Target", target),)))
    assert (identity.protocol, identity.service, identity.operation) == (WireProtocol.JSON, service, None)


def test_the_agents_polls_are_of_a_service_of_their_own() -> None:
    identity = identify(_request(headers=(("X-Amz-Target", "EC2WindowsMessageDeliveryService.GetMessages"),)))
    assert identity.operation == GET_MESSAGES


def test_a_form_names_its_service_by_version() -> None:
    body = b"Action=CreateUser&Version=2010-05-08&UserName=ada"
    identity = identify(_request(headers=(FORM,), body=body))
    assert identity.operation == CREATE_USER
    assert identity.version == "2010-05-08"


def test_a_forged_scope_does_not_turn_a_form_into_another_services() -> None:
    body = b"Action=CreateUser&Version=2010-05-08&UserName=ada"
    assert identify(_request(headers=(FORM, _authorization("sts")), body=body)).service == "iam"


def test_a_form_without_a_version_is_of_the_service_in_its_scope() -> None:
    identity = identify(_request(headers=(FORM, _authorization("sts")), body=b"Action=GetCallerIdentity"))
    assert identity.operation == GET_CALLER_IDENTITY


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_presigned_url_carries_its_form_in_the_query(method: str) -> None:
    query = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
    assert identify(_request(method, query=query)).operation == GET_CALLER_IDENTITY


def test_an_unknown_action_is_answered_as_a_query_service_would() -> None:
    identity = identify(_request(headers=(FORM,), body=b"Action=Frobnicate&Version=2016-11-15"))
    assert (identity.protocol, identity.operation) == (WireProtocol.QUERY, None)
    assert describe(identity) == "Frobnicate"


def test_a_form_that_cannot_be_read_has_no_operation() -> None:
    identity = identify(_request(headers=(FORM,), body=b"Action=CreateUser&Action=DeleteUser&\xff"))
    assert identity.operation is None


def test_a_request_of_a_json_service_without_a_target_is_answered_in_json() -> None:
    identity = identify(_request(headers=(_authorization("ssm"),), body=b"{}"))
    assert (identity.protocol, identity.service, identity.operation) == (WireProtocol.JSON, "ssm", None)


def test_a_visitor_with_a_browser_speaks_neither_protocol() -> None:
    assert identify(_request("GET")).protocol is WireProtocol.NONE


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("DELETE", "/"), ("POST", "/other"), ("POST", "//")]
)
def test_targets_count_only_in_a_post_to_the_root(method: str, path: str) -> None:
    request = _request(method, path, headers=(("X-Amz-Target", "AmazonSSM.StartSession"),))
    assert identify(request).operation is None


def test_forms_count_only_at_the_root() -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    assert identify(_request(path="/x", headers=(FORM,), body=body)).operation is None
    assert identify(_request("DELETE", headers=(FORM,), body=body)).operation is None


def test_no_two_served_operations_share_service_and_name() -> None:
    names = [(operation.service, operation.name) for operation in SERVED_OPERATIONS]
    assert len(set(names)) == len(names)


def test_a_form_is_searched_for_its_operation_and_not_decoded() -> None:
    form = b"UserName=" + b"%41" * 20 + b"&Version=2010-05-08&ActionX=1&Action=CreateUser&Action=DeleteUser"
    identity = identify(_request(headers=(FORM,), body=form))
    assert (identity.operation, identity.version) == (CREATE_USER, "2010-05-08")
