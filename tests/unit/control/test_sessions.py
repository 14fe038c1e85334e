"""Starting, resuming, terminating sessions, and asking whether a node is connected."""

import json
from dataclasses import replace

import pytest

from fairlead.control.identifiers import digest
from fairlead.control.sessions import stream_url
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.documents import SessionType
from fairlead.domain.errors import (
    AccessDenied,
    DocumentNotFound,
    DomainError,
    InvalidParameters,
    SessionNotFound,
    TargetNotConnected,
    TargetUnsupported,
    Throttled,
)
from fairlead.domain.nodes import Heartbeat
from fairlead.domain.operations.documents import CreateDocumentRequest, DeleteDocumentRequest
from fairlead.domain.operations.sessions import (
    GetConnectionStatusRequest,
    ResumeSessionRequest,
    TerminateSessionRequest,
)
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import ChannelSide, EndReason, SessionStatus
from tests.support.control_world import NODE_ID, STREAM_BASE_URL, World, policy, statement
from tests.support.factories import PORT_DOCUMENT

NODE_ARN = f"arn:aws:ssm:us-east-1:111122223333:managed-instance/{NODE_ID}"
DOCUMENT_ARN = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"


def test_a_started_session_is_stored_with_who_what_and_from_where(world):
    caller = world.user("alice")
    world.node()
    response = world.start(caller, reason="deploy", parameters={"portNumber": ("2222",)})
    session = world.session(response.session_id)
    assert session.status is SessionStatus.CONNECTING
    assert (session.owner_arn, session.owner_id) == (caller.arn, caller.principal_id)
    assert (session.target, session.document_name, session.reason) == (
        NODE_ID,
        "AWS-StartSSHSession",
        "deploy",
    )
    assert session.properties == session.parameters == {"portNumber": "2222"}
    assert session.source_address == "192.0.2.7"


def test_the_answer_names_the_session_after_the_caller_and_leads_to_its_channel(world):
    world.node()
    response = world.start(world.user("alice"))
    name, _, suffix = response.session_id.partition("-")
    assert name == "alice"
    assert len(suffix) == 26
    assert response.stream_url == (
        f"{STREAM_BASE_URL}/v1/data-channel/{response.session_id}?role=publish_subscribe"
    )
    assert stream_url("ws://h", "s") == "ws://h/v1/data-channel/s?role=publish_subscribe"


def test_only_the_hash_of_the_client_token_is_stored(world):
    world.node()
    caller = world.user()
    response = world.start(caller)
    (token,) = world.store.tables.tokens.values()
    assert token.digest == digest(response.token_value)
    assert (token.side, token.channel_id, token.holder) == (
        ChannelSide.CLIENT,
        response.session_id,
        caller.principal_id,
    )
    assert (token.expires_at - world.now).total_seconds() == 60


def test_the_node_is_told_after_the_commit(world):
    world.node()
    caller = world.user()
    commits = world.store.commits
    response = world.start(caller)
    assert world.notifier.news == [("started", response.session_id)]
    assert world.notifier.commits_when_told == [commits + 1]


def test_the_port_defaults_to_22(world):
    world.node()
    response = world.start(world.user())
    assert world.session(response.session_id).properties == {"portNumber": "22"}


def test_control_characters_do_not_get_into_the_reason(world):
    world.node()
    caller = world.user()
    assert world.session(world.start(caller, reason="a\x1b[2Jb").session_id).reason == "a[2Jb"
    assert world.session(world.start(caller, reason="\x1b").session_id).reason is None


@pytest.mark.parametrize("value", ["0", "65536", "022", "abc", "", "22\n", "٢٢"])
def test_a_port_that_does_not_match_is_refused_with_the_pattern(world, value):
    world.node()
    with pytest.raises(InvalidParameters, match="not matching") as caught:
        world.start(world.user(), parameters={"portNumber": (value,)})
    assert AWS_OWNED_DOCUMENTS["AWS-StartSSHSession"].parameters["portNumber"].allowed_pattern in str(
        caught.value
    )


