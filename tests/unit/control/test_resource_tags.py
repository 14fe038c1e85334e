"""Tags of nodes and documents, and policies that see them and the two tags of every session."""

from dataclasses import replace

import pytest

from fairlead.domain.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidResourceId,
    InvalidResourceType,
    TooManyTags,
)
from fairlead.domain.operations import resource_tags as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.operations.nodes import DeregisterManagedInstanceRequest
from fairlead.domain.operations.sessions import (
    GetConnectionStatusRequest,
    ResumeSessionRequest,
    TerminateSessionRequest,
)
from tests.support.control_world import NODE_ID, policy, statement
from tests.support.factories import a_document_version, a_stored_document

OTHER = "mi-0fedcba9876543210"
NODES = "arn:aws:ssm:*:*:managed-instance/*"
SSH = "arn:aws:ssm:*:*:document/AWS-StartSSHSession"


def on(action, resource, **condition):
    return {**statement("Allow", action, resource), "Condition": condition}


def tag(world, caller, node_id=NODE_ID, **tags):
    request = operations.AddTagsToResourceRequest(
        resource_type="ManagedInstance",
        resource_id=node_id,
        tags=tuple(Tag(key=key.replace("_", ":"), value=value) for key, value in tags.items()),
    )
    world.resource_tags.add_tags_to_resource(caller, request)


def untag(world, caller, *keys, node_id=NODE_ID):
    request = operations.RemoveTagsFromResourceRequest(
        resource_type="ManagedInstance", resource_id=node_id, tag_keys=keys
    )
    world.resource_tags.remove_tags_from_resource(caller, request)


def tags_of(world, caller, node_id=NODE_ID, resource_type="ManagedInstance"):
    request = operations.ListTagsForResourceRequest(resource_type=resource_type, resource_id=node_id)
    found = world.resource_tags.list_tags_for_resource(caller, request).tag_list
    return [(each.key, each.value) for each in found]


@pytest.fixture
def admin(world):
    world.node()
    return world.user("admin")


def test_tags_are_added_overwritten_listed_by_key_and_taken_away(world, admin):
    tag(world, admin, team="red", Stage="prod")
    tag(world, admin, team="blue", stage="")
    assert tags_of(world, admin) == [("Stage", "prod"), ("stage", ""), ("team", "blue")]
    untag(world, admin, "stage", "never-there")
    assert tags_of(world, admin) == [("Stage", "prod"), ("team", "blue")]


def test_there_are_fifty_tags_at_most(world, admin):
    tag(world, admin, **{f"k{number}": "v" for number in range(50)})
    tag(world, admin, k0="w")
    with pytest.raises(TooManyTags, match="50"):
        tag(world, admin, more="v")


def test_keys_of_aws_are_reserved_and_no_key_comes_twice(world, admin):
    with pytest.raises(InvalidRequest, match="reserved"):
        tag(world, admin, AWS_x="1")
    twice = (Tag(key="a", value="1"), Tag(key="a", value="2"))
    request = operations.AddTagsToResourceRequest(
        resource_type="ManagedInstance", resource_id=NODE_ID, tags=twice
    )
    with pytest.raises(InvalidRequest, match="twice"):
        world.resource_tags.add_tags_to_resource(admin, request)
    assert tags_of(world, admin) == []


def test_documents_of_the_account_have_tags(world, admin):
    with world.store.transaction() as uow:
        uow.documents.add(a_stored_document(tags=()), a_document_version())
    name, arn = "Custom-Port", "arn:aws:ssm:us-east-1:111122223333:document/Custom-Port"
    given = tuple(Tag(key=f"k{number}", value="v") for number in range(50))
    request = operations.AddTagsToResourceRequest(resource_type="Document", resource_id=name, tags=given)
    world.resource_tags.add_tags_to_resource(admin, request)
    assert ("k7", "v") in tags_of(world, admin, arn, "Document")
    more = replace(request, tags=(Tag(key="one more", value=""),))
    with pytest.raises(TooManyTags, match="at most 50"):
        world.resource_tags.add_tags_to_resource(admin, more)
    taken = operations.RemoveTagsFromResourceRequest(
        resource_type="Document", resource_id=name, tag_keys=tuple(f"k{number}" for number in range(1, 60))
    )
    world.resource_tags.remove_tags_from_resource(admin, taken)
    assert tags_of(world, admin, name, "Document") == [("k0", "v")]
    only_k0 = policy(on("ssm:ListTagsForResource", arn, StringEquals={"aws:ResourceTag/k0": "v"}))
    assert tags_of(world, world.user("reader", only_k0), name, "Document")


