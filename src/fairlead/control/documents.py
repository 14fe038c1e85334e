"""Session documents: read by name or ARN, those of the account made, changed and deleted.

Those of AWS are there to be read. How a text is read is `domain.document_schema`'s, how documents are shown
`document_views`'. Every operation is decided on the document's ARN before anything is said about it.
"""

from fairlead.control.calls import Call, perform
from fairlead.control.document_listing import list_documents
from fairlead.control.document_lookup import read_stored
from fairlead.control.document_views import (
    DOCUMENT_TYPE,
    Edition,
    description,
    edition_of,
    edition_of_aws,
    only_version_info,
    text_in_form,
    version_info,
)
from fairlead.control.environment import Environment
from fairlead.control.identity_tags import tag_keys
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
from fairlead.control.references import DocumentReference, document_reference
from fairlead.control.resource_tags import document_tag_keys, tags_by_key
from fairlead.domain.callers import Caller
from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.errors import (
    DocumentAlreadyExists,
    DocumentLimitExceeded,
    DocumentVersionLimitExceeded,
    DuplicateDocumentContent,
    DuplicateDocumentVersionName,
    InvalidDocumentOperation,
    InvalidDocumentVersion,
    InvalidRequest,
    TooManyTags,
)
from fairlead.domain.operations import documents as operations
from fairlead.domain.stored_documents import (
    MAX_DOCUMENTS,
    MAX_TAGS_PER_DOCUMENT,
    MAX_VERSIONS,
    DocumentVersion,
    StoredDocument,
    has_reserved_name,
)

DEFAULT_PAGE = 50
_DEFAULT, _LATEST = "$DEFAULT", "$LATEST"
_FIRST_VERSION = 1


