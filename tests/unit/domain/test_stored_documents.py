"""Documents of accounts."""

import pytest

from fairlead.domain.stored_documents import has_reserved_name, sha256_of
from tests.support.factories import a_stored_document


@pytest.mark.parametrize("name", ["AWS-Mine", "aws", "Amazon-x", "AMZN.y", "AWSEC2-Launch", "awssupport"])
def test_names_that_begin_like_those_of_aws_are_reserved(name):
    assert has_reserved_name(name)


@pytest.mark.parametrize("name", ["SSM-SessionManagerRunShell", "My-AWS", "draws"])
def test_other_names_are_not(name):
    assert not has_reserved_name(name)


def test_numbers_of_deleted_versions_are_not_given_again():
    assert a_stored_document(latest_version=2, last_number=5).next_version == 6


def test_the_hash_is_of_the_bytes():
    assert sha256_of("é") == "4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c"
