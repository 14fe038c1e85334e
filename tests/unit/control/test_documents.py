"""GetDocument."""

import json

import pytest

from fairlead.domain.documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.errors import AccessDenied, DocumentNotFound, InvalidDocumentVersion, InvalidRequest
from fairlead.domain.operations.documents import GetDocumentRequest
from tests.support.control_world import policy, statement


def get(world, caller, name="AWS-StartSSHSession", **members):
    return world.documents.get_document(caller, GetDocumentRequest(name=name, **members))


@pytest.mark.parametrize("name", AWS_OWNED_DOCUMENTS)
def test_every_aws_owned_document_can_be_read(world, name):
    response = get(world, world.user(), name)
    assert (response.name, response.document_type, response.document_format) == (name, "Session", "JSON")
    assert (response.document_version, response.status) == ("1", "Active")
    assert json.loads(response.content) == AWS_OWNED_DOCUMENTS[name].content()


@pytest.mark.parametrize("version", ["$DEFAULT", "$LATEST", "1"])
def test_each_way_to_say_the_only_version(world, version):
    assert get(world, world.user(), document_version=version, document_format="JSON").document_version == "1"


@pytest.mark.parametrize("members", [{"document_version": "2"}, {"version_name": "first"}])
def test_another_version_is_not_there(world, members):
    with pytest.raises(InvalidDocumentVersion, match="has no version"):
        get(world, world.user(), **members)


def test_two_selectors_are_refused(world):
    with pytest.raises(InvalidRequest, match="not both"):
        get(world, world.user(), document_version="1", version_name="first")


@pytest.mark.parametrize("form", ["YAML", "TEXT"])
def test_another_form_is_refused(world, form):
    with pytest.raises(InvalidRequest, match=f"JSON only; {form} is not served yet"):
        get(world, world.user(), document_format=form)


def test_an_unknown_document_is_not_found(world):
    with pytest.raises(DocumentNotFound):
        get(world, world.user(), "Nothing")


def test_reading_needs_the_right_to_the_document(world):
    arn = "arn:aws:ssm:*:*:document/AWS-StartSSHSession"
    caller = world.user("alice", policy(statement("Allow", "ssm:GetDocument", arn)))
    get(world, caller)
    with pytest.raises(AccessDenied, match="document/Nothing because"):
        get(world, caller, "Nothing")
