"""Managed nodes."""

from datetime import timedelta

import pytest

from fairlead.domain.nodes import INACTIVE_AFTER, ONLINE_WITHIN, PingStatus
from tests.support.factories import NOW, a_node

MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(0), PingStatus.ONLINE),
        (ONLINE_WITHIN, PingStatus.ONLINE),
        (ONLINE_WITHIN + MOMENT, PingStatus.CONNECTION_LOST),
        (INACTIVE_AFTER, PingStatus.CONNECTION_LOST),
        (INACTIVE_AFTER + MOMENT, PingStatus.INACTIVE),
    ],
)
def test_the_age_of_the_last_heartbeat_decides(age, status):
    assert a_node(last_ping_at=NOW).ping_status(NOW + age) is status


def test_a_node_that_never_spoke_is_not_online_however_young():
    assert a_node().ping_status(NOW) is PingStatus.CONNECTION_LOST
    assert a_node().ping_status(NOW + INACTIVE_AFTER + MOMENT) is PingStatus.INACTIVE


@pytest.mark.parametrize("iam_role", ["FairleadNode", "service-role/FairleadNode", "a/b/FairleadNode"])
def test_the_roles_name_is_without_its_path(iam_role):
    assert a_node(iam_role=iam_role).role_name == "FairleadNode"
