"""Managed policies that AWS owns and that people attach by their ARN: constants, like AWS-owned documents.

Source: AWS Managed Policy Reference. Actions of services that are not served here stay in, so that the texts
mean the same; they allow nothing more.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from fairlead.domain.managed_policies import ManagedPolicy

OWNER = "aws"


@dataclass(frozen=True, slots=True)
class AwsManagedPolicy:
    """A policy of AWS and its text in force."""

    policy: ManagedPolicy
    document: str


def _policy(
    name: str, policy_id: str, created: datetime, description: str, *statements: object
) -> AwsManagedPolicy:
    policy = ManagedPolicy(
        id=policy_id,
        account_id=OWNER,
        name=name,
        path="/",
        default_version=1,
        created_at=created,
        updated_at=created,
        description=description,
    )
    return AwsManagedPolicy(policy, json.dumps({"Version": "2012-10-17", "Statement": statements}))


def _allow(*actions: str) -> object:
    return {"Effect": "Allow", "Action": actions, "Resource": "*"}


_ALL = (
    _policy(
        "AdministratorAccess",
        "ANPAIWMBCKSKIEE64ZLYK",
        datetime(2015, 2, 6, 18, 39, 46, tzinfo=UTC),
        "Provides full access to AWS services and resources.",
        _allow("*"),
    ),
    _policy(
        "AmazonSSMManagedInstanceCore",
        "ANPAIXSHM2BNB2D3AXXRU",
        datetime(2019, 3, 15, 17, 22, 12, tzinfo=UTC),
        "The policy for Amazon EC2 Role to enable AWS Systems Manager service core functionality.",
        _allow(
            "ssm:DescribeAssociation",
            "ssm:GetDeployablePatchSnapshotForInstance",
            "ssm:GetDocument",
            "ssm:DescribeDocument",
            "ssm:GetManifest",
            "ssm:GetParameter",
            "ssm:GetParameters",
            "ssm:ListAssociations",
            "ssm:ListInstanceAssociations",
            "ssm:PutInventory",
            "ssm:PutComplianceItems",
            "ssm:PutConfigurePackageResult",
            "ssm:UpdateAssociationStatus",
            "ssm:UpdateInstanceAssociationStatus",
            "ssm:UpdateInstanceInformation",
        ),
        _allow(
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
        ),
        _allow(
            "ec2messages:AcknowledgeMessage",
            "ec2messages:DeleteMessage",
            "ec2messages:FailMessage",
            "ec2messages:GetEndpoint",
            "ec2messages:GetMessages",
            "ec2messages:SendReply",
        ),
    ),
    _policy(
        "AmazonSSMReadOnlyAccess",
        "ANPAJODSKQGGJTHRYZ5FC",
        datetime(2015, 5, 29, 17, 44, 19, tzinfo=UTC),
        "Provides read only access to Amazon SSM.",
        _allow("ssm:Describe*", "ssm:Get*", "ssm:List*"),
    ),
)

AWS_MANAGED_POLICIES: Mapping[str, AwsManagedPolicy] = {each.policy.arn: each for each in _ALL}
"""By ARN, `arn:aws:iam::aws:policy/<name>`."""
