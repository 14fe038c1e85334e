"""Inputs and outputs of the operations on managed nodes of `ssm`.

DescribeInstanceInformation, UpdateManagedInstanceRole and DeregisterManagedInstance are published (Systems
Manager API, version 2014-11-06). The others are what agents call; they are in no published model, and what
stands here was seen on the wire from the agent in version 3.3 and bounded by us.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.activations import ACTIVATION_ID, IAM_ROLE, Tag

NODE_ID = String(pattern=r"(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$)")
HYBRID_NODE_ID = String(
    min=20,
    max=124,
    pattern=r"(^mi-[0-9a-f]{17}$)|(^eks_c:[0-9A-Za-z][A-Za-z0-9\-_]{0,99}_\w{17}$)",
)
FINGERPRINT = String(min=1, max=128, pattern="^[0-9A-Za-z_.:-]+$")
PUBLIC_KEY = String(min=392, max=4096)
PUBLIC_KEY_TYPE = String(enum=("Rsa",))
PING_STATUS = String(enum=("Online", "ConnectionLost", "Inactive"))
AGENT_VERSION = String(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6}){2,3}$")
PLATFORM_TYPE = String(enum=("Windows", "Linux", "MacOS"))
IP_ADDRESS = String(min=1, max=46, sensitive=True)
COMPUTER_NAME = String(min=1, max=255)
SOURCE_ID = String(min=0, max=128, pattern="^[a-zA-Z0-9:_-]*$")
SOURCE_TYPE = String(
    enum=(
        "AWS::EC2::Instance",
        "AWS::IoT::Thing",
        "AWS::SSM::ManagedInstance",
        "Microsoft.Compute/virtualMachines",
        "compute.googleapis.com/Instance",
    )
)
_SHORT_TEXT = String(max=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterManagedInstanceRequest:
    """A machine with an activation's id and code, and the public half of its key.

    `public_key` is base64 of a DER SubjectPublicKeyInfo. `iam_role` and `tags` belong to a kind of
    registration that is not served, and have no effect.
    """

    activation_code: str = member("ActivationCode", String(min=20, max=250, sensitive=True), required=True)
    activation_id: str = member("ActivationId", String(min=36, max=36), required=True)
    public_key: str = member("PublicKey", PUBLIC_KEY, required=True)
    public_key_type: str | None = member("PublicKeyType", PUBLIC_KEY_TYPE)
    fingerprint: str = member("Fingerprint", FINGERPRINT, required=True)
    iam_role: str | None = member("IamRole", IAM_ROLE)
    tags: tuple[Tag, ...] | None = member("Tags", ListOf(Structure(Tag), max=1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterManagedInstanceResponse:
    """The id of the new node."""

    instance_id: str | None = member("InstanceId", NODE_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestManagedInstanceRoleTokenRequest:
    """The machine's fingerprint; which node it is, the signature says."""

    fingerprint: str = member("Fingerprint", FINGERPRINT, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestManagedInstanceRoleTokenResponse:
    """Temporary credentials. All members are present: the stock agent reads them unasked."""

    access_key_id: str | None = member("AccessKeyId", String())
    secret_access_key: str | None = member("SecretAccessKey", String(sensitive=True))
    session_token: str | None = member("SessionToken", String(sensitive=True))
    token_expiration_date: datetime | None = member("TokenExpirationDate", Timestamp())
    update_key_pair: bool | None = member("UpdateKeyPair", Boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateManagedInstancePublicKeyRequest:
    """The node's next public key; signed with the one it has."""

    new_public_key: str = member("NewPublicKey", PUBLIC_KEY, required=True)
    new_public_key_type: str = member("NewPublicKeyType", PUBLIC_KEY_TYPE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateManagedInstancePublicKeyResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInstanceInformationRequest:
    """A heartbeat: what the node says about itself."""

    instance_id: str = member("InstanceId", NODE_ID, required=True)
    agent_name: str | None = member("AgentName", _SHORT_TEXT)
    agent_status: str | None = member("AgentStatus", _SHORT_TEXT)
    agent_version: str | None = member("AgentVersion", _SHORT_TEXT)
    platform_type: str | None = member("PlatformType", _SHORT_TEXT)
    platform_name: str | None = member("PlatformName", _SHORT_TEXT)
    platform_version: str | None = member("PlatformVersion", _SHORT_TEXT)
    ip_address: str | None = member("IPAddress", String(max=46, sensitive=True))
    computer_name: str | None = member("ComputerName", _SHORT_TEXT)
    availability_zone: str | None = member("AvailabilityZone", _SHORT_TEXT)
    availability_zone_id: str | None = member("AvailabilityZoneId", _SHORT_TEXT)
    ssm_connection_channel: str | None = member("SSMConnectionChannel", _SHORT_TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateInstanceInformationResponse:
    """Nothing for AWS's agent. Our own is given the last checkpoint of the audit log to keep."""

    audit_checkpoint: str | None = member("AuditCheckpoint", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInstanceAssociationsRequest:
    """Which node, a page at a time."""

    instance_id: str = member("InstanceId", NODE_ID, required=True)
    max_results: int | None = member("MaxResults", Integer(min=1, max=50))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListInstanceAssociationsResponse:
    """Always empty: there is no State Manager here. The list must be there for the agent."""

    associations: tuple[str, ...] | None = member("Associations", ListOf(String()))


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInformationFilter:
    """A condition of the older kind; all its keys are known to the model."""

    key: str = member(
        "key",
        String(
            enum=(
                "InstanceIds",
                "AgentVersion",
                "PingStatus",
                "PlatformTypes",
                "ActivationIds",
                "IamRole",
                "ResourceType",
                "AssociationStatus",
            )
        ),
        required=True,
    )
    value_set: tuple[str, ...] = member("valueSet", ListOf(String(min=1), min=1, max=100), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInformationStringFilter:
    """A condition on the listed nodes: any of the values."""

    key: str = member("Key", String(min=1), required=True)
    values: tuple[str, ...] = member("Values", ListOf(String(min=1), min=1, max=100), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeInstanceInformationRequest:
    """Which nodes, a page at a time. Only one of the two lists may be given."""

    instance_information_filter_list: tuple[InstanceInformationFilter, ...] | None = member(
        "InstanceInformationFilterList", ListOf(Structure(InstanceInformationFilter), min=0)
    )
    filters: tuple[InstanceInformationStringFilter, ...] | None = member(
        "Filters", ListOf(Structure(InstanceInformationStringFilter), min=0)
    )
    max_results: int | None = member("MaxResults", Integer(min=5, max=50))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInformation:
    """One listed node."""

    instance_id: str | None = member("InstanceId", NODE_ID)
    ping_status: str | None = member("PingStatus", PING_STATUS)
    last_ping_date_time: datetime | None = member("LastPingDateTime", Timestamp())
    agent_version: str | None = member("AgentVersion", AGENT_VERSION)
    platform_type: str | None = member("PlatformType", PLATFORM_TYPE)
    platform_name: str | None = member("PlatformName", String())
    platform_version: str | None = member("PlatformVersion", String())
    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    iam_role: str | None = member("IamRole", IAM_ROLE)
    registration_date: datetime | None = member("RegistrationDate", Timestamp())
    resource_type: str | None = member("ResourceType", String(enum=("ManagedInstance", "EC2Instance")))
    name: str | None = member("Name", String())
    ip_address: str | None = member("IPAddress", IP_ADDRESS)
    computer_name: str | None = member("ComputerName", COMPUTER_NAME)
    source_id: str | None = member("SourceId", SOURCE_ID)
    source_type: str | None = member("SourceType", SOURCE_TYPE)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeInstanceInformationResponse:
    """One page, by id."""

    instance_information_list: tuple[InstanceInformation, ...] | None = member(
        "InstanceInformationList", ListOf(Structure(InstanceInformation))
    )
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterManagedInstanceRequest:
    """Which node."""

    instance_id: str = member("InstanceId", HYBRID_NODE_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterManagedInstanceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateManagedInstanceRoleRequest:
    """Which hybrid node, and its next role."""

    instance_id: str = member("InstanceId", HYBRID_NODE_ID, required=True)
    iam_role: str = member("IamRole", IAM_ROLE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateManagedInstanceRoleResponse:
    """Nothing."""


REGISTER_MANAGED_INSTANCE = Operation(
    "ssm", "RegisterManagedInstance", RegisterManagedInstanceRequest, RegisterManagedInstanceResponse
)
REQUEST_MANAGED_INSTANCE_ROLE_TOKEN = Operation(
    "ssm",
    "RequestManagedInstanceRoleToken",
    RequestManagedInstanceRoleTokenRequest,
    RequestManagedInstanceRoleTokenResponse,
)
UPDATE_MANAGED_INSTANCE_PUBLIC_KEY = Operation(
    "ssm",
    "UpdateManagedInstancePublicKey",
    UpdateManagedInstancePublicKeyRequest,
    UpdateManagedInstancePublicKeyResponse,
)
UPDATE_INSTANCE_INFORMATION = Operation(
    "ssm", "UpdateInstanceInformation", UpdateInstanceInformationRequest, UpdateInstanceInformationResponse
)
LIST_INSTANCE_ASSOCIATIONS = Operation(
    "ssm", "ListInstanceAssociations", ListInstanceAssociationsRequest, ListInstanceAssociationsResponse
)
DESCRIBE_INSTANCE_INFORMATION = Operation(
    "ssm",
    "DescribeInstanceInformation",
    DescribeInstanceInformationRequest,
    DescribeInstanceInformationResponse,
)
UPDATE_MANAGED_INSTANCE_ROLE = Operation(
    "ssm", "UpdateManagedInstanceRole", UpdateManagedInstanceRoleRequest, UpdateManagedInstanceRoleResponse
)
DEREGISTER_MANAGED_INSTANCE = Operation(
    "ssm", "DeregisterManagedInstance", DeregisterManagedInstanceRequest, DeregisterManagedInstanceResponse
)
