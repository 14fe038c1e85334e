"""LookupEvents: by attribute, by time, page by page."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.errors import (
    AccessDenied,
    InvalidLookupAttribute,
    InvalidMaxResults,
    InvalidNextToken,
    InvalidTimeRange,
)
from fairlead.domain.operations.cloudtrail import EventResource, LookupAttribute, LookupEventsRequest
from fairlead.domain.scope import Scope
from tests.support.control_world import NODE_ID, policy, statement


def wanted(key, value):
    return (LookupAttribute(attribute_key=key, attribute_value=value),)


def lookup(world, caller=None, **members):
    if not hasattr(world, "auditor"):
        world.auditor = world.user("auditor", policy(statement("Allow", "cloudtrail:LookupEvents")))
    return world.event_history.lookup_events(caller or world.auditor, LookupEventsRequest(**members))


@pytest.fixture
def lived(world):
    """A world in which alice has started a session and bob was refused one."""
    world.node()
    world.start(world.user())
    world.advance(minutes=1)
    with pytest.raises(AccessDenied):
        world.start(world.user("bob", policy(statement("Deny", "ssm:*"))))
    world.advance(minutes=1)
    return world


def test_an_event_is_told_with_everything(lived):
    (event,) = lookup(lived, lookup_attributes=wanted("Username", "alice")).events
    assert (event.event_name, event.event_source) == ("StartSession", "ssm.amazonaws.com")
    assert (event.read_only, event.username) == ("false", "alice")
    assert event.access_key_id == "AKIAIOSFODNN7EXAMPLE"
    assert event.event_time == lived.now - timedelta(minutes=2)
    assert EventResource(resource_type="AWS::SSM::ManagedInstance", resource_name=NODE_ID) in event.resources
    assert (
        EventResource(resource_type="AWS::SSM::Document", resource_name="AWS-StartSSHSession")
        in event.resources
    )
    assert '"tokenValue":"HIDDEN_DUE_TO_SECURITY_REASONS"' in event.cloud_trail_event
    (session,) = [each for each in event.resources if each.resource_type == "AWS::SSM::Session"]
    found = lookup(lived, lookup_attributes=wanted("ResourceName", session.resource_name)).events
    assert [each.event_id for each in found] == [event.event_id]


def test_a_refusal_is_told_with_the_code_of_aws(lived):
    (event,) = lookup(lived, lookup_attributes=wanted("Username", "bob")).events
    assert '"errorCode":"AccessDenied"' in event.cloud_trail_event
    assert "explicit deny" in event.cloud_trail_event


def test_the_newest_come_first_page_by_page(lived):
    page = lookup(lived, max_results=1)
    assert [event.username for event in page.events] == ["bob"]
    page = lookup(lived, max_results=1, next_token=page.next_token)
    assert [event.username for event in page.events] == ["alice"]
    assert page.next_token is None


def test_a_lookup_is_recorded_and_found_by_the_next(lived):
    lookup(lived)
    found = lookup(lived, lookup_attributes=wanted("EventName", "LookupEvents")).events
    assert [(event.username, event.read_only) for event in found] == [("auditor", "true")]


def test_times_bound_what_is_found(lived):
    middle = lived.now - timedelta(seconds=90)
    assert [event.username for event in lookup(lived, start_time=middle).events] == ["bob"]
    assert [event.username for event in lookup(lived, end_time=middle).events] == ["alice"]


def test_what_is_older_than_it_is_kept_is_not_told(lived):
    lived.advance(days=90)
    assert lookup(lived).events == ()


def test_another_regions_events_are_not_told(lived):
    foreign = lived.user("foreign", policy(statement("Allow", "cloudtrail:LookupEvents")))
    foreign = replace(foreign, scope=Scope(foreign.scope.account_id, "eu-central-1"))
    assert lookup(lived, foreign).events == ()


def test_insights_there_are_none(lived):
    assert lookup(lived, event_category="insight").events == ()


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"lookup_attributes": wanted("EventName", "a") * 2}, InvalidLookupAttribute),
        ({"lookup_attributes": wanted("ReadOnly", "maybe")}, InvalidLookupAttribute),
        ({"max_results": 0}, InvalidMaxResults),
        ({"max_results": 51}, InvalidMaxResults),
        ({"next_token": "nonsense"}, InvalidNextToken),
    ],
)
def test_what_cannot_be_looked_up_is_refused_and_recorded(world, members, error):
    with pytest.raises(error):
        lookup(world, **members)
    assert world.last_record.event_name == "LookupEvents"
    assert world.last_record.error_code is not None


def test_an_end_before_the_start_is_refused(world):
    with pytest.raises(InvalidTimeRange):
        lookup(world, start_time=world.now, end_time=world.now - timedelta(seconds=1))


def test_a_token_is_good_for_the_same_question_only(lived):
    token = lookup(lived, max_results=1).next_token
    with pytest.raises(InvalidNextToken):
        lookup(lived, max_results=1, next_token=token, lookup_attributes=wanted("ReadOnly", "true"))


def test_it_needs_the_right_to_it(world):
    with pytest.raises(AccessDenied, match="cloudtrail:LookupEvents"):
        lookup(world, world.user("eve", policy(statement("Allow", "ssm:*"))))
