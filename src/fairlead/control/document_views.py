"""Documents as the API shows them, those of AWS and those of the account alike."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fairlead.control.document_lookup import read_stored
from fairlead.domain.aws_documents import OWNER
from fairlead.domain.document_parameters import Parameter
from fairlead.domain.document_text import DocumentFormat, read_text, write_text
from fairlead.domain.documents import SCHEMA_VERSION, SessionDocument
from fairlead.domain.operations import documents as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument, VersionSummary, sha256_of

ACTIVE = "Active"
DOCUMENT_TYPE = "Session"
PLATFORMS = ("Linux", "MacOS", "Windows")
_ONLY_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A document in one version, whoever owns it. When AWS made its documents is not told."""

    document: SessionDocument
    owner: str
    number: int
    form: DocumentFormat
    content: str
    default_version: int
    latest_version: int
    created_at: datetime | None = None
    version_name: str | None = None
    display_name: str | None = None
    target_type: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def text_as(self, form: DocumentFormat) -> str:
        """The text: as it was given, if it was given in this form."""
        if form is self.form:
            return self.content
        return write_text(read_text(self.content, self.form), form)


def edition_of_aws(document: SessionDocument) -> Edition:
    """The only version of a document that AWS owns."""
    return Edition(
        document=document,
        owner=OWNER,
        number=_ONLY_VERSION,
        form=DocumentFormat.JSON,
        content=document.content_text(),
        default_version=_ONLY_VERSION,
        latest_version=_ONLY_VERSION,
    )


def edition_of(stored: StoredDocument, version: DocumentVersion) -> Edition:
    """A version of a document of the account."""
    return Edition(
        document=read_stored(stored.name, version.content, version.form),
        owner=stored.scope.account_id,
        number=version.number,
        form=version.form,
        content=version.content,
        default_version=stored.default_version,
        latest_version=stored.latest_version,
        created_at=version.created_at,
        version_name=version.name,
        display_name=version.display_name,
        target_type=stored.target_type,
        tags=stored.tags,
    )


def description(edition: Edition, status: str = ACTIVE) -> operations.DocumentDescription:
    """What a version is, without its text."""
    document = edition.document
    return operations.DocumentDescription(
        hash=sha256_of(edition.content),
        hash_type="Sha256",
        name=document.name,
        display_name=edition.display_name,
        version_name=edition.version_name,
        owner=edition.owner,
        created_date=edition.created_at,
        status=status,
        document_version=str(edition.number),
        description=document.description or None,
        parameters=tuple(_parameter(name, each) for name, each in document.parameters.items()) or None,
        platform_types=PLATFORMS,
        document_type=DOCUMENT_TYPE,
        schema_version=SCHEMA_VERSION,
        latest_version=str(edition.latest_version),
        default_version=str(edition.default_version),
        document_format=edition.form.value,
        target_type=edition.target_type,
        tags=shown_tags(edition.tags),
    )


def text_in_form(edition: Edition, form: DocumentFormat) -> operations.GetDocumentResponse:
    """A version with its text."""
    return operations.GetDocumentResponse(
        name=edition.document.name,
        created_date=edition.created_at,
        display_name=edition.display_name,
        version_name=edition.version_name,
        document_version=str(edition.number),
        status=ACTIVE,
        content=edition.text_as(form),
        document_type=DOCUMENT_TYPE,
        document_format=form.value,
    )


def identifier_of_aws(document: SessionDocument) -> operations.DocumentIdentifier:
    """A listed document of AWS's."""
    return operations.DocumentIdentifier(
        name=document.name,
        owner=OWNER,
        platform_types=PLATFORMS,
        document_version=str(_ONLY_VERSION),
        document_type=DOCUMENT_TYPE,
        schema_version=SCHEMA_VERSION,
        document_format=DocumentFormat.JSON.value,
        tags=(),
    )


def identifier_of(stored: StoredDocument, default: VersionSummary) -> operations.DocumentIdentifier:
    """A listed document of the account, in its default version."""
    return operations.DocumentIdentifier(
        name=stored.name,
        created_date=stored.created_at,
        display_name=default.display_name,
        owner=stored.scope.account_id,
        version_name=default.name,
        platform_types=PLATFORMS,
        document_version=str(default.number),
        document_type=DOCUMENT_TYPE,
        schema_version=SCHEMA_VERSION,
        document_format=default.form.value,
        target_type=stored.target_type,
        tags=shown_tags(stored.tags),
    )


def version_info(name: str, version: VersionSummary, *, is_default: bool) -> operations.DocumentVersionInfo:
    """A listed version of a document of the account."""
    return operations.DocumentVersionInfo(
        name=name,
        display_name=version.display_name,
        document_version=str(version.number),
        version_name=version.name,
        created_date=version.created_at,
        is_default_version=is_default,
        document_format=version.form.value,
        status=ACTIVE,
    )


def only_version_info(document: SessionDocument) -> operations.DocumentVersionInfo:
    """The listed version of a document of AWS's."""
    return operations.DocumentVersionInfo(
        name=document.name,
        document_version=str(_ONLY_VERSION),
        is_default_version=True,
        document_format=DocumentFormat.JSON.value,
        status=ACTIVE,
    )


def shown_tags(tags: Iterable[tuple[str, str]]) -> tuple[Tag, ...]:
    """Tags as the API shows them."""
    return tuple(Tag(key=key, value=value) for key, value in tags)


def _parameter(name: str, parameter: Parameter) -> operations.DocumentParameter:
    default = parameter.default
    return operations.DocumentParameter(
        name=name,
        type=parameter.type.value,
        description=parameter.description or None,
        default_value=default if default is None or isinstance(default, str) else json.dumps(default),
    )
