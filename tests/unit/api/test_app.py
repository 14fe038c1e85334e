import json
import logging
import re
from dataclasses import asdict
from xml.etree import ElementTree

import pytest

from fairlead.api.app import new_request_id
from fairlead.api.limits import (
    MAX_BODY_BYTES,
    MAX_BODY_BYTES_ON_LOOP,
    MAX_HEADER_BYTES,
    MAX_UNSIGNED_BODY_BYTES,
)
from fairlead.aws import sigv4
from fairlead.aws.shapes import members_of
from fairlead.control.node_credentials import issue
from fairlead.domain.errors import (
    IdentityProviderUnreachable,
    IdentityTokenExpired,
    InvalidIdentityToken,
    WebIdentityRefused,
)
from fairlead.domain.operations.instance_identity import RegisterInstanceRequest
from fairlead.domain.web_identity import WebIdentity
from tests.support.api_client import CA, HOST, ApiClient
from tests.support.control_world import NODE_ID, World, policy, statement
from tests.support.factories import NOW
from tests.support.instance_requests import a_request

UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> ApiClient:
    return ApiClient(world)


@pytest.fixture
def admin(world: World) -> sigv4.Credentials:
    return world.key_of(world.user("alice"))


def test_a_json_call_is_answered_in_json_under_a_request_id(
    client: ApiClient, admin: sigv4.Credentials
) -> None:
    answer = client.call_json(admin, "AmazonSSM.GetConnectionStatus", {"Target": NODE_ID})
    assert answer.json == {"Target": NODE_ID, "Status": "notconnected"}
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert answer.headers["cache-control"] == "no-store"


def test_a_query_call_is_answered_in_xml_under_the_same_request_id(
    client: ApiClient, admin: sigv4.Credentials
) -> None:
    answer = client.call_query(admin, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
    root = ElementTree.fromstring(answer.body)
    assert answer.headers["content-type"] == "text/xml"
    assert root.tag == "{https://sts.amazonaws.com/doc/2011-06-15/}GetCallerIdentityResponse"
    assert root.findtext("{*}ResponseMetadata/{*}RequestId") == answer.headers["x-amzn-requestid"]
    assert root.findtext("{*}GetCallerIdentityResult/{*}Arn", "").endswith(":user/alice")


def test_the_request_id_of_an_answer_stands_in_the_audit_trail(
    client: ApiClient, admin: sigv4.Credentials, world: World
) -> None:
    answer = client.call_json(admin, "AmazonSSM.DescribeSessions", {"State": "Active"})
    assert world.last_record.request_id == answer.headers["x-amzn-requestid"]


def test_a_policy_document_is_percent_encoded_in_answers(client: ApiClient, admin: sigv4.Credentials) -> None:
    document = policy(statement("Allow", "ssm:*"))
    client.world.user("bob", document)
    answer = client.call_query(
        admin, "iam", "Action=GetUserPolicy&Version=2010-05-08&UserName=bob&PolicyName=policy-0"
    )
    text = ElementTree.fromstring(answer.body).findtext("{*}GetUserPolicyResult/{*}PolicyDocument", "")
    assert text.startswith("%7B%22Version%22%3A")
    assert not set('{}":*/ ') & set(text)


def test_a_denied_call_says_what_was_denied(client: ApiClient, world: World) -> None:
    nobody = world.key_of(world.user("bob", policy(statement("Allow", "ssm:DescribeSessions"))))
    answer = client.call_json(nobody, "AmazonSSM.StartSession", {"Target": NODE_ID})
    assert (answer.status, answer.code) == (400, "AccessDeniedException")
    assert "is not authorized to perform: ssm:StartSession on resource:" in answer.message


def test_members_are_checked_after_the_signature_and_before_rights(client: ApiClient, world: World) -> None:
    nobody = world.key_of(world.user("bob", policy(statement("Allow", "sts:*"))))
    answer = client.call_json(nobody, "AmazonSSM.StartSession", {})
    assert answer.code == "ValidationException"
    forged = sigv4.Credentials(nobody.access_key_id, "wrong")
    assert client.call_json(forged, "AmazonSSM.StartSession", {}).code == "InvalidSignatureException"


def test_a_call_refused_for_its_members_stands_in_the_audit_trail(
    client: ApiClient, admin: sigv4.Credentials, world: World
) -> None:
    answer = client.call_json(admin, "AmazonSSM.StartSession", {"Target": ""})
    record = world.last_record
    assert (record.event_name, record.error_code) == ("StartSession", "ValidationException")
    assert record.user_name == "alice"
    assert record.request_id == answer.headers["x-amzn-requestid"]


def test_a_form_that_cannot_be_read_stands_in_the_audit_trail(
    client: ApiClient, admin: sigv4.Credentials, world: World
) -> None:
    form = "Action=CreateUser&Version=2010-05-08&UserName=bob&UserName=mallory"
    answer = client.call_query(admin, "iam", form)
    assert (answer.status, answer.code) == (400, "MalformedInput")
    assert (world.last_record.event_name, world.last_record.error_code) == (
        "CreateUser",
        "MalformedInput",
    )


def test_an_unsigned_call_refused_for_its_members_leaves_no_record(client: ApiClient, world: World) -> None:
    headers = [("Host", HOST), ("X-Amz-Target", "AmazonSSM.RegisterManagedInstance")]
    assert client.send("POST", "/", headers, b"{}").code == "ValidationException"
    assert not world.audit


def test_an_unsigned_operation_takes_a_small_body_only(client: ApiClient) -> None:
    headers = [("Host", HOST), ("X-Amz-Target", "AmazonSSM.RegisterManagedInstance")]
    answer = client.send("POST", "/", headers, b" " * (MAX_UNSIGNED_BODY_BYTES + 1))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLarge")


def test_what_is_not_json_is_said_to_be_so(client: ApiClient, admin: sigv4.Credentials) -> None:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.StartSession")]
    answer = client.send_signed(admin, "ssm", headers, b"{")
    assert (answer.status, answer.code) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("target", "service"),
    [
        ("AmazonSSM.NoSuchThing", "ssm"),
        ("Fairlead_20261101.Nothing", "fairlead"),
        ("AmazonSSM.PutInventory", "ssm"),
    ],
)
def test_an_unknown_operation_is_named_to_who_signed(
    client: ApiClient, admin: sigv4.Credentials, target: str, service: str
) -> None:
    answer = client.call_json(admin, target, {}, service)
    assert (answer.status, answer.code) == (400, "UnknownOperationException")
    assert target.partition(".")[2] in answer.message


