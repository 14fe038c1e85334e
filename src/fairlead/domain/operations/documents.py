"""Inputs and outputs of the document operations of `ssm` (Systems Manager API, version 2014-11-06).

Members for attachments, dependencies and reviews are there to be refused: Session documents have none.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.activations import Tag
from fairlead.domain.operations.sessions import DOCUMENT_NAME_OR_ARN

DOCUMENT_NAME = String(pattern=r"^[a-zA-Z0-9_\-.]{3,128}$")
DOCUMENT_VERSION = String(pattern="([$]LATEST|[$]DEFAULT|^[1-9][0-9]*$)")
DOCUMENT_VERSION_NUMBER = String(pattern="(^[1-9][0-9]*$)")
DOCUMENT_VERSION_NAME = String(pattern=r"^[a-zA-Z0-9_\-.]{1,128}$")
DOCUMENT_FORMAT = String(enum=("YAML", "JSON", "TEXT"))
DOCUMENT_STATUS = String(enum=("Creating", "Active", "Updating", "Deleting", "Failed"))
DOCUMENT_TYPE = String(
    enum=(
        "Command",
        "Policy",
        "Automation",
        "Session",
        "Package",
        "ApplicationConfiguration",
        "ApplicationConfigurationSchema",
        "DeploymentStrategy",
        "ChangeCalendar",
        "Automation.ChangeTemplate",
        "ProblemAnalysis",
        "ProblemAnalysisTemplate",
        "CloudFormation",
        "ConformancePackTemplate",
        "QuickSetup",
        "ManualApprovalPolicy",
        "AutoApprovalPolicy",
    )
)
_CONTENT = String(min=1)
_DISPLAY_NAME = String(max=1024, pattern=r"^[\w\.\-\:\/ ]*$")
_TARGET_TYPE = String(max=200, pattern=r"^\/[\w\.\-\:\/]*$")
_SCHEMA_VERSION = String(pattern=r"([0-9]+)\.([0-9]+)")
_PLATFORM_TYPES = ListOf(String(enum=("Windows", "Linux", "MacOS")))
_TAGS = ListOf(Structure(Tag), max=1000)
_PAGE_SIZE = Integer(min=1, max=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRequires:
    """A document that another one builds on."""

    name: str = member("Name", DOCUMENT_NAME_OR_ARN, required=True)
    version: str | None = member("Version", DOCUMENT_VERSION)
    require_type: str | None = member("RequireType", String(max=128, pattern=r"^[a-zA-Z0-9_\-.]{1,128}$"))
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentsSource:
    """Where files of a document come from."""

    key: str | None = member("Key", String(enum=("SourceUrl", "S3FileUrl", "AttachmentReference")))
    values: tuple[str, ...] | None = member("Values", ListOf(String(min=1, max=1024), min=1, max=1))
    name: str | None = member("Name", String(pattern=r"^[a-zA-Z0-9_\-.]{3,128}$"))


_ATTACHMENTS = ListOf(Structure(AttachmentsSource), min=0, max=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentParameter:
    """A declared parameter; the default value of a list is JSON."""

    name: str | None = member("Name", String())
    type: str | None = member("Type", String(enum=("String", "StringList")))
    description: str | None = member("Description", String())
    default_value: str | None = member("DefaultValue", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDescription:
    """A document in one version, without its text. `hash` is of the text, in hexadecimal digits."""

    hash: str | None = member("Hash", String(max=256))
    hash_type: str | None = member("HashType", String(enum=("Sha256", "Sha1")))
    name: str | None = member("Name", DOCUMENT_NAME_OR_ARN)
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    owner: str | None = member("Owner", String())
    created_date: datetime | None = member("CreatedDate", Timestamp())
    status: str | None = member("Status", DOCUMENT_STATUS)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    description: str | None = member("Description", String())
    parameters: tuple[DocumentParameter, ...] | None = member(
        "Parameters", ListOf(Structure(DocumentParameter))
    )
    platform_types: tuple[str, ...] | None = member("PlatformTypes", _PLATFORM_TYPES)
    document_type: str | None = member("DocumentType", DOCUMENT_TYPE)
    schema_version: str | None = member("SchemaVersion", _SCHEMA_VERSION)
    latest_version: str | None = member("LatestVersion", DOCUMENT_VERSION)
    default_version: str | None = member("DefaultVersion", DOCUMENT_VERSION)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)
    target_type: str | None = member("TargetType", _TARGET_TYPE)
    tags: tuple[Tag, ...] | None = member("Tags", _TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDocumentRequest:
    """A document with its first version."""

    content: str = member("Content", _CONTENT, required=True)
    requires: tuple[DocumentRequires, ...] | None = member(
        "Requires", ListOf(Structure(DocumentRequires), min=1)
    )
    attachments: tuple[AttachmentsSource, ...] | None = member("Attachments", _ATTACHMENTS)
    name: str = member("Name", DOCUMENT_NAME, required=True)
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    document_type: str | None = member("DocumentType", DOCUMENT_TYPE)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)
    target_type: str | None = member("TargetType", _TARGET_TYPE)
    tags: tuple[Tag, ...] | None = member("Tags", _TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateDocumentResponse:
    """The document as it is being created."""

    document_description: DocumentDescription | None = member(
        "DocumentDescription", Structure(DocumentDescription)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDocumentRequest:
    """A new version. `document_version`: the latest one, which it follows."""

    content: str = member("Content", _CONTENT, required=True)
    attachments: tuple[AttachmentsSource, ...] | None = member("Attachments", _ATTACHMENTS)
    name: str = member("Name", DOCUMENT_NAME, required=True)
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)
    target_type: str | None = member("TargetType", _TARGET_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDocumentResponse:
    """The new version."""

    document_description: DocumentDescription | None = member(
        "DocumentDescription", Structure(DocumentDescription)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeDocumentRequest:
    """Which document, in which version. Only one of the two version selectors may be given."""

    name: str = member("Name", DOCUMENT_NAME_OR_ARN, required=True)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeDocumentResponse:
    """What the document is."""

    document: DocumentDescription | None = member("Document", Structure(DocumentDescription))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDocumentRequest:
    """Which document, in which version and form. Only one of the two version selectors may be given."""

    name: str = member("Name", DOCUMENT_NAME_OR_ARN, required=True)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDocumentResponse:
    """The document; `content` is its text."""

    name: str | None = member("Name", DOCUMENT_NAME_OR_ARN)
    created_date: datetime | None = member("CreatedDate", Timestamp())
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    status: str | None = member("Status", DOCUMENT_STATUS)
    content: str | None = member("Content", _CONTENT)
    document_type: str | None = member("DocumentType", DOCUMENT_TYPE)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFilter:
    """One condition of the older form."""

    key: str = member("key", String(enum=("Name", "Owner", "PlatformTypes", "DocumentType")), required=True)
    value: str = member("value", String(min=1), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentKeyValuesFilter:
    """One condition: any of the values. Conditions combine with AND."""

    key: str | None = member("Key", String(min=1, max=128))
    values: tuple[str, ...] | None = member("Values", ListOf(String(min=1, max=256)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocumentsRequest:
    """Which documents; only one of the two lists of filters may be given."""

    document_filter_list: tuple[DocumentFilter, ...] | None = member(
        "DocumentFilterList", ListOf(Structure(DocumentFilter), min=1)
    )
    filters: tuple[DocumentKeyValuesFilter, ...] | None = member(
        "Filters", ListOf(Structure(DocumentKeyValuesFilter), min=0, max=6)
    )
    max_results: int | None = member("MaxResults", _PAGE_SIZE)
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentIdentifier:
    """One listed document, in its default version."""

    name: str | None = member("Name", DOCUMENT_NAME_OR_ARN)
    created_date: datetime | None = member("CreatedDate", Timestamp())
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    owner: str | None = member("Owner", String())
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    platform_types: tuple[str, ...] | None = member("PlatformTypes", _PLATFORM_TYPES)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    document_type: str | None = member("DocumentType", DOCUMENT_TYPE)
    schema_version: str | None = member("SchemaVersion", _SCHEMA_VERSION)
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)
    target_type: str | None = member("TargetType", _TARGET_TYPE)
    tags: tuple[Tag, ...] | None = member("Tags", _TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocumentsResponse:
    """One page, by name. With `next_token` there is more."""

    document_identifiers: tuple[DocumentIdentifier, ...] | None = member(
        "DocumentIdentifiers", ListOf(Structure(DocumentIdentifier))
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDocumentRequest:
    """The document, or one version of it. `force` is for document types that are not served."""

    name: str = member("Name", DOCUMENT_NAME, required=True)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    force: bool | None = member("Force", Boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteDocumentResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocumentVersionsRequest:
    """Whose versions."""

    name: str = member("Name", DOCUMENT_NAME_OR_ARN, required=True)
    max_results: int | None = member("MaxResults", _PAGE_SIZE)
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVersionInfo:
    """One listed version."""

    name: str | None = member("Name", DOCUMENT_NAME)
    display_name: str | None = member("DisplayName", _DISPLAY_NAME)
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    version_name: str | None = member("VersionName", DOCUMENT_VERSION_NAME)
    created_date: datetime | None = member("CreatedDate", Timestamp())
    is_default_version: bool | None = member("IsDefaultVersion", Boolean())
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)
    status: str | None = member("Status", DOCUMENT_STATUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDocumentVersionsResponse:
    """One page, newest first. With `next_token` there is more."""

    document_versions: tuple[DocumentVersionInfo, ...] | None = member(
        "DocumentVersions", ListOf(Structure(DocumentVersionInfo), min=1)
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDocumentDefaultVersionRequest:
    """Which version sessions are started with from now on."""

    name: str = member("Name", DOCUMENT_NAME, required=True)
    document_version: str = member("DocumentVersion", DOCUMENT_VERSION_NUMBER, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDefaultVersionDescription:
    """The default version of a document."""

    name: str | None = member("Name", DOCUMENT_NAME)
    default_version: str | None = member("DefaultVersion", DOCUMENT_VERSION)
    default_version_name: str | None = member("DefaultVersionName", DOCUMENT_VERSION_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateDocumentDefaultVersionResponse:
    """What it is now."""

    description: DocumentDefaultVersionDescription | None = member(
        "Description", Structure(DocumentDefaultVersionDescription)
    )


CREATE_DOCUMENT = Operation("ssm", "CreateDocument", CreateDocumentRequest, CreateDocumentResponse)
UPDATE_DOCUMENT = Operation("ssm", "UpdateDocument", UpdateDocumentRequest, UpdateDocumentResponse)
DESCRIBE_DOCUMENT = Operation("ssm", "DescribeDocument", DescribeDocumentRequest, DescribeDocumentResponse)
GET_DOCUMENT = Operation("ssm", "GetDocument", GetDocumentRequest, GetDocumentResponse)
LIST_DOCUMENTS = Operation("ssm", "ListDocuments", ListDocumentsRequest, ListDocumentsResponse)
DELETE_DOCUMENT = Operation("ssm", "DeleteDocument", DeleteDocumentRequest, DeleteDocumentResponse)
LIST_DOCUMENT_VERSIONS = Operation(
    "ssm", "ListDocumentVersions", ListDocumentVersionsRequest, ListDocumentVersionsResponse
)
UPDATE_DOCUMENT_DEFAULT_VERSION = Operation(
    "ssm",
    "UpdateDocumentDefaultVersion",
    UpdateDocumentDefaultVersionRequest,
    UpdateDocumentDefaultVersionResponse,
)
