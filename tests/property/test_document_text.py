"""Texts of documents: what is written is read again, and any text is read or refused."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.document_schema import read_session_document
from fairlead.domain.document_text import DocumentFormat, read_text, write_text
from fairlead.domain.errors import (
    InvalidDocumentContent,
    InvalidDocumentSchemaVersion,
    MaxDocumentSizeExceeded,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(TEXTS, VALUES, max_size=5)
MEMBERS = st.fixed_dictionaries(
    {"schemaVersion": st.just("1.0"), "sessionType": st.sampled_from(["Port", "Standard_Stream"])},
    optional={
        "inputs": st.dictionaries(
            st.sampled_from(["idleSessionTimeout", "kmsKeyId", "x"]), VALUES, max_size=3
        ),
        "parameters": st.dictionaries(
            st.sampled_from(["p", "q_"]),
            st.dictionaries(
                st.sampled_from(["type", "default", "allowedPattern", "minChars", "allowedValues"]),
                st.sampled_from(["String", "StringList", "(", "[a-z]+", 3, ["a"]]) | VALUES,
                max_size=4,
            ),
            max_size=2,
        ),
        "properties": st.dictionaries(st.sampled_from(["portNumber", "host", "type"]), VALUES, max_size=3),
        "description": VALUES,
    },
)


@given(DOCUMENTS, st.sampled_from(DocumentFormat))
def test_what_is_written_is_read_again(document, form):
    assert read_text(write_text(document, form), form) == document


@given(st.text(max_size=60), st.sampled_from(DocumentFormat))
def test_any_text_is_read_or_refused(text, form):
    with suppress(InvalidDocumentContent, MaxDocumentSizeExceeded):
        read_text(text, form)


@given(MEMBERS)
def test_any_object_is_a_document_or_refused(members):
    try:
        document = read_session_document("Mine", members)
    except (InvalidDocumentContent, InvalidDocumentSchemaVersion):
        return
    assert read_session_document("Mine", document.content()).content() == document.content()
