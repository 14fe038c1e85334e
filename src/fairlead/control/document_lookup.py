"""Documents as sessions and policies need them: found by a reference, read, with their tags and times."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from fairlead.control.authorization import ResourceContext
from fairlead.control.references import DocumentReference
from fairlead.control.resource_tags import document_tag_keys
from fairlead.domain.document_parameters import ParameterValue
from fairlead.domain.document_schema import read_session_document
from fairlead.domain.document_text import DocumentFormat, read_text
from fairlead.domain.documents import DEFAULT_DOCUMENT, SessionDocument, SessionType, substitute
from fairlead.domain.scope import Scope
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument
from fairlead.domain.unit_of_work import UnitOfWork

_KEPT_DOCUMENTS = 32

RUN_SHELL = SessionDocument(
    name=DEFAULT_DOCUMENT,
    description="Document to hold regional settings for Session Manager",
    session_type=SessionType.STANDARD_STREAM,
    inputs={
        "s3BucketName": "",
        "s3KeyPrefix": "",
        "s3EncryptionEnabled": True,
        "cloudWatchLogGroupName": "",
        "cloudWatchEncryptionEnabled": True,
    },
)
"""The shell preferences of an account that has set none."""


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """What a reference names. Its text is read when the document is needed, which is after access to it has
    been decided."""

    reference: DocumentReference
    constant: SessionDocument | None = None
    """A document that AWS owns, or the shell preferences of an account that has set none."""
    stored: StoredDocument | None = None
    version: DocumentVersion | None = None
    """The default version of `stored`."""

    @property
    def tags(self) -> ResourceContext:
        """Its tags as context keys of its ARN."""
        return document_tag_keys(self.reference.arn, self.stored)

    def require(self) -> SessionDocument:
        """The document. Raises DocumentNotFound."""
        if self.constant is not None:
            return self.constant
        if self.version is None:
            raise self.reference.not_found()
        return read_stored(self.reference.name, self.version.content, self.version.form)


def find_document(uow: UnitOfWork, scope: Scope, reference: DocumentReference) -> FoundDocument:
    """Look up what a reference names, in its default version."""
    if reference.of_aws is not None:
        return FoundDocument(reference, reference.of_aws)
    found = uow.documents.with_default_version(scope, reference.name) if reference.is_own_arn else None
    if found is not None:
        stored, version = found
        return FoundDocument(reference, None, stored, version)
    return FoundDocument(reference, RUN_SHELL if reference.is_default else None)


@lru_cache(_KEPT_DOCUMENTS)
def read_stored(name: str, content: str, form: DocumentFormat) -> SessionDocument:
    """The document that a text says which was checked when it was stored."""
    return read_session_document(name, read_text(content, form))


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """When a session ends by itself, in minutes; None where nobody says."""

    idle: int | None
    max_duration: int | None


def session_times(uow: UnitOfWork, scope: Scope, document: SessionDocument) -> SessionTimes:
    """What the document says; where it says nothing, what the account's shell preferences say."""
    idle, max_duration = document.idle_timeout_minutes, document.max_duration_minutes
    if document.name != DEFAULT_DOCUMENT and (idle is None or max_duration is None):
        preferences = _preferences(uow, scope)
        idle = preferences.idle_timeout_minutes if idle is None else idle
        max_duration = preferences.max_duration_minutes if max_duration is None else max_duration
    return SessionTimes(idle, max_duration)


def _preferences(uow: UnitOfWork, scope: Scope) -> SessionDocument:
    found = uow.documents.with_default_version(scope, DEFAULT_DOCUMENT)
    if found is None:
        return RUN_SHELL
    _, version = found
    return read_stored(DEFAULT_DOCUMENT, version.content, version.form)


def sent_document(
    document: SessionDocument, parameters: Mapping[str, ParameterValue]
) -> Mapping[str, Any] | None:  # Any: JSON
    """What is kept with a session of a document that AWS does not own: what its agent is sent besides the
    properties. A session to a port has nothing that is logged, so its agent needs no inputs.

    Raises InvalidParameters.
    """
    if document.is_aws_owned:
        return None
    texts = {
        name: declared for name, declared in document.parameters.items() if isinstance(parameters[name], str)
    }
    inputs = {} if document.session_type is SessionType.PORT else document.inputs
    return {
        "description": document.description,
        "inputs": substitute(inputs, parameters),
        "parameters": {name: each.content() for name, each in texts.items()},
    }
