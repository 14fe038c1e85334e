import pytest

from fairlead.aws import arn
from fairlead.aws.errors import MalformedArn

REGION, ACCOUNT = "eu-central-1", "123456789012"


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (
            arn.managed_instance(REGION, ACCOUNT, "mi-0123456789abcdef0"),
            "arn:aws:ssm:eu-central-1:123456789012:managed-instance/mi-0123456789abcdef0",
        ),
        (
            arn.ec2_instance(REGION, ACCOUNT, "i-0123456789abcdef0"),
            "arn:aws:ec2:eu-central-1:123456789012:instance/i-0123456789abcdef0",
        ),
        (
            arn.session(REGION, ACCOUNT, "ann-0a1b2c3d"),
            "arn:aws:ssm:eu-central-1:123456789012:session/ann-0a1b2c3d",
        ),
        (
            arn.document(REGION, ACCOUNT, "SSM-SessionManagerRunShell"),
            "arn:aws:ssm:eu-central-1:123456789012:document/SSM-SessionManagerRunShell",
        ),
        (
            arn.aws_document(REGION, "AWS-StartSSHSession"),
            "arn:aws:ssm:eu-central-1::document/AWS-StartSSHSession",
        ),
        (
            arn.service_setting(REGION, ACCOUNT, "/ssm/managed-instance/activation-tier"),
            "arn:aws:ssm:eu-central-1:123456789012:servicesetting/ssm/managed-instance/activation-tier",
        ),
        (arn.root(ACCOUNT), "arn:aws:iam::123456789012:root"),
        (arn.user(ACCOUNT, "ann"), "arn:aws:iam::123456789012:user/ann"),
        (arn.user(ACCOUNT, "ann", "/ops/eu/"), "arn:aws:iam::123456789012:user/ops/eu/ann"),
        (
            arn.role(ACCOUNT, "FairleadNode", "/service-role/"),
            "arn:aws:iam::123456789012:role/service-role/FairleadNode",
        ),
        (arn.group(ACCOUNT, "ops"), "arn:aws:iam::123456789012:group/ops"),
        (arn.policy(ACCOUNT, "ssh"), "arn:aws:iam::123456789012:policy/ssh"),
        (
            arn.assumed_role(ACCOUNT, "FairleadNode", "mi-0123456789abcdef0"),
            "arn:aws:sts::123456789012:assumed-role/FairleadNode/mi-0123456789abcdef0",
        ),
    ],
)
def test_each_kind_of_resource_has_its_form_and_parses_back(built, text):
    assert str(built) == text
    assert arn.Arn.parse(text) == built


def test_the_prefix_of_a_node_id_decides_between_the_two_kinds_of_node():
    assert arn.node(REGION, ACCOUNT, "mi-1") == arn.managed_instance(REGION, ACCOUNT, "mi-1")
    assert arn.node(REGION, ACCOUNT, "i-1") == arn.ec2_instance(REGION, ACCOUNT, "i-1")


def test_colons_in_the_resource_stay_in_the_resource():
    parsed = arn.Arn.parse("arn:aws:logs:us-east-1:1:log-group:name:*")

    assert parsed.resource == "log-group:name:*"
    assert str(parsed) == "arn:aws:logs:us-east-1:1:log-group:name:*"


@pytest.mark.parametrize(
    "text",
    ["", "arn", "mi-0123", "arn:aws:ssm:us-east-1:1", "urn:aws:ssm:us-east-1:1:x", "ARN:aws:ssm:r:1:x"],
)
def test_text_without_the_six_parts_is_no_arn(text):
    with pytest.raises(MalformedArn, match=r"is not an ARN; expected arn:partition:service"):
        arn.Arn.parse(text)


@pytest.mark.parametrize("text", ["arn::ssm:r:1:x", "arn:aws::r:1:x", "arn:aws:ssm:r:1:"])
def test_partition_service_and_resource_may_not_be_empty(text):
    with pytest.raises(MalformedArn, match="lacks its partition, service or resource"):
        arn.Arn.parse(text)


def test_the_longest_arn_parses_and_a_longer_one_does_not():
    text = "arn:aws:ssm:r:1:".ljust(arn.MAX_LENGTH, "x")

    assert str(arn.Arn.parse(text)) == text
    with pytest.raises(MalformedArn, match="at most 2048 characters, this one has 2049"):
        arn.Arn.parse(text + "x")