def test_two_values_and_undeclared_names_are_refused(world):
    world.node()
    caller = world.user()
    with pytest.raises(InvalidParameters, match="exactly one"):
        world.start(caller, parameters={"portNumber": ("22", "23")})
    with pytest.raises(InvalidParameters, match='"host" is not declared'):
        world.start(caller, parameters={"host": ("h",)})


@pytest.mark.parametrize(
    "target", ["mi-0000000000000000f", "i-0123456789abcdef0", "MI-0123456789ABCDEF0", "x"]
)
def test_an_unknown_target_is_not_connected(world, target):
    world.node()
    with pytest.raises(TargetNotConnected, match=f"^{target} is not connected"):
        world.start(world.user(), target)


def test_a_node_without_a_control_channel_is_not_connected(world):
    world.node(connected=False)
    with pytest.raises(TargetNotConnected):
        world.start(world.user())


def test_a_node_of_another_region_is_not_connected(world):
    world.node(scope=Scope("111122223333", "eu-central-1"))
    with pytest.raises(TargetNotConnected):
        world.start(world.user())


def test_an_agent_that_is_too_old_is_refused(world):
    world.node(heartbeat=Heartbeat(agent_version="2.3.671.0"))
    with pytest.raises(TargetUnsupported, match=r"2\.3\.672\.0 or later"):
        world.start(world.user())


@pytest.mark.parametrize(
    "name",
    [
        None,
        "SSM-SessionManagerRunShell",
        "arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell",
        "AWS-StartPortForwardingSession",
        "AWS-StartPortForwardingSessionToRemoteHost",
        "AWS-StartInteractiveCommand",
        "AWS-StartNonInteractiveCommand",
    ],
)
def test_other_kinds_of_session_are_refused_on_a_node_with_our_own_agent(world, name):
    world.node(heartbeat=Heartbeat(agent_name="fairlead-agent", agent_version="3.3.0.0"))
    parameters = {"command": ("id",)} if name and "Command" in name else None
    with pytest.raises(TargetUnsupported, match=r"which Fairlead's own agent on mi-.* does not serve"):
        world.start(world.user(), document_name=name, parameters=parameters)


@pytest.mark.parametrize(
    "name",
    [
        "Nothing",
        "aws-startsshsession",
        "arn:aws:ssm:us-east-1:111122223333:document/AWS-StartSSHSession",
        "arn:aws:ssm:eu-central-1::document/AWS-StartSSHSession",
        "arn:aws:ssm:us-east-1::AWS-StartSSHSession",
    ],
)
def test_a_document_that_is_not_there_is_not_found(world, name):
    world.node()
    with pytest.raises(DocumentNotFound):
        world.start(world.user(), document_name=name)


def test_the_documents_own_arn_names_it(world):
    world.node()
    response = world.start(world.user(), document_name=DOCUMENT_ARN)
    assert world.session(response.session_id).document_name == "AWS-StartSSHSession"


@pytest.mark.parametrize(
    ("allowed", "refused"), [(NODE_ARN, DOCUMENT_ARN), (DOCUMENT_ARN, NODE_ARN)], ids=["node", "document"]
)
def test_target_and_document_must_both_be_allowed(world, allowed, refused):
    world.node()
    caller = world.user("alice", policy(statement("Allow", "ssm:StartSession", allowed)))
    with pytest.raises(AccessDenied) as caught:
        world.start(caller)
    assert str(caught.value) == (
        "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: ssm:StartSession on "
        f"resource: {refused} because no identity-based policy allows the ssm:StartSession action"
    )


def test_an_explicit_deny_of_the_document_beats_an_administrator(world):
    world.node()
    deny = policy(statement("Deny", "ssm:StartSession", "arn:aws:ssm:*:*:document/AWS-StartSSHSession"))
    caller = world.user("root", policy(statement("Allow", "*")), deny)
    with pytest.raises(AccessDenied, match=r"with an explicit deny in an identity-based policy$"):
        world.start(caller)
    with pytest.raises(AccessDenied):
        world.start(caller, document_name="arn:aws:ssm:us-east-1:111122223333:document/AWS-StartSSHSession")


