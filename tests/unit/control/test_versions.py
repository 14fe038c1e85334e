"""What agents can do, by their name and version, and versions are compared as numbers."""

import pytest

from fairlead.agent.host_facts import AGENT_NAME
from fairlead.control.versions import OWN_AGENT_NAME, check_agent
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.errors import TargetUnsupported
from fairlead.domain.nodes import Heartbeat
from tests.support.factories import a_node

SSH = AWS_OWNED_DOCUMENTS["AWS-StartSSHSession"]
REMOTE_HOST = AWS_OWNED_DOCUMENTS["AWS-StartPortForwardingSessionToRemoteHost"]
COMMAND = AWS_OWNED_DOCUMENTS["AWS-StartInteractiveCommand"]
OTHERS = [document for document in AWS_OWNED_DOCUMENTS.values() if document is not SSH]


def node(version="", name=""):
    return a_node(heartbeat=Heartbeat(agent_name=name, agent_version=version))


@pytest.mark.parametrize("version", ["2.3.672.0", "2.3.1000.0", "2.3.672", "2.10.0.0", "3.3.0.0", "3.0", ""])
def test_a_version_that_is_new_enough_or_not_known_yet_passes(version):
    check_agent(node(version), SSH)


@pytest.mark.parametrize(
    "version", ["2.3.671.0", "2.3.68.0", "2.2.9999.9", "1.9", "x", "2.3.672.0-beta", "9", "٣.٣.٠.٠"]
)
def test_an_older_or_unreadable_version_is_refused_by_name(version):
    with pytest.raises(TargetUnsupported, match=r"needs 2\.3\.672\.0 or later") as caught:
        check_agent(node(version), SSH)
    assert version in str(caught.value)


@pytest.mark.parametrize(
    ("document", "enough", "too_old"),
    [(COMMAND, "2.3.68.0", "2.3.67.0"), (REMOTE_HOST, "3.1.1374.0", "3.1.1373.0")],
    ids=["command", "remote host"],
)
def test_each_kind_of_session_needs_a_version_of_its_own(document, enough, too_old):
    check_agent(node(enough), document)
    with pytest.raises(TargetUnsupported, match=f"needs {enough} or later"):
        check_agent(node(too_old), document)


@pytest.mark.parametrize("document", OTHERS, ids=lambda document: document.name)
def test_our_own_agent_serves_plain_streams_only_and_the_refusal_names_what_is_missing(document):
    check_agent(node("3.3.0.0", OWN_AGENT_NAME), SSH)
    check_agent(node(), SSH, is_ours=True)
    text = "amazon-ssm-agent there and AWS's own session-manager-plugin"
    with pytest.raises(TargetUnsupported, match=text):
        check_agent(node("3.3.0.0", OWN_AGENT_NAME), document)
    with pytest.raises(TargetUnsupported, match=text):
        check_agent(node(), document, is_ours=True)


@pytest.mark.parametrize("name", ["", "amazon-ssm-agent"])
@pytest.mark.parametrize("document", OTHERS, ids=lambda document: document.name)
def test_another_agent_serves_every_kind(document, name):
    check_agent(node("3.3.0.0", name), document)


def test_our_agent_goes_by_that_name():
    assert OWN_AGENT_NAME == AGENT_NAME
