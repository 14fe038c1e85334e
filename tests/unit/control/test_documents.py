"""Documents: made, changed, read in versions and forms, listed and deleted."""

import json

import pytest

from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.errors import (
    AccessDenied,
    DocumentAlreadyExists,
    DocumentLimitExceeded,
    DocumentNotFound,
    DocumentVersionLimitExceeded,
    DuplicateDocumentContent,
    DuplicateDocumentVersionName,
    InvalidDocumentContent,
    InvalidDocumentOperation,
    InvalidDocumentSchemaVersion,
    InvalidDocumentVersion,
    InvalidNextToken,
    InvalidRequest,
    MaxDocumentSizeExceeded,
    TooManyTags,
)
from fairlead.domain.operations import documents as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.stored_documents import MAX_DOCUMENTS, MAX_VERSIONS
from tests.support.control_world import policy, statement
from tests.support.factories import NOW, PORT_DOCUMENT, SCOPE, a_document_version, a_stored_document

YAML = """\
# kept as it is
schemaVersion: '1.0'
sessionType: Port
properties: {portNumber: "22"}
"""
ARN = "arn:aws:ssm:us-east-1:111122223333:document/Mine"


@pytest.fixture
def admin(world):
    return world.user()


def create(world, caller, name="Mine", content=PORT_DOCUMENT, **members):
    request = operations.CreateDocumentRequest(
        **{"name": name, "content": content, "document_type": "Session", **members}
    )
    return world.documents.create_document(caller, request).document_description


def update(world, caller, content, name="Mine", **members):
    request = operations.UpdateDocumentRequest(name=name, content=content, **members)
    return world.documents.update_document(caller, request).document_description


def get(world, caller, name="Mine", **members):
    return world.documents.get_document(caller, operations.GetDocumentRequest(name=name, **members))


def describe(world, caller, name="Mine", **members):
    request = operations.DescribeDocumentRequest(name=name, **members)
    return world.documents.describe_document(caller, request).document


def delete(world, caller, name="Mine", **members):
    world.documents.delete_document(caller, operations.DeleteDocumentRequest(name=name, **members))


def versions(world, caller, name="Mine", **members):
    request = operations.ListDocumentVersionsRequest(name=name, **members)
    return world.documents.list_document_versions(caller, request)


def set_default(world, caller, number, name="Mine"):
    request = operations.UpdateDocumentDefaultVersionRequest(name=name, document_version=number)
    return world.documents.update_document_default_version(caller, request).description


def changed(text):
    return json.dumps({**json.loads(PORT_DOCUMENT), "description": text})


# -- made --


def test_a_new_document_is_described_as_being_created_and_then_active(world, admin):
    made = create(
        world,
        admin,
        version_name="first",
        display_name="ssh to 2222",
        target_type="/AWS::SSM::ManagedInstance",
        tags=(Tag(key="Team", value="db"),),
    )
    assert (made.status, made.document_version, made.default_version, made.latest_version) == (
        "Creating",
        "1",
        "1",
        "1",
    )
    shown = describe(world, admin)
    assert (shown.status, shown.owner, shown.created_date) == ("Active", "111122223333", NOW)
    assert (shown.name, shown.version_name, shown.display_name) == ("Mine", "first", "ssh to 2222")
    assert (shown.document_type, shown.schema_version, shown.document_format) == ("Session", "1.0", "JSON")
    assert shown.platform_types == ("Linux", "MacOS", "Windows")
    assert shown.description == "ssh to port 2222"
    assert shown.tags == (Tag(key="Team", value="db"),)
    assert shown.target_type == "/AWS::SSM::ManagedInstance"
    assert (shown.hash_type, len(shown.hash)) == ("Sha256", 64)
    (parameter,) = shown.parameters
    assert (parameter.name, parameter.type, parameter.default_value) == ("portNumber", "String", "2222")


