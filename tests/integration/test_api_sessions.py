"""Every operation of ssm, as boto3 reads the answers.

The node is real and has something to lead to; no client opens the sessions.
"""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fairlead.testing.agent import FairleadAgent
from fairlead.testing.server import NODE_ROLE, FairleadServer

SSH = {"DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["22"]}}
"""For requests that are refused before anybody dials."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FairleadServer]:
    with FairleadServer(Path(tmp_path_factory.mktemp("sessions")) / "state") as server:
        yield server


@pytest.fixture(scope="module")
def node(server: FairleadServer) -> FairleadAgent:
    return server.start_agent("node-1")


@pytest.fixture(scope="module")
def ssm(server: FairleadServer) -> Any:
    return server.boto3_client("ssm")


@pytest.fixture(scope="module")
def to_listener() -> Iterator[dict[str, Any]]:
    """A session to a port that somebody listens on and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        yield {"DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": [port]}}


def test_a_session_is_started_listed_resumed_and_terminated(
    server: FairleadServer, ssm: Any, node: FairleadAgent, to_listener: dict[str, Any]
) -> None:
    started = ssm.start_session(Target=node.node_id, Reason="a look", **to_listener)
    session_id = started["SessionId"]
    assert session_id.startswith("admin-")
    host = server.endpoint_url.partition("://")[2]
    assert started["StreamUrl"] == f"wss://{host}/v1/data-channel/{session_id}?role=publish_subscribe"
    listed = ssm.describe_sessions(State="Active", Filters=[{"key": "SessionId", "value": session_id}])
    (session,) = listed["Sessions"]
    assert session["Target"] == node.node_id
    assert session["DocumentName"] == "AWS-StartSSHSession"
    assert session["Reason"] == "a look"
    assert abs(session["StartDate"] - datetime.now(UTC)) < timedelta(minutes=1)
    resumed = ssm.resume_session(SessionId=session_id)
    assert resumed["SessionId"] == session_id
    assert resumed["TokenValue"] != started["TokenValue"]
    assert ssm.terminate_session(SessionId=session_id)["SessionId"] == session_id
    over = ssm.describe_sessions(State="History", Filters=[{"key": "SessionId", "value": session_id}])
    assert over["Sessions"][0]["Status"] == "Terminated"
    assert "TokenValue" not in ssm.resume_session(SessionId=session_id)


def test_sessions_are_listed_a_page_at_a_time(
    ssm: Any, node: FairleadAgent, to_listener: dict[str, Any]
) -> None:
    ids = {ssm.start_session(Target=node.node_id, **to_listener)["SessionId"] for _ in range(3)}
    pages = ssm.get_paginator("describe_sessions").paginate(State="Active", PaginationConfig={"PageSize": 2})
    found = [session["SessionId"] for page in pages for session in page["Sessions"]]
    assert ids <= set(found)
    assert len(found) == len(set(found))
    for session_id in ids:
        ssm.terminate_session(SessionId=session_id)


@pytest.mark.parametrize(
    ("request_members", "exception", "text"),
    [
        ({"Target": "mi-00000000000000000"}, "TargetNotConnected", "mi-00000000000000000 is not connected."),
        ({"DocumentName": "No-Such-Document"}, "InvalidDocument", "No-Such-Document"),
        ({"Parameters": {"portNumber": ["0"]}}, "ClientError", "InvalidParameters.*portNumber"),
        ({"Parameters": {"portNumber": ["22", "23"]}}, "ClientError", "InvalidParameters"),
        ({"Parameters": {"user": ["root"]}}, "ClientError", "InvalidParameters.*user"),
        ({"Reason": "x" * 257}, "ClientError", "ValidationException.*reason"),
        ({"DocumentName": "x y"}, "ClientError", "ValidationException.*documentName"),
    ],
)
def test_a_session_that_cannot_be_started_is_refused_as_the_model_says(
    ssm: Any, node: FairleadAgent, request_members: dict[str, Any], exception: str, text: str
) -> None:
    error_class = getattr(ssm.exceptions, exception)
    with pytest.raises(error_class, match=text):
        ssm.start_session(**({"Target": node.node_id, **SSH} | request_members))


