"""Who may: the policies of the Session Manager documentation, through the AWS CLI and ssh."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.interop.conftest import Done, Site

pytestmark = pytest.mark.interop

# The two statements of the documentation, to the letter.
ALLOW_ON_INSTANCE = """{
      "Version": "2012-10-17",
      "Statement": [
          {
              "Effect": "Allow",
              "Action": "ssm:StartSession",
              "Resource": [
                  "arn:aws:ec2:*:*:instance/instance-id",
                  "arn:aws:ssm:*:*:document/AWS-StartSSHSession"
              ]
          }
      ]
  }"""
DENY_SSH = """{
      "Version": "2012-10-17",
      "Statement": [
          {
              "Sid": "VisualEditor1",
              "Effect": "Deny",
              "Action": "ssm:StartSession",
              "Resource": "arn:aws:ssm:*:*:document/AWS-StartSSHSession"
          }
      ]
  }"""
ADMINISTRATOR = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'


@dataclass(frozen=True, slots=True)
class Person:
    """A user of their own with an access key, and the environment in which their commands run."""

    site: Site
    name: str
    env: dict[str, str]

    def put_policy(self, name: str, document: str) -> None:
        """Attach an inline policy, as Option 2 of the documentation does."""
        self.site.stack.aws(
            *("iam", "put-user-policy", "--user-name", self.name),
            *("--policy-name", name, "--policy-document", document),
        )

    def delete_policy(self, name: str) -> None:
        """Take it away again."""
        self.site.stack.aws("iam", "delete-user-policy", "--user-name", self.name, "--policy-name", name)

    def ssh(self, client: str = "proxy") -> Done:
        """What `ssh NODE true` says to this person."""
        return self.site.ssh(client, self.site.node_id, "true", env=self.env)


@pytest.fixture
def alice(site: Site) -> Iterator[Person]:
    site.stack.aws("iam", "create-user", "--user-name", "alice")
    key = site.stack.aws("iam", "create-access-key", "--user-name", "alice")["AccessKey"]
    person = Person(
        site,
        "alice",
        {
            **site.stack.env,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        },
    )
    yield person
    for name in site.stack.aws("iam", "list-user-policies", "--user-name", "alice")["PolicyNames"]:
        person.delete_policy(name)
    site.stack.aws(
        *("iam", "delete-access-key", "--user-name", "alice", "--access-key-id", key["AccessKeyId"])
    )
    site.stack.aws("iam", "delete-user", "--user-name", "alice")


def allow(*resources: str) -> str:
    """An Allow of StartSession on these resources."""
    statement = {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": list(resources)}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


SSH_DOCUMENT = "arn:aws:ssm:*:*:document/AWS-StartSSHSession"


def managed_instance(site: Site) -> str:
    """The ARN of the node in a policy."""
    return f"arn:aws:ssm:*:*:managed-instance/{site.node_id}"


def test_without_an_allow_ssh_is_refused_with_the_services_words(alice: Person, client: str) -> None:
    done = alice.ssh(client)
    assert done.status == 255
    assert "is not authorized to perform: ssm:StartSession on resource: " in done.stderr
    assert "because no identity-based policy allows the ssm:StartSession action" in done.stderr


def test_an_allow_on_node_and_document_lets_ssh_in_and_its_removal_out(alice: Person, client: str) -> None:
    alice.put_policy("ssh", allow(managed_instance(alice.site), SSH_DOCUMENT))
    assert alice.ssh(client).status == 0
    alice.delete_policy("ssh")
    assert alice.ssh(client).status == 255


def test_an_allow_on_the_node_alone_is_refused_naming_the_document(alice: Person) -> None:
    alice.put_policy("ssh", allow(managed_instance(alice.site)))
    done = alice.ssh()
    assert done.status == 255
    assert "on resource: arn:aws:ssm:us-east-1::document/AWS-StartSSHSession" in done.stderr


def test_the_documentations_allow_names_an_instance_and_so_no_hybrid_node(alice: Person) -> None:
    alice.put_policy("ssh", ALLOW_ON_INSTANCE)
    done = alice.ssh()
    assert done.status == 255
    assert "managed-instance/" in done.stderr


def test_the_documentations_deny_beats_an_administrators_allow(alice: Person, client: str) -> None:
    alice.put_policy("all", ADMINISTRATOR)
    assert alice.ssh(client).status == 0
    alice.put_policy("no-ssh", DENY_SSH)
    done = alice.ssh(client)
    assert done.status == 255
    assert "with an explicit deny in an identity-based policy" in done.stderr


def test_a_policy_is_given_back_as_it_was_stored(alice: Person) -> None:
    alice.put_policy("no-ssh", DENY_SSH)
    command = ("iam", "get-user-policy", "--user-name", "alice", "--policy-name", "no-ssh")
    stored = alice.site.stack.aws(*command)["PolicyDocument"]
    assert stored == json.loads(DENY_SSH)


def test_a_condition_that_cannot_be_evaluated_is_refused_when_it_is_stored(alice: Person) -> None:
    document = json.loads(ADMINISTRATOR)
    document["Statement"]["Condition"] = {"IpAddress": {"aws:SourceIp": "192.0.2.*"}}
    command = ("aws", "iam", "put-user-policy", "--user-name", "alice", "--policy-name", "p")
    done = alice.site.call(*command, "--policy-document", json.dumps(document))
    assert done.status == 255
    assert "(MalformedPolicyDocument)" in done.stderr
    assert "Condition: IpAddress needs" in done.stderr


def test_a_condition_on_the_address_decides(alice: Person) -> None:
    document = json.loads(ADMINISTRATOR)
    for network, is_allowed in (("192.0.2.0/24", False), ("127.0.0.0/8", True)):
        document["Statement"]["Condition"] = {"IpAddress": {"aws:SourceIp": network}}
        alice.put_policy("here", json.dumps(document))
        done = alice.site.call("aws", "iam", "list-users", env=alice.env)
        assert (done.status == 0) is is_allowed, done


def test_a_user_without_rights_can_still_ask_who_they_are(alice: Person) -> None:
    alice.put_policy(
        "none", '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}'
    )
    done = alice.site.call("aws", "sts", "get-caller-identity", env=alice.env)
    assert json.loads(done.stdout)["Arn"].endswith(":user/alice")