def test_an_ec2_node_id_is_checked_as_an_ec2_instance(world):
    caller = world.user("alice", policy(statement("Allow", "ssm:StartSession", DOCUMENT_ARN)))
    with pytest.raises(AccessDenied, match="arn:aws:ec2:us-east-1:111122223333:instance/i-1"):
        world.start(caller, "i-1")


def test_access_is_decided_before_anything_is_said_about_what_exists(world):
    caller = world.user("alice", policy(statement("Deny", "*")))
    with pytest.raises(AccessDenied):
        world.start(caller, "mi-0000000000000000f", document_name="Nothing")


def test_a_refused_start_leaves_no_session_no_token_and_no_news(world):
    world.node(connected=False)
    caller = world.user()
    attempts = (
        {},
        {"document_name": "Nothing"},
        {"document_name": None},
        {"parameters": {"portNumber": ("0",)}},
    )
    for members in attempts:
        with pytest.raises(DomainError):
            world.start(caller, **members)
    assert not world.store.tables.sessions
    assert not world.store.tables.tokens
    assert not world.notifier.news
    assert len(world.audit) == len(attempts)


def test_starts_are_limited_for_each_principal():
    world = World()
    world.role()
    world.node()
    alice, bob = world.user("alice"), world.user("bob")
    for _ in range(world.settings.start_session_rate.burst):
        world.start(alice)
    with pytest.raises(Throttled, match="Rate exceeded"):
        world.start(alice)
    world.start(bob)
    world.advance(seconds=1)
    world.start(alice)


def resume(world, caller, session_id):
    return world.sessions.resume_session(caller, ResumeSessionRequest(session_id=session_id), STREAM_BASE_URL)


def test_a_resume_gives_a_new_token_and_voids_the_older(world):
    world.node()
    caller = world.user()
    first = world.start(caller)
    second = resume(world, caller, first.session_id)
    assert second.token_value != first.token_value
    assert second.stream_url == first.stream_url
    assert list(world.store.tables.tokens) == [digest(second.token_value)]


def test_a_resume_leaves_the_agents_token_alone(world):
    agent = world.node()
    caller = world.user()
    session_id = world.start(caller).session_id
    token = world.channels.create_data_channel(agent, session_id)
    resume(world, caller, session_id)
    assert digest(token) in world.store.tables.tokens


@pytest.mark.parametrize(
    "status", [SessionStatus.TERMINATED, SessionStatus.FAILED, SessionStatus.TERMINATING]
)
def test_a_session_that_is_over_is_answered_without_a_token(world, status):
    world.node()
    caller = world.user()
    started = world.start(caller)
    sessions = world.store.tables.sessions
    sessions[started.session_id] = replace(world.session(started.session_id), status=status)
    response = resume(world, caller, started.session_id)
    assert response.session_id == started.session_id
    assert response.token_value is None
    assert response.stream_url is None


def test_an_unknown_session_cannot_be_resumed(world):
    with pytest.raises(SessionNotFound, match="alice-x"):
        resume(world, world.user(), "alice-x")


def test_only_the_principal_that_started_a_session_can_resume_it(world):
    world.node()
    session_id = world.start(world.user("alice")).session_id
    with pytest.raises(AccessDenied, match="another principal"):
        resume(world, world.user("mallory"), session_id)


def test_a_new_user_of_the_same_name_cannot_resume_the_old_ones_session(world):
    world.node()
    alice = world.user("alice")
    session_id = world.start(alice).session_id
    reborn = replace(world.user("other"), name=alice.name, arn=alice.arn)
    with pytest.raises(AccessDenied, match="another principal"):
        resume(world, reborn, session_id)


def test_resuming_needs_the_right_to_it(world):
    world.node()
    caller = world.user("alice", policy(statement("Allow", "ssm:StartSession")))
    session_id = world.start(caller).session_id
    with pytest.raises(AccessDenied, match=f"session/{session_id} because no identity-based policy"):
        resume(world, caller, session_id)


