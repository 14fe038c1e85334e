"""Session documents of accounts: their versions, their limits and where they are kept.

What a text says is `document_schema`'s; here a text is what is given back, byte for byte.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.scope import Scope

MAX_DOCUMENTS = 500
"""Of one account in one region, as in AWS."""
MAX_VERSIONS = 1000
"""Of one document, as in AWS. Counted are those that were not deleted."""
MAX_TAGS_PER_DOCUMENT = 50
RESERVED_PREFIXES = ("aws", "amazon", "amzn")
"""No account's document has a name that begins like this, in any case: it would look like one of AWS's."""


def has_reserved_name(name: str) -> bool:
    """True for names that only AWS may give."""
    return name.lower().startswith(RESERVED_PREFIXES)


def sha256_of(content: str) -> str:
    """Of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """A document of an account, without its texts. The name is unique in account and region, with its case.

    Version numbers count from 1 and are never used again.
    """

    name: str
    scope: Scope
    default_version: int
    latest_version: int
    """The highest number that there is."""
    last_number: int
    """The highest number that was ever given."""
    created_at: datetime
    target_type: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    """Keys and values, ordered by key."""

    @property
    def next_version(self) -> int:
        """The number of the next version."""
        return self.last_number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSummary:
    """One version of a document, without its text."""

    number: int
    form: DocumentFormat
    created_at: datetime
    name: str | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersion(VersionSummary):
    """One version of a document. `content` is its text as it was given."""

    content: str


class DocumentRepository(Protocol):
    """Where documents of accounts are kept."""

    def add(self, document: StoredDocument, version: DocumentVersion) -> None:
        """Store a document with its first version. Raises DocumentAlreadyExists."""
        ...

    def get(self, scope: Scope, name: str, *, to_change: bool = False) -> StoredDocument | None:
        """`to_change`: until the transaction ends nobody else gets the document to change it."""
        ...

    def with_default_version(
        self, scope: Scope, name: str
    ) -> tuple[StoredDocument, DocumentVersion] | None: ...
    def count(self, scope: Scope) -> int: ...
    def all(self, scope: Scope) -> list[tuple[StoredDocument, VersionSummary]]:
        """Every document with its default version, in no order; there are `MAX_DOCUMENTS` at most."""
        ...

    def delete(self, document: StoredDocument) -> None:
        """With all its versions."""
        ...

    def set_tags(self, document: StoredDocument, tags: Mapping[str, str]) -> None:
        """Replace all tags."""
        ...

    def set_default_version(self, document: StoredDocument, number: int) -> None: ...
    def version(self, document: StoredDocument, number: int) -> DocumentVersion | None: ...
    def version_named(self, document: StoredDocument, name: str) -> DocumentVersion | None: ...
    def versions(
        self, document: StoredDocument, before_number: int | None, limit: int
    ) -> list[VersionSummary]:
        """Newest first, those with a lower number than `before_number`."""
        ...

    def count_versions(self, document: StoredDocument) -> int: ...
    def add_version(
        self, document: StoredDocument, version: DocumentVersion, target_type: str | None
    ) -> None:
        """Store a version under `next_version`; `target_type`: the document's from now on."""
        ...

    def delete_version(self, document: StoredDocument, number: int) -> None:
        """The newest of the others becomes the latest version."""
        ...
