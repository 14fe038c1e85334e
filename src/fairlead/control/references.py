"""How requests name documents: by name or by ARN, and which ARN is then checked against policies."""

from dataclasses import dataclass

from fairlead.aws.arn import Arn, aws_document, document
from fairlead.aws.errors import MalformedArn
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.callers import Caller
from fairlead.domain.documents import DEFAULT_DOCUMENT, SessionDocument
from fairlead.domain.errors import DocumentNotFound


@dataclass(frozen=True, slots=True)
class DocumentReference:
    """A document as a request names it; it may not exist. `arn` is what policies are asked about."""

    name: str
    arn: str
    is_own_arn: bool
    """False for an ARN that no document here has."""

    @property
    def of_aws(self) -> SessionDocument | None:
        """The document, if it is one of those that AWS owns."""
        return AWS_OWNED_DOCUMENTS.get(self.name) if self.is_own_arn else None

    @property
    def is_default(self) -> bool:
        """True for the account's document of shell preferences, which works without having been created."""
        return self.is_own_arn and self.name == DEFAULT_DOCUMENT

    def not_found(self) -> DocumentNotFound:
        """What to raise when there is no such document."""
        return DocumentNotFound(f"Document with name {self.name} does not exist.")


def document_reference(caller: Caller, name_or_arn: str) -> DocumentReference:
    """Read a `DocumentName`. An ARN that is not the document's own, to the letter, names no document.

    So a policy is always asked about the ARN of the document that is used, whichever way it was named.
    """
    name = _name_in(name_or_arn)
    scope = caller.scope
    if name in AWS_OWNED_DOCUMENTS:
        own_arn = str(aws_document(scope.region, name))
    else:
        own_arn = str(document(scope.region, scope.account_id, name))
    if name_or_arn in (name, own_arn):
        return DocumentReference(name, own_arn, True)
    return DocumentReference(name, name_or_arn, False)


def _name_in(name_or_arn: str) -> str:
    try:
        return Arn.parse(name_or_arn).resource.removeprefix("document/")
    except MalformedArn:
        return name_or_arn