def terminate(world, caller, session_id):
    return world.sessions.terminate_session(caller, TerminateSessionRequest(session_id=session_id))


def test_terminating_ends_the_session_voids_the_nodes_token_and_tells_after_the_commit(world):
    agent = world.node()
    caller = world.user()
    session_id = world.start(caller).session_id
    world.channels.create_data_channel(agent, session_id)
    world.advance(minutes=3)
    commits = world.store.commits
    assert terminate(world, caller, session_id).session_id == session_id
    session = world.session(session_id)
    assert session.status is SessionStatus.TERMINATED
    assert session.end.reason is EndReason.TERMINATED_BY_API
    assert session.ended_at == world.now
    assert {token.side for token in world.store.tables.tokens.values()} == {ChannelSide.CLIENT}
    assert world.notifier.news[-1] == ("terminated", session_id, EndReason.TERMINATED_BY_API)
    assert world.notifier.commits_when_told[-1] == commits + 1


def test_terminating_again_changes_nothing_and_is_answered_alike(world):
    world.node()
    caller = world.user()
    session_id = world.start(caller).session_id
    terminate(world, caller, session_id)
    ended = world.session(session_id)
    world.advance(minutes=1)
    assert terminate(world, caller, session_id).session_id == session_id
    assert world.session(session_id) == ended
    assert len(world.notifier.news) == 2


def test_terminating_what_never_was_is_answered_alike(world):
    assert terminate(world, world.user(), "alice-x").session_id == "alice-x"
    assert not world.notifier.news


def test_own_sessions_can_be_granted_by_a_variable(world):
    world.node()
    own = "arn:aws:ssm:*:*:session/${aws:username}-*"
    alice = world.user("alice", policy(statement("Allow", "ssm:TerminateSession", own)))
    session_id = world.start(world.user("bob")).session_id
    with pytest.raises(AccessDenied):
        terminate(world, alice, session_id)
    assert world.session(session_id).status.is_active
    terminate(world, alice, "alice-x")


@pytest.mark.parametrize(("connected", "status"), [(True, "connected"), (False, "notconnected")])
def test_connection_status_is_that_of_the_control_channel(world, connected, status):
    world.node(connected=connected)
    response = world.sessions.get_connection_status(world.user(), GetConnectionStatusRequest(target=NODE_ID))
    assert (response.target, response.status) == (NODE_ID, status)


def test_an_unknown_node_is_simply_not_connected(world):
    response = world.sessions.get_connection_status(world.user(), GetConnectionStatusRequest(target="x"))
    assert response.status == "notconnected"


def test_connection_status_can_be_granted_for_one_node(world):
    world.node()
    caller = world.user("alice", policy(statement("Allow", "ssm:GetConnectionStatus", NODE_ARN)))
    world.sessions.get_connection_status(caller, GetConnectionStatusRequest(target=NODE_ID))
    with pytest.raises(AccessDenied):
        world.sessions.get_connection_status(caller, GetConnectionStatusRequest(target="mi-x"))


def test_a_node_that_is_expected_back_takes_sessions_but_is_not_connected(world):
    alice = world.user("alice")
    world.node(connected=False)
    world.notifier.reconnecting.add(NODE_ID)
    session_id = world.start(alice).session_id
    assert world.session(session_id).status is SessionStatus.CONNECTING
    assert world.notifier.news == [("started", session_id)]
    answer = world.sessions.get_connection_status(alice, GetConnectionStatusRequest(target=NODE_ID))
    assert answer.status == "notconnected"


def test_a_node_that_is_not_stored_is_not_waited_for(world):
    world.notifier.reconnecting.add(NODE_ID)
    with pytest.raises(TargetNotConnected):
        world.start(world.user("alice"))


