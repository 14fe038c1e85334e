"""Names of documents, and the ARN that policies are asked about."""

import pytest

from fairlead.control.references import document_reference

SSH_ARN = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"


@pytest.fixture
def caller(world):
    return world.user()


@pytest.mark.parametrize("given", ["AWS-StartSSHSession", SSH_ARN])
def test_name_and_arn_name_the_same_document(caller, given):
    reference = document_reference(caller, given)
    assert reference.arn == SSH_ARN
    assert reference.of_aws.name == "AWS-StartSSHSession"
    assert reference.is_own_arn


def test_any_other_name_is_the_accounts_own(caller):
    reference = document_reference(caller, "Mine")
    assert reference.arn == "arn:aws:ssm:us-east-1:111122223333:document/Mine"
    assert reference.is_own_arn
    assert reference.of_aws is None
    assert str(reference.not_found()) == "Document with name Mine does not exist."


@pytest.mark.parametrize(
    "given",
    [
        SSH_ARN.replace("::", ":111122223333:"),
        SSH_ARN.replace("us-east-1", "eu-central-1"),
        SSH_ARN.replace("document/", ""),
        SSH_ARN.replace("aws:ssm", "aws-cn:ssm"),
        SSH_ARN.replace("AWS-S", "aws-s"),
        "document/AWS-StartSSHSession",
    ],
)
def test_an_arn_that_is_not_the_documents_own_finds_nothing(caller, given):
    reference = document_reference(caller, given)
    assert reference.of_aws is None
    assert reference.is_own_arn is (given == "document/AWS-StartSSHSession")


def test_policies_are_asked_about_a_foreign_arn_as_it_was_given(caller):
    foreign = SSH_ARN.replace("::", ":999999999999:")
    assert document_reference(caller, foreign).arn == foreign


@pytest.mark.parametrize(
    ("given", "is_default"),
    [
        ("SSM-SessionManagerRunShell", True),
        ("arn:aws:ssm:us-east-1:111122223333:document/SSM-SessionManagerRunShell", True),
        ("arn:aws:ssm:us-east-1:999999999999:document/SSM-SessionManagerRunShell", False),
        ("AWS-StartSSHSession", False),
    ],
)
def test_the_document_of_preferences_is_the_accounts_own(caller, given, is_default):
    assert document_reference(caller, given).is_default is is_default
