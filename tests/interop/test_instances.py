"""A machine that joins by its cloud's word, `i-…`: the documentation's own target, policies included."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.interop.conftest import Done, Site
from tests.support.aws_cli import AwsCli, AwsStack
from tests.support.identity_issuer import (
    INSTANCE_ID,
    MetadataServiceOfTests,
    an_issuer,
    document,
    write_settings,
)
from tests.support.ssh_policies import ALLOW_SSH
from tests.support.waiting import wait_until

pytestmark = pytest.mark.interop

AGENT = "instance"
SLOW_MACHINES = {"AWS_METADATA_SERVICE_TIMEOUT": "60"}


class Cloud:
    """What runs the one machine: its metadata service, and the registration of the machine."""

    def __init__(self, service: MetadataServiceOfTests, stack: AwsStack) -> None:
        self._service = service
        self._stack = stack

    def start_machine(self, at: datetime) -> None:
        """From now on the document says that the machine was started then."""
        text = document(at)
        self._service.answers["/latest/dynamic/instance-identity/document"] = text
        self._service.answers["/latest/dynamic/instance-identity/rsa2048"] = an_issuer().pkcs7(text)

    def registration(self, name: str) -> list[object]:
        """`fairlead agent register --instance-identity` for the agent of this name."""
        stack = self._stack
        command: list[object] = ["fairlead", "agent", "register", "--instance-identity"]
        command += ["--metadata-endpoint", self._service.url, "--endpoint", stack.env["AWS_ENDPOINT_URL"]]
        return [
            *command,
            *("--ca", stack.server_state / "ca.pem", "--state-dir", stack.directory / f"agent-{name}"),
        ]


@pytest.fixture
def stack(openssh: None, tmp_path: Path, aws_cli: AwsCli) -> Iterator[AwsStack]:
    settings = write_settings(tmp_path, an_issuer())
    stack = AwsStack(tmp_path, aws_cli, server_options=("--instance-identity-file", str(settings)))
    try:
        stack.start_server()
        stack.env.update(SLOW_MACHINES)
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def cloud(stack: AwsStack) -> Iterator[Cloud]:
    with MetadataServiceOfTests({}) as service:
        cloud = Cloud(service, stack)
        cloud.start_machine(datetime.now(UTC))
        yield cloud


def test_the_documentations_policy_leads_by_ssh_to_an_instance_until_it_is_removed(
    stack: AwsStack, cloud: Cloud
) -> None:
    stack.run(*cloud.registration(AGENT))
    site = Site(stack, stack.start_agent(AGENT), stack.add_ssh_server())
    assert site.node_id == INSTANCE_ID
    _is_listed_as_aws_lists_instances(site)
    _the_published_allow_is_for_the_instance_it_names(site)
    _the_id_belongs_to_the_first_key(site, cloud)


def _is_listed_as_aws_lists_instances(site: Site) -> None:
    listed = site.stack.aws("ssm", "describe-instance-information")["InstanceInformationList"]
    (instance,) = listed
    assert (instance["InstanceId"], instance["ResourceType"]) == (INSTANCE_ID, "EC2Instance")
    assert (instance["SourceId"], instance["SourceType"]) == (INSTANCE_ID, "AWS::EC2::Instance")
    assert instance.keys().isdisjoint({"ActivationId", "IamRole", "RegistrationDate", "Name"})
    filters = ("--filters", "Key=ResourceType,Values=ManagedInstance")
    assert site.stack.aws("ssm", "describe-instance-information", *filters)["InstanceInformationList"] == []


def _the_published_allow_is_for_the_instance_it_names(site: Site) -> None:
    aws = site.stack.aws
    aws("iam", "create-user", "--user-name", "carol")
    key = aws("iam", "create-access-key", "--user-name", "carol")["AccessKey"]
    carol = {
        **site.stack.env,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    put = ("iam", "put-user-policy", "--user-name", "carol", "--policy-name", "ssh", "--policy-document")
    aws(*put, ALLOW_SSH)
    refused = site.ssh("proxy", INSTANCE_ID, "true", env=carol)
    assert f":instance/{INSTANCE_ID} because no identity-based policy allows" in refused.stderr
    aws(*put, ALLOW_SSH.replace("instance-id", INSTANCE_ID))
    for client in ("aws", "proxy"):
        assert site.ssh(client, INSTANCE_ID, "echo in", env=carol) == Done(0, "in\n", "")


def _the_id_belongs_to_the_first_key(site: Site, cloud: Cloud) -> None:
    def one_line(done: Done) -> str:
        assert (done.status, done.stdout) == (1, "")
        (line,) = done.stderr.splitlines()
        return line

    again = cloud.registration("another")
    assert "InstanceAlreadyRegistered" in one_line(site.call(*again))
    assert site.ssh("proxy", INSTANCE_ID, "true").status == 0
    site.stack.run("fairlead", "instances", "deregister", INSTANCE_ID)
    wait_until(lambda: not site.stack.is_connected(INSTANCE_ID), "the end of the removed node")
    assert "InstanceAlreadyRegistered" in one_line(site.call(*again))
    granted = site.stack.run("fairlead", "instances", "allow-registration", INSTANCE_ID)
    assert f"{INSTANCE_ID} may register once with another key" in granted
    cloud.start_machine(datetime.now(UTC) - timedelta(days=1))
    assert "too old" in one_line(site.call(*again))
    activation = site.stack.aws("ssm", "create-activation", "--iam-role", "service-role/FairleadNode")
    more = ["--activation-id", activation["ActivationId"], "--activation-code", activation["ActivationCode"]]
    assert f"registered as {INSTANCE_ID}" in site.stack.run(*again, *more)
    site.stack.start_agent("another")
    assert site.ssh("proxy", INSTANCE_ID, "echo back") == Done(0, "back\n", "")