def test_our_own_agent_is_known_by_its_control_channel_before_its_first_heartbeat(world):
    world.node(heartbeat=Heartbeat())
    world.notifier.ours.add(NODE_ID)
    with pytest.raises(TargetUnsupported, match="Fairlead's own agent"):
        world.start(world.user(), document_name=None)


# -- documents of the account, and its preferences --


def create(world, name="Custom-Port", **document):
    content = {**json.loads(PORT_DOCUMENT), **document}
    request = CreateDocumentRequest(name=name, content=json.dumps(content), document_type="Session")
    world.documents.create_document(world.user(f"author-of-{name}"), request)


def prefer(world, **inputs):
    create(world, "SSM-SessionManagerRunShell", sessionType="Standard_Stream", inputs=inputs, properties={})


def times(world, caller, **members):
    session = world.session(world.start(caller, **members).session_id)
    return session.idle_timeout_minutes, session.max_duration_minutes


def test_a_port_document_of_the_account_leads_to_its_port(world):
    world.node()
    create(world)
    session = world.session(world.start(world.user(), document_name="Custom-Port").session_id)
    assert (session.document_name, session.properties) == ("Custom-Port", {"portNumber": "2222"})
    assert session.document["description"] == "ssh to port 2222"
    assert session.document["parameters"]["portNumber"]["default"] == "2222"


def test_what_the_session_was_started_with_does_not_change_with_the_document(world):
    world.node()
    create(world)
    started = world.start(world.user(), document_name="Custom-Port").session_id
    world.documents.delete_document(world.user("other"), DeleteDocumentRequest(name="Custom-Port"))
    assert world.session(started).document["description"] == "ssh to port 2222"


def test_the_parameters_of_the_accounts_document_are_checked(world):
    world.node()
    create(world)
    with pytest.raises(InvalidParameters, match='"80" not matching'):
        world.start(world.user(), document_name="Custom-Port", parameters={"portNumber": ("80",)})


def test_times_come_from_the_document_then_from_the_preferences_then_from_nowhere(world):
    world.node()
    alice = world.user("alice")
    assert times(world, alice) == (None, None)
    prefer(world, idleSessionTimeout="30", maxSessionDuration="600")
    create(world, inputs={"idleSessionTimeout": "5"})
    assert times(world, alice) == (30, 600)
    assert times(world, alice, document_name="Custom-Port") == (5, 600)


def test_empty_preferences_say_nothing(world):
    world.node()
    prefer(world, idleSessionTimeout="", maxSessionDuration="")
    assert times(world, world.user()) == (None, None)


def test_a_shell_is_served_by_the_stock_agent_with_the_preferences_of_the_account(world):
    world.node(heartbeat=Heartbeat(agent_name="amazon-ssm-agent", agent_version="3.3.0.0"))
    prefer(world, idleSessionTimeout="30", runAsEnabled=True, runAsDefaultUser="ops")
    session = world.session(world.start(world.user(), document_name=None).session_id)
    assert session.session_type is SessionType.STANDARD_STREAM
    assert session.document["inputs"]["runAsDefaultUser"] == "ops"
    assert session.idle_timeout_minutes == 30


def test_a_shell_needs_no_preferences(world):
    world.node()
    session = world.session(world.start(world.user(), document_name=None).session_id)
    assert session.document_name == "SSM-SessionManagerRunShell"
    assert session.document["inputs"]["s3BucketName"] == ""


def test_the_agent_of_a_port_session_is_told_no_inputs(world):
    world.node()
    create(world, inputs={"s3BucketName": "logs"})
    session = world.session(world.start(world.user(), document_name="Custom-Port").session_id)
    assert session.document["inputs"] == {}


def test_lists_are_filled_in_and_not_declared_to_the_agent(world):
    world.node()
    create(
        world,
        parameters={"hosts": {"type": "StringList", "default": ["a", "b"]}},
        properties={"portNumber": "22", "host": "x {{ hosts }}"},
    )
    session = world.session(world.start(world.user(), document_name="Custom-Port").session_id)
    assert session.properties["host"] == 'x ["a", "b"]'
    assert session.document["parameters"] == {}
