"""The two policies that AWS's page on SSH publishes, to the letter: by Option 1 (a managed policy, changed by
versions and attached) and by Option 2 (inline), for a user, a group and the sessions of a role."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from fairlead.testing.calls import CallFailed, call_ssm
from tests.interop.conftest import Done, Site
from tests.support.ssh_policies import ADMINISTRATOR, ALLOW_SSH, DENY_SSH

pytestmark = pytest.mark.interop

KINDS = ("user", "group", "role")
PLACEHOLDER = "arn:aws:ec2:*:*:instance/instance-id"
SSH_DOCUMENT = "AWS-StartSSHSession"
NO_ALLOW = "because no identity-based policy allows the ssm:StartSession action"
EXPLICIT_DENY = "with an explicit deny in an identity-based policy"
ROLE = "SshUsers"
PERSON = "carol"


@dataclass
class Place:
    """What a policy is put on (`kind` and `name`), and somebody whom it concerns.

    `attached` is what hangs on it, by ARN, for the end of the test.
    """

    site: Site
    kind: str
    name: str
    env: dict[str, str]
    attached: set[str] = field(default_factory=set)

    def iam(self, verb: str, *arguments: str) -> dict[str, object]:
        """`aws iam VERB`, where `{}` stands for the kind, with its name."""
        return self.site.stack.aws(
            "iam", verb.format(self.kind), f"--{self.kind}-name", self.name, *arguments
        )

    def ssh(self, client: str) -> Done:
        """What `ssh NODE true` says."""
        return self.site.ssh(client, self.site.node_id, "true", env=self.env)


def new_place(site: Site, kind: str) -> Place:
    """Somebody without rights: a user, a member of a group, or a session of a role."""
    aws = site.stack.aws
    if kind == "role":
        trust = {"Effect": "Allow", "Principal": {"AWS": account(site)}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": trust})
        aws("iam", "create-role", "--role-name", ROLE, "--assume-role-policy-document", document)
        return Place(site, kind, ROLE, assume(site))
    aws("iam", "create-user", "--user-name", PERSON)
    key = aws("iam", "create-access-key", "--user-name", PERSON)["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    if kind == "group":
        aws("iam", "create-group", "--group-name", "ssh-users")
        aws("iam", "add-user-to-group", "--group-name", "ssh-users", "--user-name", PERSON)
    return Place(site, kind, PERSON if kind == "user" else "ssh-users", {**site.stack.env, **own})


def account(site: Site) -> str:
    """The account's id."""
    return str(site.stack.aws("sts", "get-caller-identity")["Account"])


