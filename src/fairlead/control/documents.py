"""Documents, as far as they can be read: the AWS-owned Session documents."""

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.references import document_reference
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidDocumentVersion, InvalidRequest
from fairlead.domain.operations import documents as operations

_SYMBOLIC_VERSIONS = ("$DEFAULT", "$LATEST")
_JSON = "JSON"


class Documents:
    """The use cases of documents."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def get_document(
        self, caller: Caller, request: operations.GetDocumentRequest
    ) -> operations.GetDocumentResponse:
        """The text of a document.

        Raises AccessDenied, DocumentNotFound, InvalidDocumentVersion, or InvalidRequest (two version
        selectors, or a form other than JSON).
        """

        def work(call: Call) -> operations.GetDocumentResponse:
            reference = document_reference(caller, request.name)
            call.authorize((reference.arn,))
            if request.version_name is not None and request.document_version is not None:
                raise InvalidRequest("Give either DocumentVersion or VersionName, not both.")
            if request.document_format not in (None, _JSON):
                raise InvalidRequest(
                    f"Documents are served as JSON only; {request.document_format} is not served yet."
                )
            document = reference.find()
            version = request.document_version or _SYMBOLIC_VERSIONS[0]
            is_known = version in (*_SYMBOLIC_VERSIONS, document.version)
            if request.version_name is not None or not is_known:
                raise InvalidDocumentVersion(
                    f"Document {document.name} has no version {request.version_name or version}."
                )
            return operations.GetDocumentResponse(
                name=document.name,
                document_version=document.version,
                status="Active",
                content=document.content_text(),
                document_type="Session",
                document_format=_JSON,
            )

        return perform(self._env, caller, operations.GET_DOCUMENT, request, work)
