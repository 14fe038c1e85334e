"""One transaction with its record, then the news."""

import pytest

from fairlead.aws.errors import ValidationFailed
from fairlead.control.calls import perform, perform_unrecorded, record_refusal
from fairlead.domain.errors import AccessDenied, InvalidRequest, StorageFull
from fairlead.domain.operations.sessions import (
    DESCRIBE_SESSIONS,
    START_SESSION,
    TERMINATE_SESSION,
    StartSessionRequest,
    TerminateSessionRequest,
    TerminateSessionResponse,
)
from tests.support.control_world import NODE_ID, policy, statement
from tests.support.factories import a_session

REQUEST = TerminateSessionRequest(session_id="alice-1")
ARN = "arn:aws:ssm:us-east-1:111122223333:session/alice-1"
RESPONSE = TerminateSessionResponse(session_id="alice-1")


def test_a_change_and_its_record_are_one_transaction_and_the_news_comes_after(world):
    caller = world.user()
    commits = world.store.commits
    told = []

    def work(call):
        call.authorize(("*",))
        call.uow.sessions.add(a_session())
        call.after_commit(lambda: told.append(world.store.commits))
        assert not told
        return RESPONSE

    assert perform(world.env, caller, TERMINATE_SESSION, REQUEST, work) is RESPONSE
    assert told == [commits + 1]
    record = world.last_record
    assert record.request_parameters == record.response_elements == {"sessionId": "alice-1"}
    assert record.decision["decisions"][0]["verdict"] == "allowed"
    assert record.error_code is None


def test_a_refusal_undoes_the_change_tells_no_news_and_is_recorded(world):
    told = []

    def work(call):
        call.uow.sessions.add(a_session())
        call.after_commit(lambda: told.append(1))
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        perform(world.env, world.user(), TERMINATE_SESSION, REQUEST, work)
    assert not world.store.tables.sessions
    assert not told
    record = world.last_record
    assert (record.error_code, record.error_message) == ("ValidationException", "no")
    assert record.response_elements is None


def test_a_denied_call_is_recorded_with_the_statement_that_denied_it(world):
    caller = world.user("alice", policy(statement("Deny", "ssm:*")))
    with pytest.raises(AccessDenied):
        perform(world.env, caller, DESCRIBE_SESSIONS, REQUEST, lambda call: call.authorize(("*",)))
    record = world.last_record
    assert record.error_code == "AccessDenied"
    (decision,) = record.decision["decisions"]
    assert (decision["action"], decision["verdict"]) == ("ssm:DescribeSessions", "explicitDeny")
    assert "policy-0" in decision["resources"][0]["statements"][0]
    assert record.is_read_only


def test_every_decision_of_a_call_is_recorded(world):
    def work(call):
        call.authorize(("arn:a", "arn:b"))
        call.authorize(("arn:c",), action="iam:PassRole")
        return RESPONSE

    perform(world.env, world.user(), TERMINATE_SESSION, REQUEST, work)
    decisions = world.last_record.decision["decisions"]
    assert [decision["action"] for decision in decisions] == ["ssm:TerminateSession", "iam:PassRole"]
    assert [item["resource"] for item in decisions[0]["resources"]] == ["arn:a", "arn:b"]


def test_a_fault_of_the_server_undoes_everything(world):
    def work(call):
        call.uow.sessions.add(a_session())
        raise RuntimeError

    for course in (
        lambda: perform(world.env, world.user("a"), TERMINATE_SESSION, REQUEST, work),
        lambda: perform_unrecorded(world.env, world.user("b"), TERMINATE_SESSION, work),
    ):
        with pytest.raises(RuntimeError):
            course()
    assert not world.store.tables.sessions
    assert not world.audit


def test_the_token_of_a_started_session_is_not_recorded(world):
    world.node()
    response = world.start(world.user())
    elements = world.last_record.response_elements
    assert elements["sessionId"] == response.session_id
    assert elements["tokenValue"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
    assert response.token_value not in repr(world.audit)
    assert world.last_record.request_parameters["target"] == NODE_ID


def test_frequent_calls_of_nodes_leave_a_record_only_when_refused(world):
    node = world.node()
    told = []
    perform_unrecorded(
        world.env, node, TERMINATE_SESSION, lambda call: call.after_commit(lambda: told.append(1))
    )
    assert told == [1]
    assert not world.audit
    with pytest.raises(AccessDenied):
        perform_unrecorded(world.env, node, TERMINATE_SESSION, lambda call: call.authorize(("*",)))
    assert world.last_record.error_code == "AccessDenied"


def test_the_edge_records_what_it_refuses_itself(world):
    request = StartSessionRequest(target="")
    record_refusal(world.env, world.user(), START_SESSION, request, ValidationFailed(()))
    record = world.last_record
    assert (record.event_name, record.error_code) == ("StartSession", "ValidationException")
    assert record.request_parameters == {"target": ""}


def test_what_was_decided_before_another_refusal_is_recorded_with_it(world):
    def work(call):
        call.authorize((ARN,))
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        perform(world.env, world.user(), TERMINATE_SESSION, REQUEST, work)
    record = world.last_record
    assert record.decision["decisions"][0]["verdict"] == "allowed"
    assert [resource.arn for resource in record.resources] == [ARN]


def test_a_refusal_that_is_not_recorded_is_counted(world):
    def refuse(call):
        raise InvalidRequest("no")

    with pytest.raises(InvalidRequest):
        perform(world.env, world.user(), TERMINATE_SESSION, REQUEST, refuse, may_record_refusal=lambda: False)
    assert not world.audit
    (tally,) = world.env.tallies.take_refusals().values()
    assert tally.codes == {"ValidationException": 1}


def test_while_the_disk_is_full_refused_sessions_are_counted_and_nothing_else_is_refused(world):
    world.node()
    caller = world.user()
    started = world.start(caller)
    world.has_room = False
    before = len(world.audit)
    with pytest.raises(StorageFull, match="The server's disk is full"):
        world.start(caller)
    assert len(world.audit) == before
    (tally,) = world.env.tallies.take_refusals().values()
    assert tally.codes == {"StorageFull": 1}
    world.sessions.terminate_session(caller, TerminateSessionRequest(session_id=started.session_id))
    assert world.last_record.event_name == "TerminateSession"


def test_calls_of_nodes_that_leave_no_record_are_counted(world):
    perform_unrecorded(world.env, world.node(), TERMINATE_SESSION, lambda call: None)
    assert world.env.tallies.take_calls() == {"TerminateSession": 1}