@pytest.mark.parametrize("name", ["Nothing", "AWS-StartSSHSession"])
def test_other_documents_have_none(world, admin, name):
    with pytest.raises(InvalidResourceId, match=name):
        tags_of(world, admin, name, "Document")
    with pytest.raises(AccessDenied):
        tags_of(world, world.user("nobody", policy(statement("Deny", "*"))), name, "Document")


def test_only_nodes_that_are_there_have_tags(world, admin):
    with pytest.raises(InvalidResourceId):
        tags_of(world, admin, OTHER)
    with pytest.raises(InvalidResourceType, match="Parameter"):
        tags_of(world, admin, "x", "Parameter")


def test_a_session_starts_on_nodes_with_the_tag_only(world, admin):
    world.node(OTHER)
    tag(world, admin, team="red")
    tag(world, admin, OTHER, team="blue")
    alice = world.user(
        "alice",
        policy(
            on("ssm:StartSession", NODES, StringEquals={"ssm:resourceTag/team": ["red"]}),
            statement("Allow", "ssm:StartSession", SSH),
        ),
    )
    assert world.start(alice).session_id
    with pytest.raises(AccessDenied, match=f"managed-instance/{OTHER} because no identity-based policy"):
        world.start(alice, OTHER)
    untag(world, admin, "team")
    with pytest.raises(AccessDenied):
        world.start(alice)


def test_the_tag_of_a_node_is_not_one_of_the_document(world, admin):
    tag(world, admin, team="red")
    both = on("ssm:StartSession", "*", StringEquals={"ssm:resourceTag/team": "red"})
    alice = world.user("alice", policy(both))
    with pytest.raises(AccessDenied, match="document/AWS-StartSSHSession because"):
        world.start(alice)
    bob = world.user(
        "bob", policy(on("ssm:StartSession", "*", StringEqualsIfExists={"ssm:resourceTag/team": "red"}))
    )
    assert world.start(bob).session_id


def test_other_calls_about_a_node_see_its_tags(world, admin):
    tag(world, admin, team="red")
    red = {"StringEquals": {"aws:ResourceTag/Team": "red"}}
    alice = world.user("alice", policy(on(["ssm:Get*", "ssm:Deregister*", "ssm:ListTags*"], NODES, **red)))
    assert tags_of(world, alice) == [("team", "red")]
    request = GetConnectionStatusRequest(target=NODE_ID)
    assert world.sessions.get_connection_status(alice, request).status == "connected"
    tag(world, admin, team="blue")
    with pytest.raises(AccessDenied):
        world.nodes.deregister_managed_instance(alice, DeregisterManagedInstanceRequest(instance_id=NODE_ID))


def test_who_may_give_which_tags_can_be_said(world, admin):
    only = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "team"},
    }
    alice = world.user("alice", policy(on("ssm:AddTagsToResource", NODES, **only)))
    tag(world, alice, team="red")
    for refused in ({"team": "blue"}, {"team": "red", "more": "x"}):
        with pytest.raises(AccessDenied):
            tag(world, alice, **refused)


def test_own_sessions_are_known_by_the_tags_of_sessions(world, admin):
    own = {"StringLike": {"ssm:resourceTag/aws:ssmmessages:session-id": "${aws:userid}"}}
    on_node = {"StringEquals": {"aws:ResourceTag/aws:ssmmessages:target-id": OTHER}}
    alice = world.user(
        "alice",
        policy(
            statement("Allow", "ssm:StartSession"),
            on(["ssm:ResumeSession", "ssm:TerminateSession"], "*", **own),
            on("ssm:TerminateSession", "*", **on_node),
        ),
    )
    mine, theirs = world.start(alice).session_id, world.start(admin).session_id
    world.node(OTHER)
    elsewhere = world.start(admin, OTHER).session_id
    world.sessions.resume_session(alice, ResumeSessionRequest(session_id=mine), "wss://here")
    for session_id in (mine, elsewhere):
        world.sessions.terminate_session(alice, TerminateSessionRequest(session_id=session_id))
    with pytest.raises(AccessDenied):
        world.sessions.terminate_session(alice, TerminateSessionRequest(session_id=theirs))