class Documents:
    """The use cases of documents; a new default version holds from the next StartSession on."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def create_document(
        self, caller: Caller, request: operations.CreateDocumentRequest
    ) -> operations.CreateDocumentResponse:
        """A document of the account with its first version, which is the default.

        Raises AccessDenied, DocumentAlreadyExists, DocumentLimitExceeded, InvalidDocumentContent,
        InvalidDocumentSchemaVersion, MaxDocumentSizeExceeded, TooManyTags or InvalidRequest (a reserved name,
        another type of document).
        """

        def work(call: Call) -> operations.CreateDocumentResponse:
            reference = document_reference(caller, request.name)
            call.authorize(
                (reference.arn,), context=tag_keys({tag.key: tag.value for tag in request.tags or ()})
            )
            _check_kind(request)
            tags = tags_by_key(request.tags or ())
            if len(tags) > MAX_TAGS_PER_DOCUMENT:
                raise TooManyTags(f"A resource can have at most {MAX_TAGS_PER_DOCUMENT} tags.")
            if call.uow.documents.get(caller.scope, request.name) is not None:
                raise DocumentAlreadyExists(f"Document with name {request.name} already exists.")
            if call.uow.documents.count(caller.scope) >= MAX_DOCUMENTS:
                raise DocumentLimitExceeded(f"An account can have at most {MAX_DOCUMENTS} documents.")
            stored = StoredDocument(
                name=request.name,
                scope=caller.scope,
                default_version=_FIRST_VERSION,
                latest_version=_FIRST_VERSION,
                last_number=_FIRST_VERSION,
                created_at=call.now,
                target_type=request.target_type,
                tags=tuple(sorted(tags.items())),
            )
            version = _new_version(call, request, _FIRST_VERSION)
            edition = edition_of(stored, version)
            call.uow.documents.add(stored, version)
            return operations.CreateDocumentResponse(document_description=description(edition, "Creating"))

        return perform(self._env, caller, operations.CREATE_DOCUMENT, request, work)

    def update_document(
        self, caller: Caller, request: operations.UpdateDocumentRequest
    ) -> operations.UpdateDocumentResponse:
        """A new version; the default version stays. Without DocumentVersion it follows the latest one.

        Raises AccessDenied, DocumentNotFound, DocumentVersionLimitExceeded, DuplicateDocumentContent,
        DuplicateDocumentVersionName, InvalidDocumentContent, InvalidDocumentOperation,
        InvalidDocumentSchemaVersion, InvalidDocumentVersion or MaxDocumentSizeExceeded.
        """

        def work(call: Call) -> operations.UpdateDocumentResponse:
            stored = _own(call, request.name)
            if request.attachments:
                raise InvalidRequest(_NO_ATTACHMENTS)
            latest = str(stored.latest_version)
            if request.document_version not in (None, _LATEST, latest):
                raise InvalidDocumentVersion(
                    f"Only the latest version of {stored.name} can be updated: {latest} or {_LATEST}."
                )
            self._check_new_version(call, stored, request)
            version = _new_version(call, request, stored.next_version)
            target_type = request.target_type or stored.target_type
            call.uow.documents.add_version(stored, version, target_type)
            changed = call.uow.documents.get(caller.scope, stored.name) or stored
            return operations.UpdateDocumentResponse(
                document_description=description(edition_of(changed, version), "Updating")
            )

        return perform(self._env, caller, operations.UPDATE_DOCUMENT, request, work)

    def describe_document(
        self, caller: Caller, request: operations.DescribeDocumentRequest
    ) -> operations.DescribeDocumentResponse:
        """What a document is, in one version.

        Raises AccessDenied, DocumentNotFound, InvalidDocumentVersion or InvalidRequest (two selectors).
        """

        def work(call: Call) -> operations.DescribeDocumentResponse:
            edition = _edition(call, request.name, request.document_version, request.version_name)
            return operations.DescribeDocumentResponse(document=description(edition))

        return perform(self._env, caller, operations.DESCRIBE_DOCUMENT, request, work)

    def get_document(
        self, caller: Caller, request: operations.GetDocumentRequest
    ) -> operations.GetDocumentResponse:
        """The text of a document, as JSON unless YAML is asked for.

        Raises AccessDenied, DocumentNotFound, InvalidDocumentVersion, or InvalidRequest (two version
        selectors, or the form TEXT).
        """

        def work(call: Call) -> operations.GetDocumentResponse:
            edition = _edition(call, request.name, request.document_version, request.version_name)
            return text_in_form(edition, _form(request.document_format))

        return perform(self._env, caller, operations.GET_DOCUMENT, request, work)

    def list_documents(
        self, caller: Caller, request: operations.ListDocumentsRequest
    ) -> operations.ListDocumentsResponse:
        """One page of the documents of AWS and of the account, by name.

        Raises AccessDenied, InvalidFilterKey, InvalidFilterValue, InvalidRequest or InvalidNextToken.
        """

        def work(call: Call) -> operations.ListDocumentsResponse:
            call.authorize(("*",))
            return list_documents(call, self._env.sealer, request)

        return perform(self._env, caller, operations.LIST_DOCUMENTS, request, work)

    def delete_document(
        self, caller: Caller, request: operations.DeleteDocumentRequest
    ) -> operations.DeleteDocumentResponse:
        """Delete a document with all its versions, or one version that is not the default.

        Raises AccessDenied, DocumentNotFound, InvalidDocumentVersion, InvalidDocumentOperation or
        InvalidRequest (two selectors).
        """

        def work(call: Call) -> operations.DeleteDocumentResponse:
            stored = _own(call, request.name)
            if request.document_version is None and request.version_name is None:
                call.uow.documents.delete(stored)
                return operations.DeleteDocumentResponse()
            version = _version(call, stored, request.document_version, request.version_name)
            if version.number == stored.default_version:
                raise InvalidDocumentOperation(
                    f"Version {version.number} is the default version of document {stored.name} and cannot be"
                    " deleted by itself. Make another version the default first, or delete the document."
                )
            call.uow.documents.delete_version(stored, version.number)
            return operations.DeleteDocumentResponse()

        return perform(self._env, caller, operations.DELETE_DOCUMENT, request, work)

    def list_document_versions(
        self, caller: Caller, request: operations.ListDocumentVersionsRequest
    ) -> operations.ListDocumentVersionsResponse:
        """One page of versions, newest first. Raises AccessDenied, DocumentNotFound or InvalidNextToken."""

        def work(call: Call) -> operations.ListDocumentVersionsResponse:
            reference, stored = _authorized(call, request.name)
            scope = caller.scope
            listing = Listing(call.operation, scope.account_id, scope.region, reference.arn)
            position = decode_position(self._env.sealer, listing, request.next_token)
            if reference.of_aws is not None:
                info = only_version_info(reference.of_aws)
                return operations.ListDocumentVersionsResponse(document_versions=(info,))
            if stored is None:
                raise reference.not_found()
            size = request.max_results or DEFAULT_PAGE
            before = None if position is None else int(position[0])
            page, has_more = cut_page(call.uow.documents.versions(stored, before, size + 1), size)
            return operations.ListDocumentVersionsResponse(
                document_versions=tuple(
                    version_info(stored.name, each, is_default=each.number == stored.default_version)
                    for each in page
                ),
                next_token=(
                    encode_position(self._env.sealer, listing, str(page[-1].number)) if has_more else None
                ),
            )

        return perform(self._env, caller, operations.LIST_DOCUMENT_VERSIONS, request, work)

    def update_document_default_version(
        self, caller: Caller, request: operations.UpdateDocumentDefaultVersionRequest
    ) -> operations.UpdateDocumentDefaultVersionResponse:
        """Start sessions with another version from now on.

        Raises AccessDenied, DocumentNotFound, InvalidDocumentOperation or InvalidDocumentVersion.
        """

        def work(call: Call) -> operations.UpdateDocumentDefaultVersionResponse:
            stored = _own(call, request.name)
            version = _version(call, stored, request.document_version, None)
            call.uow.documents.set_default_version(stored, version.number)
            return operations.UpdateDocumentDefaultVersionResponse(
                description=operations.DocumentDefaultVersionDescription(
                    name=stored.name,
                    default_version=str(version.number),
                    default_version_name=version.name,
                )
            )

        return perform(self._env, caller, operations.UPDATE_DOCUMENT_DEFAULT_VERSION, request, work)

    def _check_new_version(
        self, call: Call, stored: StoredDocument, request: operations.UpdateDocumentRequest
    ) -> None:
        documents = call.uow.documents
        if documents.count_versions(stored) >= MAX_VERSIONS:
            raise DocumentVersionLimitExceeded(
                f"Document {stored.name} has {MAX_VERSIONS} versions, as many as it can. Delete one."
            )
        latest = documents.version(stored, stored.latest_version)
        if latest is not None and (latest.content, latest.form) == (
            request.content,
            _form(request.document_format),
        ):
            raise DuplicateDocumentContent(f"Version {latest.number} of {stored.name} has this content.")
        name = request.version_name
        if name is not None and documents.version_named(stored, name) is not None:
            raise DuplicateDocumentVersionName(f"Another version of {stored.name} has the name {name}.")


_NO_ATTACHMENTS = "Documents of type Session have no attachments."


def _check_kind(request: operations.CreateDocumentRequest) -> None:
    if has_reserved_name(request.name):
        raise InvalidRequest(
            f"Document names that begin with aws, amazon or amzn are reserved: {request.name}"
        )
    if request.document_type != DOCUMENT_TYPE:
        given = f"type {request.document_type}" if request.document_type else "the type Command, the default,"
        raise InvalidRequest(f"Documents of {given} are not served; give DocumentType {DOCUMENT_TYPE}.")
    if request.attachments:
        raise InvalidRequest(_NO_ATTACHMENTS)
    if request.requires:
        raise InvalidRequest("Documents of type Session require no other documents.")


def _new_version(
    call: Call, request: operations.CreateDocumentRequest | operations.UpdateDocumentRequest, number: int
) -> DocumentVersion:
    """The version of a request, whose text follows the schema."""
    form = _form(request.document_format)
    read_stored(request.name, request.content, form)
    return DocumentVersion(
        number=number,
        form=form,
        created_at=call.now,
        name=request.version_name,
        display_name=request.display_name,
        content=request.content,
    )


def _form(name: str | None) -> DocumentFormat:
    if name == "TEXT":
        raise InvalidRequest("Documents of type Session are written in JSON or YAML, not as TEXT.")
    return DocumentFormat(name or "JSON")


def _authorized(call: Call, name_or_arn: str) -> tuple[DocumentReference, StoredDocument | None]:
    """What a request names, to those who may do this to it, and the document of the account, if it is one."""
    caller = call.caller
    reference = document_reference(caller, name_or_arn)
    stored = None
    if reference.is_own_arn and reference.of_aws is None:
        stored = call.uow.documents.get(caller.scope, reference.name)
    call.authorize((reference.arn,), resource_context=document_tag_keys(reference.arn, stored))
    return reference, stored


def _own(call: Call, name: str) -> StoredDocument:
    """A document of the account, to be changed."""
    reference, stored = _authorized(call, name)
    if reference.of_aws is not None:
        raise InvalidDocumentOperation(f"Document {name} is owned by Amazon and cannot be changed.")
    if stored is not None:
        stored = call.uow.documents.get(call.caller.scope, name, to_change=True)
    if stored is None:
        raise reference.not_found()
    return stored


def _edition(call: Call, name_or_arn: str, document_version: str | None, version_name: str | None) -> Edition:
    reference, stored = _authorized(call, name_or_arn)
    _check_selectors(document_version, version_name)
    if reference.of_aws is not None:
        edition = edition_of_aws(reference.of_aws)
        is_only = document_version in (None, _DEFAULT, _LATEST, str(edition.number))
        if version_name is not None or not is_only:
            raise _no_version(reference.name, version_name or document_version)
        return edition
    if stored is None:
        raise reference.not_found()
    return edition_of(stored, _version(call, stored, document_version, version_name))


def _version(
    call: Call, stored: StoredDocument, document_version: str | None, version_name: str | None
) -> DocumentVersion:
    """The version that the selectors name. Raises InvalidDocumentVersion or InvalidRequest."""
    _check_selectors(document_version, version_name)
    if version_name is not None:
        version = call.uow.documents.version_named(stored, version_name)
    else:
        version = call.uow.documents.version(stored, _number(stored, document_version))
    if version is None:
        raise _no_version(stored.name, version_name or document_version)
    return version


def _check_selectors(document_version: str | None, version_name: str | None) -> None:
    if version_name is not None and document_version is not None:
        raise InvalidRequest("Give either DocumentVersion or VersionName, not both.")


def _number(stored: StoredDocument, document_version: str | None) -> int:
    if document_version in (None, _DEFAULT):
        return stored.default_version
    if document_version == _LATEST:
        return stored.latest_version
    text = document_version or ""
    return int(text) if len(text) <= len(str(stored.last_number)) else 0  # 0: none has it


def _no_version(name: str, version: str | None) -> InvalidDocumentVersion:
    return InvalidDocumentVersion(f"Document {name} has no version {version}.")
