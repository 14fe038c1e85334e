"""Inputs and outputs of the activation operations of `ssm` (Systems Manager API, version 2014-11-06)."""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member

_TEXT_PATTERN = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"
ACTIVATION_ID = String(pattern="^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
IAM_ROLE = String(max=64)
DESCRIPTION = String(min=0, max=256)
DEFAULT_INSTANCE_NAME = String(min=0, max=256, pattern=_TEXT_PATTERN)
REGISTRATION_LIMIT = Integer(min=1, max=1000)
_NOT_BLANK = r"^(?!\s*$).+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A key and its value."""

    key: str = member("Key", String(min=1, max=128, pattern=_TEXT_PATTERN), required=True)
    value: str = member("Value", String(min=0, max=256, pattern=_TEXT_PATTERN), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationMetadataItem:
    """Reserved by AWS."""

    key: str = member("Key", String(min=1, max=128, pattern=_NOT_BLANK), required=True)
    value: str = member("Value", String(min=1, max=2048, pattern=_NOT_BLANK), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateActivationRequest:
    """How many machines may register, until when, and with which role."""

    description: str | None = member("Description", DESCRIPTION)
    default_instance_name: str | None = member("DefaultInstanceName", DEFAULT_INSTANCE_NAME)
    iam_role: str = member("IamRole", IAM_ROLE, required=True)
    registration_limit: int | None = member("RegistrationLimit", REGISTRATION_LIMIT)
    expiration_date: datetime | None = member("ExpirationDate", Timestamp())
    tags: tuple[Tag, ...] | None = member("Tags", ListOf(Structure(Tag), max=1000))
    registration_metadata: tuple[RegistrationMetadataItem, ...] | None = member(
        "RegistrationMetadata", ListOf(Structure(RegistrationMetadataItem))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateActivationResponse:
    """`activation_code` is a secret and shown here only."""

    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    activation_code: str | None = member("ActivationCode", String(min=20, max=250, sensitive=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeActivationsFilter:
    """One condition on the listed activations: any of the values."""

    filter_key: str | None = member(
        "FilterKey", String(enum=("ActivationIds", "DefaultInstanceName", "IamRole"))
    )
    filter_values: tuple[str, ...] | None = member("FilterValues", ListOf(String()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeActivationsRequest:
    """Which activations, a page at a time."""

    filters: tuple[DescribeActivationsFilter, ...] | None = member(
        "Filters", ListOf(Structure(DescribeActivationsFilter))
    )
    max_results: int | None = member("MaxResults", Integer(min=1, max=50))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationItem:
    """One listed activation (`Activation` in the API). Its code is not known to the server any more."""

    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    description: str | None = member("Description", DESCRIPTION)
    default_instance_name: str | None = member("DefaultInstanceName", DEFAULT_INSTANCE_NAME)
    iam_role: str | None = member("IamRole", IAM_ROLE)
    registration_limit: int | None = member("RegistrationLimit", REGISTRATION_LIMIT)
    registrations_count: int | None = member("RegistrationsCount", Integer(min=1, max=1000))
    expiration_date: datetime | None = member("ExpirationDate", Timestamp())
    expired: bool | None = member("Expired", Boolean())
    created_date: datetime | None = member("CreatedDate", Timestamp())
    tags: tuple[Tag, ...] | None = member("Tags", ListOf(Structure(Tag), max=1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeActivationsResponse:
    """One page, newest first."""

    activation_list: tuple[ActivationItem, ...] | None = member(
        "ActivationList", ListOf(Structure(ActivationItem))
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteActivationRequest:
    """Which activation."""

    activation_id: str = member("ActivationId", ACTIVATION_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteActivationResponse:
    """Nothing."""


CREATE_ACTIVATION = Operation("ssm", "CreateActivation", CreateActivationRequest, CreateActivationResponse)
DESCRIBE_ACTIVATIONS = Operation(
    "ssm", "DescribeActivations", DescribeActivationsRequest, DescribeActivationsResponse
)
DELETE_ACTIVATION = Operation("ssm", "DeleteActivation", DeleteActivationRequest, DeleteActivationResponse)