def test_a_shell_is_refused_in_words_instead_of_hanging(ssm: Any, node: FairleadAgent) -> None:
    with pytest.raises(ssm.exceptions.ClientError, match=r"BadRequest.*Standard_Stream.*amazon-ssm-agent"):
        ssm.start_session(Target=node.node_id)


def test_a_session_that_is_not_known_cannot_be_resumed(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.DoesNotExistException):
        ssm.resume_session(SessionId="admin-00000000000000000000000000")


def test_a_listing_refuses_what_it_cannot_read(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.InvalidNextToken):
        ssm.describe_sessions(State="Active", NextToken="nonsense")
    with pytest.raises(ssm.exceptions.ClientError, match="ValidationException"):
        ssm.describe_sessions(State="Sleeping")


def test_nodes_are_described_and_their_connection_is_known(ssm: Any, node: FairleadAgent) -> None:
    (information,) = ssm.describe_instance_information(
        Filters=[{"Key": "InstanceIds", "Values": [node.node_id]}]
    )["InstanceInformationList"]
    assert information["PingStatus"] == "Online"
    assert information["Name"] == "node-1"
    assert ssm.get_connection_status(Target=node.node_id)["Status"] == "connected"
    assert ssm.get_connection_status(Target="mi-00000000000000000")["Status"] == "notconnected"
    with pytest.raises(ssm.exceptions.InvalidFilterKey):
        ssm.describe_instance_information(Filters=[{"Key": "Shoe", "Values": ["43"]}])


def test_an_activation_lives_from_creation_to_deletion(ssm: Any) -> None:
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    created = ssm.create_activation(
        IamRole=NODE_ROLE,
        Description="for a test",
        DefaultInstanceName="späť",
        RegistrationLimit=7,
        ExpirationDate=expires,
        Tags=[{"Key": "team", "Value": "blue"}],
    )
    assert len(created["ActivationCode"]) >= 20
    filters = [{"FilterKey": "ActivationIds", "FilterValues": [created["ActivationId"]]}]
    (listed,) = ssm.describe_activations(Filters=filters)["ActivationList"]
    assert listed["DefaultInstanceName"] == "späť"
    assert listed["ExpirationDate"] == expires
    assert listed["RegistrationLimit"] == 7
    assert listed["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert "ActivationCode" not in listed
    ssm.delete_activation(ActivationId=created["ActivationId"])
    assert ssm.describe_activations(Filters=filters)["ActivationList"] == []
    with pytest.raises(ssm.exceptions.InvalidActivationId):
        ssm.delete_activation(ActivationId=created["ActivationId"])


def test_an_activation_needs_a_role_that_trusts_the_service(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.ClientError, match=r"ValidationException.*Not existing role"):
        ssm.create_activation(IamRole="NoSuchRole")


def test_documents_are_read(ssm: Any) -> None:
    document = ssm.get_document(Name="AWS-StartSSHSession")
    assert document["DocumentType"] == "Session"
    assert '"sessionType"' in document["Content"]
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.get_document(Name="No-Such-Document")


def test_a_node_that_is_deregistered_is_gone(server: FairleadServer, ssm: Any) -> None:
    node = server.start_agent("node-2")
    ssm.deregister_managed_instance(InstanceId=node.node_id)
    assert ssm.get_connection_status(Target=node.node_id)["Status"] == "notconnected"
    with pytest.raises(ssm.exceptions.InvalidInstanceId):
        ssm.deregister_managed_instance(InstanceId=node.node_id)


def test_a_clock_that_is_off_is_said_to_be_so(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.auth

    ahead = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: ahead)
    with pytest.raises(ssm.exceptions.ClientError, match=r"InvalidSignatureException.*not yet current"):
        ssm.describe_sessions(State="Active")


def test_an_unserved_operation_is_named(ssm: Any) -> None:
    with pytest.raises(ssm.exceptions.ClientError, match=r"UnknownOperationException.*ListCommands"):
        ssm.list_commands()
