"""Nodes as administrators see and keep them, by the AWS CLI: tier, tags, roles, removal, copied machines."""

import asyncio
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from fairlead.agent.connector import Connector
from fairlead.agent.credentials import RoleCredentials
from fairlead.agent.identity import StateDirectory
from fairlead.agent.process import node_trust
from fairlead.agent.service_client import ServiceClient
from fairlead.transport.addresses import parse_endpoint
from tests.interop.conftest import Site
from tests.support.waiting import PATIENCE_S
from tools.stack import CommandFailed, RunningAgent

pytestmark = pytest.mark.interop

TIER = "/ssm/managed-instance/activation-tier"


@pytest.fixture
def guest(site: Site) -> Iterator[RunningAgent]:
    """A second node, with a state directory of its own."""
    agent = site.stack.add_agent("fleet-guest")
    yield agent
    agent.child.stop()
    shutil.rmtree(agent.state)


def ssm(site: Site, command: str, *options: object) -> dict[str, Any]:
    return site.stack.aws("ssm", command, *options)


def refusal(site: Site, command: str, *options: object) -> str:
    """What the AWS CLI says on a call that is refused."""
    with pytest.raises(CommandFailed) as refused:
        ssm(site, command, *options)
    return str(refused.value)


def listed(site: Site, *options: object) -> list[str]:
    """Ids of the nodes that DescribeInstanceInformation finds."""
    answer = ssm(site, "describe-instance-information", *options)
    return [node["InstanceId"] for node in answer["InstanceInformationList"]]


def test_without_the_advanced_tier_ssh_to_a_hybrid_node_is_refused_in_the_services_words(site: Site) -> None:
    try:
        setting = ssm(site, "reset-service-setting", "--setting-id", TIER)["ServiceSetting"]
        assert (setting["SettingValue"], setting["Status"]) == ("standard", "Default")
        words = "Enable advanced-instances tier to use Session Manager with your on-premises instances"
        start = ("--target", site.node_id, "--document-name", "AWS-StartSSHSession")
        assert f"(BadRequest) when calling the StartSession operation: {words}" in refusal(
            site, "start-session", *start
        )
        for client in ("aws", "proxy"):
            refused = site.ssh(client, site.node_id, "true")
            assert refused.status == 255
            assert words in refused.stderr
    finally:
        change = ("--setting-id", setting["ARN"], "--setting-value", "advanced")
        assert ssm(site, "update-service-setting", *change) == {}
    assert site.ssh("aws", site.node_id, "echo in").stdout == "in\n"
    setting = ssm(site, "get-service-setting", "--setting-id", TIER)["ServiceSetting"]
    assert (setting["SettingId"], setting["SettingValue"], setting["Status"]) == (
        TIER,
        "advanced",
        "Customized",
    )
    assert setting["LastModifiedUser"].endswith(":user/admin")


def test_tags_are_copied_from_the_activation_and_nodes_are_found_by_them(site: Site, tmp_path: Any) -> None:
    tags = ("--tags", "Key=Env,Value=Dev", "Key=Team,Value=web")
    node_id = again = _registered(site, tmp_path, *tags)
    try:
        assert listed(site, "--filters", "Key=tag:Env,Values=Dev") == [node_id]
        resource = ("--resource-type", "ManagedInstance", "--resource-id", node_id)
        ssm(site, "add-tags-to-resource", *resource, "--tags", "Key=Env,Value=Test")
        ssm(site, "remove-tags-from-resource", *resource, "--tag-keys", "Team")
        assert ssm(site, "list-tags-for-resource", *resource)["TagList"] == [{"Key": "Env", "Value": "Test"}]
        assert listed(site, "--filters", "Key=tag:Env,Values=Dev") == []
        assert listed(site, "--filters", "Key=tag-key,Values=Env") == [node_id]
        again = _registered(site, tmp_path, "--description", "no tags", force=True)
        assert again != node_id
        assert ssm(site, "list-tags-for-resource", *resource[:3], again)["TagList"] == []
        copied = site.call("fairlead", "nodes", "copy-tags", node_id, again)
        assert (copied.status, copied.stdout) == (0, f"{again} got Env=Test of {node_id}.\n")
        shown = site.call("fairlead", "nodes", "show", again).stdout
        assert f"same machine  {node_id}\n" in shown
    finally:
        for each in {node_id, again}:
            ssm(site, "deregister-managed-instance", "--instance-id", each)