def test_an_unknown_action_is_named_to_who_signed(client: ApiClient, admin: sigv4.Credentials) -> None:
    answer = client.call_query(admin, "iam", "Action=Frobnicate&Version=2010-05-08")
    assert (answer.status, answer.code) == (400, "InvalidAction")
    assert "Frobnicate for version 2010-05-08" in answer.message


def test_an_unsigned_call_is_refused(client: ApiClient) -> None:
    headers = [("Host", HOST), ("X-Amz-Target", "AmazonSSM.DescribeSessions")]
    answer = client.send("POST", "/", headers, b"{}")
    assert (answer.status, answer.code) == (400, "MissingAuthenticationTokenException")


def test_an_unsigned_form_is_refused_with_the_code_of_forms(client: ApiClient) -> None:
    answer = client.send("POST", "/", [("Host", HOST)], b"Action=ListUsers&Version=2010-05-08")
    assert (answer.status, answer.code) == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize(("method", "target"), [("GET", "/"), ("GET", "/favicon.ico"), ("PUT", "/x")])
def test_a_visitor_gets_the_element_that_the_live_service_sends(
    client: ApiClient, method: str, target: str
) -> None:
    answer = client.send(method, target, [("Host", HOST)])
    assert (answer.status, answer.body) == (400, b"<UnknownOperationException/>\n")
    assert answer.headers["content-type"] == "application/xml"


def test_signed_for_another_service_is_refused(client: ApiClient, admin: sigv4.Credentials) -> None:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.StartSession")]
    answer = client.send_signed(admin, "sts", headers, b"{}")
    assert answer.code == "InvalidSignatureException"


def test_signed_for_a_region_that_is_not_served_is_refused(
    client: ApiClient, admin: sigv4.Credentials
) -> None:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.StartSession")]
    assert (
        client.send_signed(admin, "ssm", headers, b"{}", region="ap-south-1").code
        == "InvalidSignatureException"
    )


