"""ListDocuments: filters and pages."""

import pytest

from fairlead.control.document_listing import MAX_FILTER_VALUES
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue, InvalidNextToken, InvalidRequest
from fairlead.domain.operations import documents as operations
from tests.support.factories import a_document_version, a_stored_document

OWN = ["Custom-Port", "db-ssh", "web-ssh"]
OF_AWS = sorted(AWS_OWNED_DOCUMENTS)


@pytest.fixture
def listed(world):
    admin = world.user()
    with world.store.transaction() as uow:
        for name in OWN:
            tags = (("Team", name.partition("-")[0]),)
            stored = a_stored_document(name=name, tags=tags, target_type=f"/{name}")
            uow.documents.add(stored, a_document_version())

    def listing(*filters, **members):
        if filters:
            members["filters"] = tuple(
                operations.DocumentKeyValuesFilter(key=key, values=tuple(values)) for key, *values in filters
            )
        return world.documents.list_documents(admin, operations.ListDocumentsRequest(**members))

    return listing


def names(response):
    return [item.name for item in response.document_identifiers]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [*OF_AWS, *OWN]),
        ([("Owner", "Self")], OWN),
        ([("Owner", "Private")], OWN),
        ([("Owner", "Amazon")], OF_AWS),
        ([("Owner", "Public")], OF_AWS),
        ([("Owner", "ThirdParty")], []),
        ([("Owner", "All"), ("Name", "AWS-StartSSH", "db")], ["AWS-StartSSHSession", "db-ssh"]),
        ([("DocumentType", "Session"), ("Owner", "Self")], OWN),
        ([("DocumentType", "Command")], []),
        ([("PlatformTypes", "Linux"), ("Owner", "Self")], OWN),
        ([("TargetType", "/db-ssh")], ["db-ssh"]),
        ([("tag:Team", "db", "web")], ["db-ssh", "web-ssh"]),
        ([("tag:Other", "db")], []),
    ],
)
def test_filters_combine_and_the_values_of_one_do_not(listed, filters, expected):
    assert names(listed(*filters)) == expected


def test_the_older_form_of_filters(listed):
    older = (
        operations.DocumentFilter(key="Name", value="web"),
        operations.DocumentFilter(key="Owner", value="Self"),
    )
    assert names(listed(document_filter_list=older)) == ["web-ssh"]
    with pytest.raises(InvalidRequest, match="not both"):
        listed(("Owner", "Self"), document_filter_list=older)


def test_filters_have_a_hundred_values_at_most(listed):
    names_wanted = [str(number) for number in range(MAX_FILTER_VALUES)]
    assert names(listed(("Name", *names_wanted))) == []
    with pytest.raises(InvalidFilterValue, match="100 values at most"):
        listed(("Name", *names_wanted), ("Owner", "Self"))
    older = (operations.DocumentFilter(key="Owner", value="Self"),) * (MAX_FILTER_VALUES + 1)
    with pytest.raises(InvalidFilterValue, match="100 values at most"):
        listed(document_filter_list=older)


@pytest.mark.parametrize("values", [[], ["self"], ["Self", "Amazon"]])
def test_the_owner_is_one_known_word(listed, values):
    with pytest.raises(InvalidFilterValue, match="Owner takes one of Self"):
        listed(("Owner", *values))


def test_an_unknown_key_is_refused_by_name(listed):
    with pytest.raises(InvalidFilterKey, match="SearchKeyword is not valid"):
        listed(("SearchKeyword", "ssh"))


def test_pages_follow_each_other_and_a_token_is_good_for_its_filters_only(listed):
    first = listed(max_results=6)
    second = listed(max_results=6, next_token=first.next_token)
    assert names(first) + names(second) == [*OF_AWS, *OWN]
    assert second.next_token is None
    with pytest.raises(InvalidNextToken):
        listed(("Owner", "Self"), next_token=first.next_token)


def test_an_entry_says_what_the_default_version_is(listed):
    (item,) = listed(("Name", "db")).document_identifiers
    assert (item.owner, item.document_version, item.version_name) == ("111122223333", "1", "first")
    assert (item.document_format, item.schema_version, item.document_type) == ("JSON", "1.0", "Session")
    assert item.tags[0].value == "db"