def test_a_node_that_is_deregistered_is_gone_at_once_and_so_are_its_sessions(
    site: Site, guest: RunningAgent
) -> None:
    running = site.start("proxy", guest.node_id, "echo up; sleep 999")
    assert running.stdout is not None
    assert running.stdout.readline() == b"up\n"
    ssm(site, "deregister-managed-instance", "--instance-id", guest.node_id)
    assert not site.stack.is_connected(guest.node_id)
    assert running.wait(PATIENCE_S) == 255
    assert "InvalidInstanceId" in refusal(site, "deregister-managed-instance", "--instance-id", guest.node_id)
    (ended, *_) = site.sessions("History")
    assert (ended["Target"], ended["Status"]) == (guest.node_id, "Terminated")
    assert guest.node_id not in listed(site)


def test_another_role_must_exist_and_is_in_the_list(site: Site, guest: RunningAgent) -> None:
    change = ("--instance-id", guest.node_id, "--iam-role")
    text = refusal(site, "update-managed-instance-role", *change, "Nobody")
    assert "(ValidationException)" in text
    assert "Not existing role: arn:aws:iam::" in text
    ssm(site, "update-managed-instance-role", *change, "service-role/FairleadNode")
    find = ("--instance-information-filter-list", "key=IamRole,valueSet=service-role/FairleadNode")
    assert guest.node_id in listed(site, *find)
    ssm(site, "deregister-managed-instance", "--instance-id", guest.node_id)


def test_two_machines_with_one_identity_are_shown_and_a_prepared_image_has_none(
    site: Site, guest: RunningAgent
) -> None:
    copy = guest.state.with_name("agent-copy")
    shutil.copytree(guest.state, copy)
    twin = site.stack.start_agent("copy")
    try:
        assert twin.node_id == guest.node_id

        def is_marked() -> bool:
            return guest.node_id in site.call("fairlead", "nodes", "list", "--twins").stdout

        twin.child.wait_until(is_marked, PATIENCE_S)
        shown = site.call("fairlead", "nodes", "show", guest.node_id).stdout
        assert "two agents were alive under this id" in shown
        assert site.stack.is_connected(guest.node_id)
        clear = ("fairlead", "agent", "prepare-image", "--state-dir", copy)
        assert site.call(*clear).status == 1
        twin.child.stop()
        assert site.call(*clear).status == 0
        assert site.call("fairlead", "agent", "run", "--state-dir", copy).status == 1
    finally:
        twin.child.stop()
        shutil.rmtree(copy)
    ssm(site, "deregister-managed-instance", "--instance-id", guest.node_id)


def test_an_agent_that_is_too_old_is_refused_and_versions_compare_number_by_number(
    site: Site, guest: RunningAgent
) -> None:
    def shown(member: str) -> str:
        (node,) = site.stack.call_ssm("DescribeInstanceInformation", find)["InstanceInformationList"]
        return str(node.get(member, ""))

    find = {"Filters": [{"Key": "InstanceIds", "Values": [guest.node_id]}]}
    guest.child.wait_until(lambda: shown("ComputerName") != "", PATIENCE_S)  # its own reports are through
    for version, is_served in (("2.3.671.0", False), ("2.3.672.0", True), ("2.3.1000.0", True)):
        asyncio.run(_report_version(guest, version))
        guest.child.wait_until(lambda wanted=version: shown("AgentVersion") == wanted, PATIENCE_S)
        done = site.ssh("proxy", guest.node_id, "true")
        assert (done.status == 0) is is_served, done.stderr
        assert is_served or "2.3.671.0" in done.stderr
    ssm(site, "deregister-managed-instance", "--instance-id", guest.node_id)


async def _report_version(agent: RunningAgent, version: str) -> None:
    """A heartbeat in the agent's name, as one of that version sends it."""
    state = StateDirectory(agent.state)
    registration = state.load()
    connector = Connector(parse_endpoint(registration.endpoint), node_trust(state, {}), {}, PATIENCE_S)
    service = ServiceClient(connector)
    credentials = RoleCredentials(state, registration, service)
    async with asyncio.TaskGroup() as tasks:
        obtaining = tasks.create_task(credentials.run())
        members = {"InstanceId": registration.instance_id, "AgentVersion": version}
        await service.update_instance_information(members, await credentials.signer())
        obtaining.cancel()


def _registered(site: Site, directory: Any, *options: str, force: bool = False) -> str:
    """The id of a machine that registers with a new activation; its agent does not run."""
    activation = ssm(site, "create-activation", "--iam-role", "service-role/FairleadNode", *options)
    code = directory / "code"
    code.write_text(activation["ActivationCode"], encoding="utf-8")
    command = site.stack.registration_command(activation["ActivationId"], code, directory / "state")
    done = site.call(*command, *(["--force"] if force else []))
    assert done.status == 0, done.stderr
    return done.stdout.split()[2].rstrip(";")
