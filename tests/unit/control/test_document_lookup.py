"""Finding documents, and what they say about times."""

import json

import pytest

from fairlead.control.document_lookup import RUN_SHELL, find_document, session_times
from fairlead.control.references import document_reference
from fairlead.domain.document_schema import read_session_document
from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.errors import DocumentNotFound
from tests.support.factories import PORT_DOCUMENT, SCOPE, a_document_version, a_stored_document

PREFERENCES = json.dumps(
    {
        "schemaVersion": "1.0",
        "sessionType": "Standard_Stream",
        "inputs": {"idleSessionTimeout": "7", "maxSessionDuration": "60"},
    }
)


def find(world, name):
    caller = world.user(f"user-{name.rpartition('/')[2]}")
    with world.store.read() as uow:
        return find_document(uow, SCOPE, document_reference(caller, name))


def store(world, name="Custom-Port", content=PORT_DOCUMENT, **changes):
    with world.store.transaction() as uow:
        uow.documents.add(a_stored_document(name=name), a_document_version(content=content, **changes))


def times(world, document):
    with world.store.read() as uow:
        found = session_times(uow, SCOPE, document)
        return found.idle, found.max_duration


def test_documents_of_aws_have_no_tags(world):
    found = find(world, "AWS-StartSSHSession")
    assert (found.require().name, found.stored, found.tags) == ("AWS-StartSSHSession", None, {})


def test_a_document_of_the_account_comes_in_its_default_version_with_its_tags(world):
    store(world)
    found = find(world, "Custom-Port")
    assert found.require().description == "ssh to port 2222"
    (keys,) = found.tags.values()
    assert keys["ssm:resourceTag/Team"] == keys["aws:ResourceTag/Team"] == "db"


def test_yaml_is_read_as_yaml(world):
    text = "schemaVersion: '1.0'\nsessionType: Port\nproperties: {portNumber: '22'}\n"
    store(world, content=text, form=DocumentFormat.YAML)
    assert find(world, "Custom-Port").require().properties == {"portNumber": "22"}


@pytest.mark.parametrize("name", ["Nothing", "arn:aws:ssm:us-east-1:999999999999:document/Custom-Port"])
def test_what_is_not_there_is_said_when_it_is_needed(world, name):
    store(world)
    found = find(world, name)
    assert found.tags == {}
    with pytest.raises(DocumentNotFound):
        found.require()


def test_shell_preferences_that_nobody_has_set_have_defaults(world):
    assert find(world, "SSM-SessionManagerRunShell").require() is RUN_SHELL
    read = read_session_document(RUN_SHELL.name, RUN_SHELL.content())
    assert read.content() == RUN_SHELL.content()


def test_the_accounts_preferences_fill_in_what_a_document_leaves_open(world):
    document = find(world, "AWS-StartSSHSession").require()
    assert times(world, document) == (None, None)
    store(world, "SSM-SessionManagerRunShell", PREFERENCES)
    assert times(world, document) == (7, 60)
    assert times(world, find(world, "SSM-SessionManagerRunShell").require()) == (7, 60)
