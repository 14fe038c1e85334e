from dataclasses import replace

import pytest

from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.documents import SessionType
from fairlead.domain.errors import DocumentAlreadyExists
from fairlead.domain.scope import Scope
from fairlead.domain.stored_documents import DocumentVersion, VersionSummary
from fairlead.store.store import SqlStore
from tests.support.factories import SCOPE, a_document_version, a_session, a_stored_document

ELSEWHERE = Scope(SCOPE.account_id, "eu-central-1")
DOCUMENT = a_stored_document(target_type="/AWS::SSM::ManagedInstance")


def summary(version: DocumentVersion) -> VersionSummary:
    return VersionSummary(
        number=version.number,
        form=version.form,
        created_at=version.created_at,
        name=version.name,
        display_name=version.display_name,
    )


def test_a_document_is_found_by_its_name_as_it_is_written(store: SqlStore) -> None:
    with store.transaction() as work:
        work.documents.add(DOCUMENT, a_document_version())
        work.documents.add(replace(DOCUMENT, scope=ELSEWHERE), a_document_version())
        assert work.documents.get(SCOPE, DOCUMENT.name, to_change=True) == DOCUMENT
        assert work.documents.with_default_version(SCOPE, DOCUMENT.name) == (DOCUMENT, a_document_version())
        assert work.documents.get(SCOPE, DOCUMENT.name.lower()) is None
        assert work.documents.with_default_version(SCOPE, "Nothing") is None
        with pytest.raises(DocumentAlreadyExists, match="Custom-Port already exists"):
            work.documents.add(DOCUMENT, a_document_version())
        assert work.documents.count(SCOPE) == 1


def test_all_documents_come_with_their_default_versions(store: SqlStore) -> None:
    second = a_document_version(number=2, name=None, form=DocumentFormat.YAML, display_name="two")
    with store.transaction() as work:
        work.documents.add(DOCUMENT, a_document_version())
        work.documents.add(a_stored_document(name="Other"), a_document_version())
        work.documents.add_version(DOCUMENT, second, "/new")
        work.documents.set_default_version(DOCUMENT, 2)
        found = {document.name: (document, version) for document, version in work.documents.all(SCOPE)}
        now = replace(DOCUMENT, default_version=2, latest_version=2, last_number=2, target_type="/new")
        assert found == {
            DOCUMENT.name: (now, summary(second)),
            "Other": (a_stored_document(name="Other"), summary(a_document_version())),
        }


def test_versions_are_read_by_number_or_name_and_listed_newest_first(store: SqlStore) -> None:
    with store.transaction() as work:
        work.documents.add(DOCUMENT, a_document_version())
        for number in (2, 3, 4):
            work.documents.add_version(DOCUMENT, a_document_version(number=number, name=None), None)
        assert work.documents.version(DOCUMENT, 1) == a_document_version()
        assert work.documents.version_named(DOCUMENT, "first") == a_document_version()
        assert work.documents.version(DOCUMENT, 5) is work.documents.version_named(DOCUMENT, "x") is None
        assert [each.number for each in work.documents.versions(DOCUMENT, None, 3)] == [4, 3, 2]
        assert [each.number for each in work.documents.versions(DOCUMENT, 2, 3)] == [1]
        assert work.documents.count_versions(DOCUMENT) == 4


def test_a_deleted_version_leaves_its_number_behind(store: SqlStore) -> None:
    with store.transaction() as work:
        work.documents.add(DOCUMENT, a_document_version())
        work.documents.add_version(DOCUMENT, a_document_version(number=2, name="two"), None)
        work.documents.delete_version(DOCUMENT, 2)
        now = work.documents.get(SCOPE, DOCUMENT.name)
        assert now is not None
        assert (now.latest_version, now.last_number, now.next_version) == (1, 2, 3)


def test_a_deleted_document_is_gone_and_others_stay(store: SqlStore) -> None:
    with store.transaction() as work:
        for scope in (SCOPE, ELSEWHERE):
            work.documents.add(replace(DOCUMENT, scope=scope), a_document_version())
        work.documents.delete(DOCUMENT)
        assert work.documents.get(SCOPE, DOCUMENT.name) is None
        assert work.documents.get(ELSEWHERE, DOCUMENT.name) is not None
        work.documents.add(DOCUMENT, a_document_version())


def test_tags_are_replaced(store: SqlStore) -> None:
    with store.transaction() as work:
        work.documents.add(DOCUMENT, a_document_version())
        work.documents.set_tags(DOCUMENT, {"b": "2", "a": "1"})
        now = work.documents.get(SCOPE, DOCUMENT.name)
        assert now is not None
        assert now.tags == (("a", "1"), ("b", "2"))


def test_what_a_session_keeps_of_its_document_comes_back(store: SqlStore) -> None:
    session = a_session(
        session_type=SessionType.STANDARD_STREAM,
        parameters={"names": ["a", "b"]},
        idle_timeout_minutes=5,
        max_duration_minutes=60,
        document={"description": "", "inputs": {"runAsEnabled": True}, "parameters": {}},
    )
    with store.transaction() as work:
        work.sessions.add(session)
        work.sessions.add(a_session(id="other"))
        assert work.sessions.find(session.id) == session
        assert work.sessions.find("other") == a_session(id="other")