@pytest.mark.parametrize("host", ["evil.example", "fairlead.example", "", "fairlead.example:9"])
def test_another_servers_name_is_refused_before_anything_else(
    client: ApiClient, admin: sigv4.Credentials, host: str
) -> None:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.StartSession")]
    answer = client.send_signed(admin, "ssm", headers, b"{}", host=host)
    assert (answer.status, answer.code) == (421, "MisdirectedRequest")
    assert "--public-url" in answer.message
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("hosts", [[], [("Host", HOST), ("Host", HOST)]])
def test_a_host_must_be_there_once(client: ApiClient, hosts: list[tuple[str, str]]) -> None:
    assert client.send("POST", "/", [*hosts, ("X-Amz-Target", "AmazonSSM.X")]).status == 421


def test_a_stream_goes_to_the_name_that_was_called(world: World) -> None:
    client = ApiClient(world, hosts=("first.example", "second.example"))
    admin = world.key_of(world.user("alice"))
    world.role()
    world.node()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.StartSession")]
    body = json.dumps({"Target": NODE_ID, "DocumentName": "AWS-StartSSHSession"}).encode()
    urls = [
        client.send_signed(admin, "ssm", headers, body, host=host).json["StreamUrl"]
        for host in ("second.example", "first.example:443")
    ]
    assert urls[0].startswith("wss://second.example/v1/data-channel/alice-")
    assert urls[1].startswith("wss://first.example/v1/data-channel/alice-")


def test_a_large_body_is_decoded_off_the_event_loop(client: ApiClient, admin: sigv4.Credentials) -> None:
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "AmazonSSM.DescribeSessions")]
    runs = []
    for size in (MAX_BODY_BYTES_ON_LOOP, MAX_BODY_BYTES_ON_LOOP + 1):
        before = client.executor.runs
        body = b'{"State":"Active"}'.ljust(size)
        assert client.send_signed(admin, "ssm", headers, body).status == 200
        runs.append(client.executor.runs - before)
    assert runs[1] == runs[0] + 1


def test_a_body_over_the_limit_is_refused_before_the_signature_is_looked_at(client: ApiClient) -> None:
    headers = [("Host", HOST), ("X-Amz-Target", "AmazonSSM.StartSession")]
    answer = client.send("POST", "/", headers, b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status, answer.code) == (413, "RequestEntityTooLarge")
    assert answer.headers["connection"] == "close"


def test_a_header_over_the_limit_is_refused(client: ApiClient) -> None:
    assert client.send("POST", "/", [("Host", HOST), ("X", "x" * MAX_HEADER_BYTES)]).status == 413


def test_registration_is_unsigned(client: ApiClient, world: World) -> None:
    body = json.dumps(
        {
            "ActivationId": "00000000-0000-0000-0000-000000000000",
            "ActivationCode": "x" * 20,
            "PublicKey": "x" * 392,
            "PublicKeyType": "Rsa",
            "Fingerprint": "f",
        }
    ).encode()
    headers = [("Host", HOST), ("X-Amz-Target", "AmazonSSM.RegisterManagedInstance")]
    assert client.send("POST", "/", headers, body).code == "InvalidActivationId"


def test_a_registration_by_instance_identity_is_unsigned_and_answers_in_a_sentence(client: ApiClient) -> None:
    given = asdict(a_request())
    members = {each.wire_name: given[each.name] for each in members_of(RegisterInstanceRequest)}
    body = json.dumps({name: value for name, value in members.items() if value is not None}).encode()
    headers = [("Host", HOST), ("X-Amz-Target", "Fairlead_20261101.RegisterInstance")]
    answer = client.send("POST", "/", headers, body)
    assert (answer.status, answer.code) == (400, "InvalidInstanceIdentity")
    assert answer.message == "No issuer of the region eu-central-1 is trusted here."


def test_what_a_node_reports_unasked_is_taken_with_an_empty_answer(client: ApiClient, world: World) -> None:
    node = _node_credentials(world)
    assert client.call_json(node, "AmazonSSM.PutInventory", {"InstanceId": NODE_ID}).json == {}
    assert client.call_json(node, "AmazonSSM.PutComplianceItems", {}).json == {}


def test_a_node_is_told_that_there_are_no_messages(client: ApiClient, world: World) -> None:
    node = _node_credentials(world)
    answer = client.call_json(
        node,
        "EC2WindowsMessageDeliveryService.GetMessages",
        {"Destination": NODE_ID, "MessagesRequestId": "1", "VisibilityTimeoutInSeconds": 10},
        "ec2messages",
    )
    assert answer.json == {"Destination": NODE_ID, "MessagesRequestId": "1", "Messages": []}


