"""Session documents of accounts in SQL."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.errors import DocumentAlreadyExists
from fairlead.domain.scope import Scope
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument, VersionSummary
from fairlead.store.tables import document_versions as versions
from fairlead.store.tables import documents

_SUMMARY = (
    versions.c.number,
    versions.c.form,
    versions.c.version_name,
    versions.c.display_name,
    versions.c.created_at.label("version_created_at"),
)
_WITH_DEFAULT = documents.join(
    versions,
    and_(
        versions.c.account_id == documents.c.account_id,
        versions.c.region == documents.c.region,
        versions.c.document == documents.c.name,
        versions.c.number == documents.c.default_version,
    ),
)
# Made once, because making it takes longer than running it: every start of a session asks for one.
_DOCUMENT_WITH_DEFAULT = (
    select(*documents.c, *_SUMMARY, versions.c.content)
    .select_from(_WITH_DEFAULT)
    .where(
        documents.c.account_id == bindparam("of_account"),
        documents.c.region == bindparam("of_region"),
        documents.c.name == bindparam("of_name"),
    )
)
_Row = Row[*tuple[Any, ...]]  # Any: as the columns are


class SqlDocuments:
    """domain.stored_documents.DocumentRepository over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, document: StoredDocument, version: DocumentVersion) -> None:
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    insert(documents).values(
                        account_id=document.scope.account_id,
                        region=document.scope.region,
                        name=document.name,
                        default_version=document.default_version,
                        latest_version=document.latest_version,
                        last_number=document.last_number,
                        created_at=document.created_at,
                        target_type=document.target_type,
                        tags=dict(document.tags),
                    )
                )
        except IntegrityError as error:
            raise DocumentAlreadyExists(f"Document with name {document.name} already exists.") from error
        self._insert(document, version)

    def get(self, scope: Scope, name: str, *, to_change: bool = False) -> StoredDocument | None:
        statement = select(documents).where(_in_scope(scope), documents.c.name == name)
        if to_change:
            statement = statement.with_for_update()  # not needed in SQLite, and left out there: one writer
        row = self._connection.execute(statement).one_or_none()
        return None if row is None else _document(row)

    def with_default_version(self, scope: Scope, name: str) -> tuple[StoredDocument, DocumentVersion] | None:
        names = {"of_account": scope.account_id, "of_region": scope.region, "of_name": name}
        row = self._connection.execute(_DOCUMENT_WITH_DEFAULT, names).one_or_none()
        return None if row is None else (_document(row), _version(row))

    def count(self, scope: Scope) -> int:
        statement = select(func.count()).select_from(documents).where(_in_scope(scope))
        return self._connection.scalar(statement) or 0

    def all(self, scope: Scope) -> list[tuple[StoredDocument, VersionSummary]]:
        statement = select(*documents.c, *_SUMMARY).select_from(_WITH_DEFAULT).where(_in_scope(scope))
        return [(_document(row), _summary(row)) for row in self._connection.execute(statement)]

    def delete(self, document: StoredDocument) -> None:
        self._connection.execute(delete(versions).where(_of(document)))
        self._connection.execute(delete(documents).where(_is(document)))

    def set_tags(self, document: StoredDocument, tags: Mapping[str, str]) -> None:
        self._connection.execute(update(documents).where(_is(document)).values(tags=dict(tags)))

    def set_default_version(self, document: StoredDocument, number: int) -> None:
        self._connection.execute(update(documents).where(_is(document)).values(default_version=number))

    def version(self, document: StoredDocument, number: int) -> DocumentVersion | None:
        return self._one_version(
            select(*_SUMMARY, versions.c.content).where(versions.c.number == number), document
        )

    def version_named(self, document: StoredDocument, name: str) -> DocumentVersion | None:
        return self._one_version(
            select(*_SUMMARY, versions.c.content).where(versions.c.version_name == name), document
        )

    def _one_version(
        self, statement: Select[*tuple[Any, ...]], document: StoredDocument
    ) -> DocumentVersion | None:
        row = self._connection.execute(statement.where(_of(document))).one_or_none()
        return None if row is None else _version(row)

    def versions(
        self, document: StoredDocument, before_number: int | None, limit: int
    ) -> list[VersionSummary]:
        statement = select(*_SUMMARY).where(_of(document)).order_by(versions.c.number.desc()).limit(limit)
        if before_number is not None:
            statement = statement.where(versions.c.number < before_number)
        return [_summary(row) for row in self._connection.execute(statement)]

    def count_versions(self, document: StoredDocument) -> int:
        statement = select(func.count()).select_from(versions).where(_of(document))
        return self._connection.scalar(statement) or 0

    def add_version(
        self, document: StoredDocument, version: DocumentVersion, target_type: str | None
    ) -> None:
        self._insert(document, version)
        self._connection.execute(
            update(documents)
            .where(_is(document))
            .values(latest_version=version.number, last_number=version.number, target_type=target_type)
        )

    def delete_version(self, document: StoredDocument, number: int) -> None:
        self._connection.execute(delete(versions).where(_of(document), versions.c.number == number))
        newest = select(func.max(versions.c.number)).where(_of(document)).scalar_subquery()
        self._connection.execute(update(documents).where(_is(document)).values(latest_version=newest))

    def _insert(self, document: StoredDocument, version: DocumentVersion) -> None:
        self._connection.execute(
            insert(versions).values(
                account_id=document.scope.account_id,
                region=document.scope.region,
                document=document.name,
                number=version.number,
                form=version.form.value,
                version_name=version.name,
                display_name=version.display_name,
                created_at=version.created_at,
                content=version.content,
            )
        )


def _in_scope(scope: Scope) -> ColumnElement[bool]:
    return and_(documents.c.account_id == scope.account_id, documents.c.region == scope.region)


def _is(document: StoredDocument) -> ColumnElement[bool]:
    return and_(_in_scope(document.scope), documents.c.name == document.name)


def _of(document: StoredDocument) -> ColumnElement[bool]:
    """The versions of a document."""
    return and_(
        versions.c.account_id == document.scope.account_id,
        versions.c.region == document.scope.region,
        versions.c.document == document.name,
    )


def _document(row: _Row) -> StoredDocument:
    return StoredDocument(
        name=row.name,
        scope=Scope(row.account_id, row.region),
        default_version=row.default_version,
        latest_version=row.latest_version,
        last_number=row.last_number,
        created_at=row.created_at,
        target_type=row.target_type,
        tags=tuple(sorted(row.tags.items())),
    )


def _summary(row: _Row) -> VersionSummary:
    return VersionSummary(
        number=row.number,
        form=DocumentFormat(row.form),
        created_at=row.version_created_at,
        name=row.version_name,
        display_name=row.display_name,
    )


def _version(row: _Row) -> DocumentVersion:
    return DocumentVersion(
        number=row.number,
        form=DocumentFormat(row.form),
        created_at=row.version_created_at,
        name=row.version_name,
        display_name=row.display_name,
        content=row.content,
    )
