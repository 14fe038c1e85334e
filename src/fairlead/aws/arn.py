"""Amazon Resource Names: taking them apart and building the ones that we hand out.

`arn:partition:service:region:account:resource`; region and account may be empty, and the resource may
contain colons. Whether a resource exists, and wildcard matching, are left to `policy` and `control`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairlead.aws.errors import MalformedArn, excerpt

PARTITION = "aws"

MAX_LENGTH = 2048
"""Characters in an ARN: the `arnType` of the IAM service model."""

_PARTS = 6


@dataclass(frozen=True, slots=True)
class Arn:
    """The parts of one ARN; `str()` joins them again."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Take an ARN apart. Raises MalformedArn."""
        if len(text) > MAX_LENGTH:
            raise MalformedArn(f"An ARN has at most {MAX_LENGTH} characters, this one has {len(text)}.")
        parts = text.split(":", _PARTS - 1)
        if len(parts) != _PARTS or parts[0] != "arn":
            raise MalformedArn(
                f"'{excerpt(text)}' is not an ARN; expected arn:partition:service:region:account-id:resource."
            )
        _, partition, service, region, account, resource = parts
        if not partition or not service or not resource:
            raise MalformedArn(f"ARN '{excerpt(text)}' lacks its partition, service or resource.")
        return cls(partition, service, region, account, resource)

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"


def managed_instance(region: str, account: str, instance_id: str) -> Arn:
    """A hybrid node (`mi-…`)."""
    return Arn(PARTITION, "ssm", region, account, f"managed-instance/{instance_id}")


def ec2_instance(region: str, account: str, instance_id: str) -> Arn:
    """A node with an EC2 instance id (`i-…`)."""
    return Arn(PARTITION, "ec2", region, account, f"instance/{instance_id}")


def node(region: str, account: str, node_id: str) -> Arn:
    """A node by its id: the prefix `mi-` makes it a managed instance, any other an EC2 instance."""
    build = managed_instance if node_id.startswith("mi-") else ec2_instance
    return build(region, account, node_id)


def session(region: str, account: str, session_id: str) -> Arn:
    """A session of the account."""
    return Arn(PARTITION, "ssm", region, account, f"session/{session_id}")


def document(region: str, account: str, name: str) -> Arn:
    """A document that the account owns."""
    return Arn(PARTITION, "ssm", region, account, f"document/{name}")


def aws_document(region: str, name: str) -> Arn:
    """A document that AWS owns (`AWS-StartSSHSession`): its account part is empty."""
    return Arn(PARTITION, "ssm", region, "", f"document/{name}")


def service_setting(region: str, account: str, setting_id: str) -> Arn:
    """A service setting, such as `/ssm/managed-instance/activation-tier`; its id begins with a slash."""
    return Arn(PARTITION, "ssm", region, account, f"servicesetting{setting_id}")


def root(account: str) -> Arn:
    """The account itself as a principal."""
    return Arn(PARTITION, "iam", "", account, "root")


def user(account: str, name: str, path: str = "/") -> Arn:
    """An IAM user. IAM paths begin and end with a slash."""
    return Arn(PARTITION, "iam", "", account, f"user{path}{name}")


def role(account: str, name: str, path: str = "/") -> Arn:
    """An IAM role."""
    return Arn(PARTITION, "iam", "", account, f"role{path}{name}")


def group(account: str, name: str, path: str = "/") -> Arn:
    """An IAM group."""
    return Arn(PARTITION, "iam", "", account, f"group{path}{name}")


def policy(account: str, name: str, path: str = "/") -> Arn:
    """An IAM managed policy of the account."""
    return Arn(PARTITION, "iam", "", account, f"policy{path}{name}")


def mfa_device(account: str, name: str, path: str = "/") -> Arn:
    """A virtual MFA device; its ARN is its serial number."""
    return Arn(PARTITION, "iam", "", account, f"mfa{path}{name}")


def assumed_role(account: str, role_name: str, session_name: str) -> Arn:
    """A role session: the role's path is left out, as STS does."""
    return Arn(PARTITION, "sts", "", account, f"assumed-role/{role_name}/{session_name}")
