"""Records as CloudTrail events, and by what they are found."""

import json
from datetime import timedelta

from fairlead.domain.audit import (
    LOOKUP_ATTRIBUTES,
    MAX_FINDABLE_CHARACTERS,
    EventView,
    IdentityType,
    Resource,
    event_of,
    event_text,
)
from tests.support.factories import NOW, an_audit_record

NODE = Resource("AWS::SSM::ManagedInstance", "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-1")


def test_a_call_is_an_event_as_cloudtrail_writes_it():
    record = an_audit_record(
        at=NOW + timedelta(microseconds=5), resources=(NODE,), error_code="AccessDenied", error_message="no"
    )
    assert event_of(record) == {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLEALICE00001",
            "arn": "arn:aws:iam::111122223333:user/alice",
            "accountId": "111122223333",
            "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
            "userName": "alice",
        },
        "eventTime": NOW.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "ssm.amazonaws.com",
        "eventName": "StartSession",
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.7",
        "userAgent": "aws-cli",
        "errorCode": "AccessDenied",
        "errorMessage": "no",
        "requestParameters": {"target": "mi-0123456789abcdef0"},
        "requestID": "6f6d0f0c-0000-4000-8000-000000000002",
        "eventID": "6f6d0f0c-0000-4000-8000-000000000001",
        "readOnly": False,
        "resources": [{"accountId": "111122223333", "type": NODE.type, "ARN": NODE.arn}],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    }


def test_the_text_is_the_event_in_one_form_only():
    text = event_text(an_audit_record(request_parameters={"b": 1, "a": "é\ud800"}))
    assert '"requestParameters":{"a":"é\ufffd","b":1}' in text
    assert json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")) == text


def test_a_session_of_a_role_is_named_by_its_issuer():
    context = {"sessionIssuer": {"type": "Role"}}
    record = an_audit_record(
        identity_type=IdentityType.ROLE,
        principal_id="AROA1:deploy",
        user_name="deploy",
        session_context=context,
    )
    who = event_of(record)["userIdentity"]
    assert (who["type"], who["principalId"], who["sessionContext"]) == (
        "AssumedRole",
        "AROA1:deploy",
        context,
    )
    assert "userName" not in who
    assert EventView(event_of(record)).user_name == "deploy"


def test_what_the_server_records_of_itself_was_no_call():
    record = an_audit_record(
        identity_type=IdentityType.SERVICE, principal_id="server", is_service_event=True, access_key_id=""
    )
    event = event_of(record)
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "server"}
    assert event["eventType"] == "AwsServiceEvent"
    assert event["serviceEventDetails"] == {"target": "mi-0123456789abcdef0"}
    assert "requestParameters" not in event
    assert EventView(event).user_name == EventView(event).access_key_id == ""


def test_nobody_has_neither_name_nor_account():
    record = an_audit_record(
        identity_type=IdentityType.UNKNOWN, principal_id="anonymous", user_name="anonymous", access_key_id=""
    )
    assert event_of(record)["userIdentity"] == {"type": "Unknown", "principalId": "anonymous"}


def test_somebody_of_an_identity_provider_has_a_name_and_no_arn():
    record = an_audit_record(
        identity_type=IdentityType.WEB_IDENTITY, principal_id="login:ada", user_name="ada", access_key_id=""
    )
    assert event_of(record)["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "login:ada",
        "userName": "ada",
    }


def test_an_event_is_found_by_every_attribute_and_a_resource_by_name_and_arn():
    found = EventView.of(event_text(an_audit_record(resources=(NODE, NODE)))).findable()
    assert {name for name, _ in found} == set(LOOKUP_ATTRIBUTES)
    assert [value for name, value in found if name == "ResourceName"] == ["mi-1", NODE.arn]
    assert ("ReadOnly", "false") in found


def test_what_is_found_by_is_bounded():
    view = EventView.of(event_text(an_audit_record(user_name="x" * 1000, access_key_id="a\0b")))
    assert ("Username", "x" * MAX_FINDABLE_CHARACTERS) in view.findable()
    assert ("AccessKeyId", "ab") in view.findable()


def test_the_name_of_a_resource_is_what_follows_its_type():
    assert Resource("", "arn:aws:iam::1:role/path/to/Deploy").name == "Deploy"
    assert Resource("", "arn:aws:iam::1:root").name == "root"