@pytest.mark.parametrize(
    ("members", "error", "text"),
    [
        ({"name": "AWS-Mine"}, InvalidRequest, "reserved"),
        ({"name": "amazonian"}, InvalidRequest, "reserved"),
        ({"document_type": None}, InvalidRequest, "the type Command, the default"),
        ({"document_type": "Automation"}, InvalidRequest, "type Automation are not served"),
        ({"document_format": "TEXT"}, InvalidRequest, "not as TEXT"),
        ({"attachments": (operations.AttachmentsSource(key="SourceUrl"),)}, InvalidRequest, "no attachments"),
        ({"requires": (operations.DocumentRequires(name="Other"),)}, InvalidRequest, "no other documents"),
        ({"content": "{"}, InvalidDocumentContent, "not JSON"),
        ({"content": "{}"}, InvalidDocumentSchemaVersion, "1.0"),
        ({"content": YAML}, InvalidDocumentContent, "not JSON"),
        ({"content": "x" * 65537}, MaxDocumentSizeExceeded, "65537 bytes"),
        ({"tags": tuple(Tag(key=f"k{n}", value="") for n in range(51))}, TooManyTags, "at most 50"),
        ({"tags": (Tag(key="aws:x", value=""),)}, InvalidRequest, "reserved"),
    ],
)
def test_what_cannot_be_a_document_is_refused_and_not_stored(world, admin, members, error, text):
    with pytest.raises(error, match=text):
        create(world, admin, **members)
    assert not world.store.tables.documents


def test_a_name_is_taken_once_and_has_its_case(world, admin):
    create(world, admin)
    create(world, admin, "mine")
    with pytest.raises(DocumentAlreadyExists, match="Mine already exists"):
        create(world, admin)


def test_an_account_has_so_many_documents_and_no_more(world, admin):
    with world.store.transaction() as uow:
        for number in range(MAX_DOCUMENTS):
            uow.documents.add(a_stored_document(name=f"d{number}"), a_document_version())
    with pytest.raises(DocumentLimitExceeded, match="500"):
        create(world, admin)


# -- texts --


@pytest.mark.parametrize(("content", "form"), [(PORT_DOCUMENT + "\n ", "JSON"), (YAML, "YAML")])
def test_a_text_comes_back_byte_for_byte_in_its_own_form(world, admin, content, form):
    create(world, admin, content=content, document_format=form)
    response = get(world, admin, document_format=form)
    assert (response.content, response.document_format, response.created_date) == (content, form, NOW)


def test_json_is_what_comes_unless_yaml_is_asked_for(world, admin):
    create(world, admin, content=YAML, document_format="YAML")
    as_json = get(world, admin)
    assert as_json.document_format == "JSON"
    assert json.loads(as_json.content)["properties"] == {"portNumber": "22"}
    create(world, admin, "Other")
    assert "sessionType: Port\n" in get(world, admin, "Other", document_format="YAML").content


def test_text_is_no_form_of_a_session_document(world, admin):
    create(world, admin)
    with pytest.raises(InvalidRequest, match="JSON or YAML"):
        get(world, admin, document_format="TEXT")


# -- versions --


def test_an_update_is_a_new_version_and_the_default_stays(world, admin):
    create(world, admin)
    made = update(world, admin, changed("two"), document_version="$LATEST", version_name="second")
    assert (made.status, made.document_version, made.latest_version, made.default_version) == (
        "Updating",
        "2",
        "2",
        "1",
    )
    assert get(world, admin).document_version == "1"
    assert get(world, admin, document_version="$DEFAULT").document_version == "1"
    assert get(world, admin, document_version="$LATEST").document_version == "2"
    assert get(world, admin, version_name="second").document_version == "2"
    assert describe(world, admin, document_version="2").description == "two"


@pytest.mark.parametrize("version", [None, "$LATEST", "2"])
def test_the_latest_version_can_be_updated_however_it_is_named(world, admin, version):
    create(world, admin)
    update(world, admin, changed("two"))
    assert update(world, admin, changed("three"), document_version=version).document_version == "3"


@pytest.mark.parametrize("version", ["1", "$DEFAULT", "3"])
def test_no_other_version_can_be_updated(world, admin, version):
    create(world, admin)
    update(world, admin, changed("two"))
    with pytest.raises(InvalidDocumentVersion, match=r"2 or \$LATEST"):
        update(world, admin, changed("three"), document_version=version)


