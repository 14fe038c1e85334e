"""Readers of Session documents, which anybody writes who may make one."""

from fairlead.domain.document_patterns import UnusablePattern, matches
from fairlead.domain.document_schema import read_session_document
from fairlead.domain.document_text import DocumentFormat, read_text, write_text
from fairlead.domain.errors import (
    InvalidDocumentContent,
    InvalidDocumentSchemaVersion,
    InvalidParameters,
    MaxDocumentSizeExceeded,
)
from tests.support.factories import PORT_DOCUMENT

REFUSALS = (
    InvalidDocumentContent,
    InvalidDocumentSchemaVersion,
    InvalidParameters,
    MaxDocumentSizeExceeded,
    UnusablePattern,
)


def read_json(data: bytes) -> None:
    """A document in JSON, and what it makes of a value."""
    _read(data, DocumentFormat.JSON)


def read_yaml(data: bytes) -> None:
    """The same in YAML."""
    _read(data, DocumentFormat.YAML)


def read_pattern(data: bytes) -> None:
    """A pattern, with itself as the value."""
    text = data.decode("utf-8", "replace")
    matches(text, text)


def _read(data: bytes, form: DocumentFormat) -> None:
    members = read_text(data.decode("utf-8", "replace"), form)
    for other in DocumentFormat:
        assert read_text(write_text(members, other), other) == members
    document = read_session_document("Fuzzed", members)
    document.resolve_parameters({name: ["22"] for name in document.parameters})


def json_seeds() -> list[bytes]:
    return [PORT_DOCUMENT.encode(), b"{}"]


def yaml_seeds() -> list[bytes]:
    as_yaml = write_text(read_text(PORT_DOCUMENT, DocumentFormat.JSON), DocumentFormat.YAML)
    return [as_yaml.encode(), b"a: [1, {b: c}]"]


def pattern_seeds() -> list[bytes]:
    return [rb"^([1-9]|[1-9][0-9]{1,3})$", rb"[^,$^&()!;\[\]|#=]{3,}", rb"\p{L}+"]