def assume(site: Site, *options: str) -> dict[str, str]:
    """The environment of a session of the role."""
    arn = f"arn:aws:iam::{account(site)}:role/{ROLE}"
    command = ("sts", "assume-role", "--role-arn", arn, "--role-session-name", "nightly", *options)
    given = site.stack.aws(*command)["Credentials"]
    return {
        **site.stack.env,
        "AWS_ACCESS_KEY_ID": given["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": given["SecretAccessKey"],
        "AWS_SESSION_TOKEN": given["SessionToken"],
    }


def remove(place: Place) -> None:
    """As if it had never been."""
    for name in place.iam("list-{}-policies")["PolicyNames"]:
        place.iam("delete-{}-policy", "--policy-name", name)
    for arn in place.attached:
        place.iam("detach-{}-policy", "--policy-arn", arn)
    aws = place.site.stack.aws
    if place.kind == "role":
        aws("iam", "delete-role", "--role-name", ROLE)
        return
    if place.kind == "group":
        aws("iam", "remove-user-from-group", "--group-name", place.name, "--user-name", PERSON)
        aws("iam", "delete-group", "--group-name", place.name)
    for key in aws("iam", "list-access-keys", "--user-name", PERSON)["AccessKeyMetadata"]:
        aws("iam", "delete-access-key", "--user-name", PERSON, "--access-key-id", key["AccessKeyId"])
    aws("iam", "delete-user", "--user-name", PERSON)


@pytest.fixture(params=KINDS)
def place(site: Site, request: pytest.FixtureRequest) -> Iterator[Place]:
    place = new_place(site, request.param)
    yield place
    remove(place)


@pytest.fixture
def carol(site: Site) -> Iterator[Place]:
    place = new_place(site, "user")
    yield place
    remove(place)


class Managed:
    """Option 1: a policy of its own, attached; changed by a new version that becomes the one in force."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._arns: dict[str, str] = {}

    def write(self, name: str, document: str) -> None:
        """Create and attach it, or change it."""
        aws = self._place.site.stack.aws
        if name in self._arns:
            command = ("iam", "create-policy-version", "--policy-arn", self._arns[name], "--set-as-default")
            aws(*command, "--policy-document", document)
            return
        created = aws("iam", "create-policy", "--policy-name", name, "--policy-document", document)
        self._arns[name] = created["Policy"]["Arn"]
        self._place.iam("attach-{}-policy", "--policy-arn", self._arns[name])
        self._place.attached.add(self._arns[name])

    def remove(self, name: str) -> None:
        """Detach it."""
        self._place.iam("detach-{}-policy", "--policy-arn", self._arns[name])
        self._place.attached.remove(self._arns[name])

    def names(self) -> list[str]:
        """What is attached."""
        listed = self._place.iam("list-attached-{}-policies")["AttachedPolicies"]
        return sorted(policy["PolicyName"] for policy in listed)

    def delete_all(self) -> None:
        """The policies themselves."""
        aws = self._place.site.stack.aws
        for name, arn in self._arns.items():
            if arn in self._place.attached:
                self.remove(name)
            for version in aws("iam", "list-policy-versions", "--policy-arn", arn)["Versions"]:
                if not version["IsDefaultVersion"]:
                    command = ("iam", "delete-policy-version", "--policy-arn", arn)
                    aws(*command, "--version-id", version["VersionId"])
            aws("iam", "delete-policy", "--policy-arn", arn)


class Inline:
    """Option 2: a policy within the user, the group or the role."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def write(self, name: str, document: str) -> None:
        """Put it there, or put another one in its place."""
        self._place.iam("put-{}-policy", "--policy-name", name, "--policy-document", document)

    def remove(self, name: str) -> None:
        """Delete it."""
        self._place.iam("delete-{}-policy", "--policy-name", name)

    def names(self) -> list[str]:
        """What is there."""
        return list(self._place.iam("list-{}-policies")["PolicyNames"])

    def delete_all(self) -> None:
        """`remove(place)` does it."""


@pytest.fixture(params=[Managed, Inline])
def option(place: Place, request: pytest.FixtureRequest) -> Iterator[Managed | Inline]:
    option = request.param(place)
    yield option
    option.delete_all()


def for_the_node(site: Site) -> str:
    """The published Allow with the name of a node in the place of the placeholder."""
    return ALLOW_SSH.replace(PLACEHOLDER, f"arn:aws:ssm:*:*:managed-instance/{site.node_id}")


def test_the_published_policies_allow_and_forbid_ssh(place: Place, option: Managed | Inline) -> None:
    option.write("ssh", ALLOW_SSH)
    refused = place.ssh("proxy")
    assert refused.status == 255
    assert NO_ALLOW in refused.stderr  # `instance-id` is a placeholder, and literal if it is left
    option.write("ssh", for_the_node(place.site))
    assert place.ssh("aws") == Done(0, "", "")
    option.write("no-ssh", DENY_SSH)
    assert option.names() == ["no-ssh", "ssh"]
    refused = place.ssh("aws" if place.kind == "user" else "proxy")  # the AWS CLI takes its time
    assert refused.status == 255
    assert f":document/{SSH_DOCUMENT} {EXPLICIT_DENY}" in refused.stderr
    option.remove("no-ssh")
    assert place.ssh("proxy").status == 0
    option.remove("ssh")
    assert option.names() == []
    assert NO_ALLOW in place.ssh("proxy").stderr


def test_the_published_allow_with_an_instance_id_is_for_that_instance(carol: Place) -> None:
    instance = "i-0123456789abcdef0"
    Inline(carol).write("ssh", ALLOW_SSH.replace("instance-id", instance))
    assert start(carol, instance, SSH_DOCUMENT) == "TargetNotConnected"  # allowed; there is no such node
    assert start(carol, "i-0fedcba9876543210", SSH_DOCUMENT) == "AccessDeniedException"


def test_the_published_deny_leaves_an_administrators_other_documents_alone(carol: Place) -> None:
    inline = Inline(carol)
    inline.write("all", ADMINISTRATOR)
    inline.write("no-ssh", DENY_SSH)
    unknown = "i-0123456789abcdef0"
    assert start(carol, unknown, SSH_DOCUMENT) == "AccessDeniedException"
    for document in ("AWS-StartPortForwardingSession", None):
        assert start(carol, unknown, document) != "AccessDeniedException"


def test_the_quickstart_policy_gives_ssh_and_the_end_of_own_sessions_only(carol: Place) -> None:
    node = f"arn:aws:ssm:*:*:managed-instance/{carol.site.node_id}"
    statements = [
        {
            "Effect": "Allow",
            "Action": "ssm:StartSession",
            "Resource": [node, f"arn:aws:ssm:*:*:document/{SSH_DOCUMENT}"],
            "Condition": {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}},
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:DescribeSessions", "ssm:GetConnectionStatus"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": ["ssm:TerminateSession", "ssm:ResumeSession"],
            "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*",
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    Inline(carol).write("quickstart", document)
    assert carol.ssh("proxy").status == 0
    own, other = (
        call_ssm(env["AWS_ENDPOINT_URL"], env, "StartSession", request)["SessionId"]
        for request in [{"Target": carol.site.node_id, "DocumentName": SSH_DOCUMENT}]
        for env in (carol.env, carol.site.stack.env)
    )
    terminate = ("aws", "ssm", "terminate-session", "--session-id")
    refused = carol.site.call(*terminate, other, env=carol.env)
    assert "(AccessDeniedException)" in refused.stderr
    assert f":session/{other} because no identity-based policy allows" in refused.stderr
    assert carol.site.call(*terminate, own, env=carol.env).status == 0
    carol.site.stack.call_ssm("TerminateSession", {"SessionId": other})


def start(place: Place, target: str, document: str | None) -> str | None:
    """The code of the error that StartSession ends with, or None."""
    members = {"Target": target} | ({} if document is None else {"DocumentName": document})
    try:
        call_ssm(place.env["AWS_ENDPOINT_URL"], place.env, "StartSession", members)
    except CallFailed as failed:
        return failed.code
    return None


NOTHING_OF_SSH = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}'
ALL_BUT_SSH = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [json.loads(ADMINISTRATOR)["Statement"], *json.loads(DENY_SSH)["Statement"]],
    }
)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (NOTHING_OF_SSH, "because no permissions boundary allows the ssm:StartSession action"),
        (ALL_BUT_SSH, "with an explicit deny in a permissions boundary"),
    ],
    ids=["no allow", "deny"],
)
def test_a_refusal_by_a_boundary_says_so_in_one_line(carol: Place, document: str, reason: str) -> None:
    Inline(carol).write("all", ADMINISTRATOR)
    aws = carol.site.stack.aws
    created = aws("iam", "create-policy", "--policy-name", "limit", "--policy-document", document)
    arn = created["Policy"]["Arn"]
    try:
        carol.iam("put-{}-permissions-boundary", "--permissions-boundary", arn)
        assert reason in only_line(carol.ssh("proxy"))
        carol.iam("delete-{}-permissions-boundary")
        assert carol.ssh("proxy").status == 0
    finally:
        aws("iam", "delete-policy", "--policy-arn", arn)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (NOTHING_OF_SSH, "because no session policy allows the ssm:StartSession action"),
        (ALL_BUT_SSH, "with an explicit deny in a session policy"),
    ],
    ids=["no allow", "deny"],
)
def test_a_refusal_by_a_session_policy_says_so_in_one_line(site: Site, document: str, reason: str) -> None:
    role = new_place(site, "role")
    try:
        Inline(role).write("all", ADMINISTRATOR)
        role.env = assume(site, "--policy", document)
        line = only_line(role.ssh("proxy"))
        assert reason in line
        assert f":assumed-role/{ROLE}/nightly is not authorized to perform: ssm:StartSession" in line
    finally:
        remove(role)


def only_line(refused: Done) -> str:
    """What `fairlead proxy` says, without ssh's own last word."""
    assert refused.status == 255
    (line,) = (
        line
        for line in refused.stderr.splitlines()
        if "kex_exchange_identification" not in line and not line.startswith("Connection closed")
    )
    return line