def test_an_update_has_to_change_something_and_names_are_given_once(world, admin):
    create(world, admin, version_name="first")
    with pytest.raises(DuplicateDocumentContent, match="Version 1 of Mine"):
        update(world, admin, PORT_DOCUMENT)
    with pytest.raises(DuplicateDocumentVersionName, match="the name first"):
        update(world, admin, changed("two"), version_name="first")
    with pytest.raises(InvalidDocumentContent):
        update(world, admin, "{")


def test_a_document_has_so_many_versions_and_no_more(world, admin):
    stored = a_stored_document(name="Mine", latest_version=MAX_VERSIONS, last_number=MAX_VERSIONS)
    with world.store.transaction() as uow:
        uow.documents.add(stored, a_document_version())
        for number in range(2, MAX_VERSIONS + 1):
            uow.documents.add_version(stored, a_document_version(number=number, name=None), None)
    with pytest.raises(DocumentVersionLimitExceeded, match="1000 versions"):
        update(world, admin, changed("one more"))


def test_another_version_becomes_the_default(world, admin):
    create(world, admin)
    update(world, admin, changed("two"), version_name="second")
    now = set_default(world, admin, "2")
    assert (now.name, now.default_version, now.default_version_name) == ("Mine", "2", "second")
    assert get(world, admin).document_version == "2"


@pytest.mark.parametrize("number", ["2", "9" * 30])
def test_a_version_that_is_not_there_becomes_nothing(world, admin, number):
    create(world, admin)
    with pytest.raises(InvalidDocumentVersion, match=f"has no version {number}"):
        set_default(world, admin, number)


def test_versions_are_listed_newest_first_in_pages(world, admin):
    create(world, admin, version_name="first")
    for number in range(2, 6):
        update(world, admin, changed(f"{number}"))
    first = versions(world, admin, max_results=3)
    assert [each.document_version for each in first.document_versions] == ["5", "4", "3"]
    rest = versions(world, admin, max_results=3, next_token=first.next_token)
    assert [(each.document_version, each.is_default_version) for each in rest.document_versions] == [
        ("2", False),
        ("1", True),
    ]
    assert rest.document_versions[1].version_name == "first"
    assert rest.next_token is None
    create(world, admin, "Other")
    with pytest.raises(InvalidNextToken):
        versions(world, admin, "Other", next_token=first.next_token)


@pytest.mark.parametrize("selector", [{"document_version": "2"}, {"version_name": "nothing"}])
def test_a_version_that_is_not_there_is_not_read(world, admin, selector):
    create(world, admin)
    for read in (get, describe):
        with pytest.raises(InvalidDocumentVersion, match="has no version"):
            read(world, admin, **selector)


def test_two_selectors_are_refused(world, admin):
    create(world, admin, version_name="first")
    for use in (get, describe, delete):
        with pytest.raises(InvalidRequest, match="not both"):
            use(world, admin, document_version="1", version_name="first")


# -- deleted --


def test_a_deleted_document_is_gone_with_its_versions(world, admin):
    create(world, admin)
    update(world, admin, changed("two"))
    delete(world, admin)
    assert not world.store.tables.document_versions
    for use in (get, describe, delete, versions):
        with pytest.raises(DocumentNotFound, match="Document with name Mine does not exist"):
            use(world, admin)


def test_one_version_is_deleted_and_its_number_not_given_again(world, admin):
    create(world, admin)
    update(world, admin, changed("two"), version_name="second")
    delete(world, admin, version_name="second")
    assert describe(world, admin).latest_version == "1"
    assert update(world, admin, changed("three")).document_version == "3"


@pytest.mark.parametrize("selector", ["1", "$DEFAULT", "$LATEST"])
def test_the_default_version_is_not_deleted_by_itself(world, admin, selector):
    create(world, admin)
    with pytest.raises(InvalidDocumentOperation, match="default version"):
        delete(world, admin, document_version=selector)


# -- of AWS --


