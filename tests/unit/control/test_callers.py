"""GetCallerIdentity."""

from fairlead.control.callers import get_caller_identity
from fairlead.domain.operations.callers import GetCallerIdentityRequest
from tests.support.control_world import NODE_ID, policy, statement


def test_a_user_learns_who_it_is_even_under_an_explicit_deny(world):
    caller = world.user("alice", policy(statement("Deny", "*")))
    response = world.callers.get_caller_identity(caller, GetCallerIdentityRequest())
    assert response == get_caller_identity(caller)
    assert (response.user_id, response.account) == (caller.principal_id, "111122223333")
    assert response.arn == "arn:aws:iam::111122223333:user/alice"
    assert world.last_record.event_name == "GetCallerIdentity"


def test_a_node_is_the_session_of_its_role(world):
    response = get_caller_identity(world.node())
    assert response.user_id == f"AROAEXAMPLENODE000001:{NODE_ID}"
    assert response.arn == f"arn:aws:sts::111122223333:assumed-role/FairleadNode/{NODE_ID}"
