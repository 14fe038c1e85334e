"""Agent versions are compared as numbers."""

import pytest

from fairlead.control.versions import check_agent_version
from fairlead.domain.errors import TargetUnsupported
from fairlead.domain.nodes import Heartbeat
from tests.support.factories import a_node


def node(version):
    return a_node(heartbeat=Heartbeat(agent_version=version))


@pytest.mark.parametrize("version", ["2.3.672.0", "2.3.1000.0", "2.3.672", "2.10.0.0", "3.3.0.0", "3.0", ""])
def test_a_version_that_is_new_enough_or_not_known_yet_passes(version):
    check_agent_version(node(version))


@pytest.mark.parametrize(
    "version", ["2.3.671.0", "2.3.68.0", "2.2.9999.9", "1.9", "x", "2.3.672.0-beta", "9", "٣.٣.٠.٠"]
)
def test_an_older_or_unreadable_version_is_refused_by_name(version):
    with pytest.raises(TargetUnsupported, match=r"needs 2\.3\.672\.0 or later") as caught:
        check_agent_version(node(version))
    assert version in str(caught.value)