def test_only_a_node_polls_and_only_for_itself(
    client: ApiClient, admin: sigv4.Credentials, world: World
) -> None:
    target = "EC2WindowsMessageDeliveryService.GetMessages"
    for credentials, destination in ((admin, NODE_ID), (_node_credentials(world), "mi-0fedcba9876543210")):
        answer = client.call_json(credentials, target, {"Destination": destination}, "ec2messages")
        assert answer.code == "AccessDeniedException"
        assert (world.last_record.event_name, world.last_record.error_code) == ("GetMessages", "AccessDenied")


def test_an_internal_error_says_nothing_but_its_request_id(
    client: ApiClient, admin: sigv4.Credentials, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        raise RuntimeError("the disk is on fire")

    world.store.transaction = break_down  # type: ignore[method-assign, assignment]
    answer = client.call_json(admin, "AmazonSSM.DescribeSessions", {"State": "Active"})
    assert (answer.status, answer.code) == (500, "InternalServerError")
    assert b"fire" not in answer.body
    assert answer.headers["x-amzn-requestid"] in caplog.text


def test_health_is_answered_under_any_name(client: ApiClient) -> None:
    assert client.send("GET", "/healthz", [("Host", "10.0.0.1")]).body == b"ok\n"


def test_the_ca_is_public_under_our_own_names(client: ApiClient) -> None:
    assert client.send("GET", "/ca.pem", [("Host", HOST)]).body == CA
    assert client.send("GET", "/ca.pem", [("Host", "evil.example")]).status == 421


def test_without_tls_there_is_no_ca(world: World) -> None:
    assert ApiClient(world, ca=None).send("GET", "/ca.pem", [("Host", HOST)]).status == 404


def test_the_access_log_has_a_line_for_each_call(
    client: ApiClient, admin: sigv4.Credentials, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "fairlead.access"):
        answer = client.call_json(admin, "AmazonSSM.DescribeSessions", {"State": "Active"})
        client.send("GET", "/", [])
    lines = [record.getMessage() for record in caplog.records if record.name == "fairlead.access"]
    assert len(lines) == 2
    assert lines[0].startswith(f"{answer.headers['x-amzn-requestid']} 192.0.2.7 ssm:DescribeSessions arn:")
    assert "secret" not in "".join(lines)


def test_request_ids_differ() -> None:
    assert len({new_request_id() for _ in range(100)}) == 100


def _node_credentials(world: World) -> sigv4.Credentials:
    world.role()
    world.node()
    credentials, token = issue(world.env, NODE_ID, NOW)
    return sigv4.Credentials(credentials.access_key_id, credentials.secret_access_key, token)


ASSUME = (
    b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::111122223333:role/Staff"
    b"&RoleSessionName=ada&WebIdentityToken=eyJhbGciOiJSUzI1NiJ9.e30.c2VjcmV0"
)
FORM = [("Host", HOST), ("Content-Type", "application/x-www-form-urlencoded")]


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (InvalidIdentityToken("forged"), "InvalidIdentityToken"),
        (IdentityTokenExpired(), "ExpiredTokenException"),
        (IdentityProviderUnreachable("away"), "IDPCommunicationError"),
    ],
)
def test_a_token_that_is_refused_is_answered_as_sts_does_and_recorded(
    client: ApiClient, world: World, refusal: WebIdentityRefused, code: str
) -> None:
    client.web_identity = refusal
    answer = client.send("POST", "/", FORM, ASSUME)
    assert (answer.status, answer.code) == (400, code)
    assert world.last_record.error_code == code


def test_an_identity_that_no_role_trusts_is_denied_unsigned(client: ApiClient) -> None:
    client.web_identity = WebIdentity(provider="login.example", subject="ada", audience="fairlead")
    answer = client.send("POST", "/", FORM, ASSUME)
    assert (answer.status, answer.code) == (403, "AccessDenied")


def test_tokens_are_looked_at_in_a_bounded_number(client: ApiClient, world: World) -> None:
    codes = {
        client.send("POST", "/", FORM, ASSUME).code for _ in range(world.settings.web_identity_rate.burst)
    }
    assert codes == {"InvalidIdentityToken"}
    assert client.send("POST", "/", FORM, ASSUME).code == "Throttling"
