"""Security events are recorded, so many at most for each principal or source."""

from fairlead.control.environment import Rate
from fairlead.control.security_events import SecurityEvents
from fairlead.domain.callers import Origin
from tests.support.control_world import ORIGIN, World


def test_an_event_is_recorded_with_its_details(world):
    SecurityEvents(world.env).record(ORIGIN, "TokenRefused", {"side": "client"})
    assert world.last_record.event_name == "TokenRefused"
    assert world.last_record.request_parameters == {"side": "client"}
    assert world.last_record.source_address == ORIGIN.source_address


def test_one_principal_or_source_cannot_fill_the_trail():
    world = World(security_event_rate=Rate(burst=2, per_s=1))
    events = SecurityEvents(world.env)
    node = world.node()
    for who in (node, ORIGIN, Origin(source_address="2001:db8::1"), Origin(source_address="2001:db8::2")):
        for _ in range(3):
            events.record(who, "Refused", {})
    assert [record.source_address for record in world.audit[2:]] == [
        *["192.0.2.7"] * 2,
        *["2001:db8::1"] * 2,
    ]
    world.advance(seconds=1)
    events.record(node, "Refused", {})
    assert len(world.audit) == 7