@pytest.mark.parametrize("name", AWS_OWNED_DOCUMENTS)
def test_every_aws_owned_document_can_be_read(world, admin, name):
    response = get(world, admin, name)
    assert (response.name, response.document_type, response.document_format) == (name, "Session", "JSON")
    assert (response.document_version, response.status) == ("1", "Active")
    assert json.loads(response.content) == AWS_OWNED_DOCUMENTS[name].content()
    shown = describe(world, admin, f"arn:aws:ssm:us-east-1::document/{name}")
    assert (shown.owner, shown.default_version, shown.latest_version) == ("Amazon", "1", "1")
    (version,) = versions(world, admin, name).document_versions
    assert (version.document_version, version.is_default_version) == ("1", True)


@pytest.mark.parametrize("version", ["$DEFAULT", "$LATEST", "1"])
def test_each_way_to_say_the_only_version(world, admin, version):
    assert get(world, admin, "AWS-StartSSHSession", document_version=version).document_version == "1"


@pytest.mark.parametrize("members", [{"document_version": "2"}, {"version_name": "first"}])
def test_another_version_of_it_is_not_there(world, admin, members):
    with pytest.raises(InvalidDocumentVersion, match="has no version"):
        get(world, admin, "AWS-StartSSHSession", **members)


def test_nobody_changes_what_amazon_owns(world, admin):
    name = "AWS-StartSSHSession"
    for change in (
        lambda: update(world, admin, PORT_DOCUMENT, name),
        lambda: delete(world, admin, name),
        lambda: set_default(world, admin, "1", name),
    ):
        with pytest.raises(InvalidDocumentOperation, match="owned by Amazon"):
            change()


# -- who may --


def test_every_operation_needs_the_right_to_the_document(world, admin):
    create(world, admin)
    nobody = world.user("bob", policy(statement("Allow", "ssm:*", ARN + "s-other")))
    for use in (
        lambda: create(world, nobody),
        lambda: update(world, nobody, changed("two")),
        lambda: get(world, nobody),
        lambda: describe(world, nobody),
        lambda: delete(world, nobody),
        lambda: versions(world, nobody),
        lambda: set_default(world, nobody, "1"),
    ):
        with pytest.raises(AccessDenied, match=f"on resource: {ARN} because"):
            use()
    with pytest.raises(AccessDenied, match=r"ssm:ListDocuments on resource: \* because"):
        world.documents.list_documents(nobody, operations.ListDocumentsRequest())


def test_access_is_denied_before_anything_is_said_about_what_exists(world):
    bob = world.user("bob", policy(statement("Allow", "ssm:GetDocument", "arn:aws:ssm:*:*:document/AWS-*")))
    get(world, bob, "AWS-StartSSHSession")
    with pytest.raises(AccessDenied, match="document/Nothing because"):
        get(world, bob, "Nothing")


def test_policies_see_the_tags_of_a_document_and_those_that_a_request_gives(world, admin):
    team = {"StringEquals": {"ssm:resourceTag/Team": "db"}}
    given = {
        "StringEquals": {"aws:RequestTag/Team": "db"},
        "ForAllValues:StringEquals": {"aws:TagKeys": "Team"},
    }
    caller = world.user(
        "dora",
        policy(
            {**statement("Allow", ["ssm:GetDocument", "ssm:UpdateDocument"]), "Condition": team},
            {**statement("Allow", "ssm:CreateDocument"), "Condition": given},
        ),
    )
    for tags in ((), (Tag(key="Team", value="web"),), (Tag(key="Team", value="db"), Tag(key="X", value=""))):
        with pytest.raises(AccessDenied):
            create(world, caller, tags=tags)
    create(world, caller, tags=(Tag(key="Team", value="db"),))
    update(world, caller, changed("two"))
    create(world, admin, "Untagged")
    with pytest.raises(AccessDenied):
        get(world, caller, "Untagged")


def test_documents_belong_to_a_region(world, admin):
    with world.store.transaction() as uow:
        elsewhere = a_stored_document(name="Mine", scope=type(SCOPE)(SCOPE.account_id, "eu-central-1"))
        uow.documents.add(elsewhere, a_document_version())
    with pytest.raises(DocumentNotFound):
        get(world, admin)
