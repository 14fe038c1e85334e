"""Documents of accounts in memory, with the behaviour of the SQL store."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fairlead.domain.errors import DocumentAlreadyExists
from fairlead.domain.scope import Scope
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument, VersionSummary

if TYPE_CHECKING:
    from tests.support.memory_store import Tables


class MemoryDocuments:
    """domain.stored_documents.DocumentRepository."""

    def __init__(self, tables: "Tables") -> None:
        self._tables = tables

    def add(self, document: StoredDocument, version: DocumentVersion) -> None:
        if self.get(document.scope, document.name) is not None:
            raise DocumentAlreadyExists(f"Document with name {document.name} already exists.")
        self._put(document)
        self._tables.document_versions[(*_key(document), version.number)] = version

    def get(self, scope: Scope, name: str, *, to_change: bool = False) -> StoredDocument | None:
        return self._tables.documents.get((scope, name))

    def with_default_version(self, scope: Scope, name: str) -> tuple[StoredDocument, DocumentVersion] | None:
        document = self.get(scope, name)
        if document is None:
            return None
        return document, self._tables.document_versions[(*_key(document), document.default_version)]

    def count(self, scope: Scope) -> int:
        return len(self.all(scope))

    def all(self, scope: Scope) -> list[tuple[StoredDocument, VersionSummary]]:
        return [
            (document, self._tables.document_versions[(*_key(document), document.default_version)])
            for document in self._tables.documents.values()
            if document.scope == scope
        ]

    def delete(self, document: StoredDocument) -> None:
        for version in self._versions(document):
            del self._tables.document_versions[(*_key(document), version.number)]
        del self._tables.documents[_key(document)]

    def set_tags(self, document: StoredDocument, tags: Mapping[str, str]) -> None:
        self._put(replace(self._now(document), tags=tuple(sorted(tags.items()))))

    def set_default_version(self, document: StoredDocument, number: int) -> None:
        self._put(replace(self._now(document), default_version=number))

    def version(self, document: StoredDocument, number: int) -> DocumentVersion | None:
        return self._tables.document_versions.get((*_key(document), number))

    def version_named(self, document: StoredDocument, name: str) -> DocumentVersion | None:
        return next((version for version in self._versions(document) if version.name == name), None)

    def versions(
        self, document: StoredDocument, before_number: int | None, limit: int
    ) -> list[VersionSummary]:
        found: list[VersionSummary] = sorted(
            self._versions(document), key=lambda version: version.number, reverse=True
        )
        return [each for each in found if before_number is None or each.number < before_number][:limit]

    def count_versions(self, document: StoredDocument) -> int:
        return len(self._versions(document))

    def add_version(
        self, document: StoredDocument, version: DocumentVersion, target_type: str | None
    ) -> None:
        self._tables.document_versions[(*_key(document), version.number)] = version
        changed = replace(self._now(document), latest_version=version.number, last_number=version.number)
        self._put(replace(changed, target_type=target_type))

    def delete_version(self, document: StoredDocument, number: int) -> None:
        del self._tables.document_versions[(*_key(document), number)]
        latest = max(version.number for version in self._versions(document))
        self._put(replace(self._now(document), latest_version=latest))

    def _versions(self, document: StoredDocument) -> list[DocumentVersion]:
        rows = self._tables.document_versions.items()
        return [version for (*key, _), version in rows if tuple(key) == _key(document)]

    def _now(self, document: StoredDocument) -> StoredDocument:
        return self._tables.documents[_key(document)]

    def _put(self, document: StoredDocument) -> None:
        self._tables.documents[_key(document)] = document


def _key(document: StoredDocument) -> tuple[Scope, str]:
    return document.scope, document.name
