"""Inputs and outputs of the document operations of `ssm` (Systems Manager API, version 2014-11-06)."""

from dataclasses import dataclass

from fairlead.aws.shapes import Operation, String, member
from fairlead.domain.operations.sessions import DOCUMENT_NAME_OR_ARN

DOCUMENT_VERSION = String(pattern="([$]LATEST|[$]DEFAULT|^[1-9][0-9]*$)")
DOCUMENT_VERSION_NAME = String(pattern=r"^[a-zA-Z0-9_\-.]{1,128}$")
DOCUMENT_FORMAT = String(enum=("YAML", "JSON", "TEXT"))
_DOCUMENT_TYPES = (
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
    document_version: str | None = member("DocumentVersion", DOCUMENT_VERSION)
    status: str | None = member(
        "Status", String(enum=("Creating", "Active", "Updating", "Deleting", "Failed"))
    )
    content: str | None = member("Content", String(min=1))
    document_type: str | None = member("DocumentType", String(enum=_DOCUMENT_TYPES))
    document_format: str | None = member("DocumentFormat", DOCUMENT_FORMAT)


GET_DOCUMENT = Operation("ssm", "GetDocument", GetDocumentRequest, GetDocumentResponse)
