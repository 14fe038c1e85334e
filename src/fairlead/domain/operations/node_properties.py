"""Inputs and outputs of DescribeInstanceProperties of `ssm` (Systems Manager API, version 2014-11-06).

It lists nodes as DescribeInstanceInformation does, with conditions that may also be turned round.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from fairlead.aws.shapes import Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.activations import ACTIVATION_ID, IAM_ROLE
from fairlead.domain.operations.nodes import (
    AGENT_VERSION,
    COMPUTER_NAME,
    IP_ADDRESS,
    NODE_ID,
    PING_STATUS,
    PLATFORM_TYPE,
    SOURCE_ID,
    SOURCE_TYPE,
    InstanceInformation,
)

EQUAL, NOT_EQUAL = "Equal", "NotEqual"
_TEXT = String(min=1, max=100000, pattern="^.{1,100000}$")
_VALUES = ListOf(_TEXT, min=1, max=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePropertyFilter:
    """A condition of the older kind: any of the values."""

    key: str = member(
        "key",
        String(
            enum=(
                "InstanceIds",
                "AgentVersion",
                "PingStatus",
                "PlatformTypes",
                "DocumentName",
                "ActivationIds",
                "IamRole",
                "ResourceType",
                "AssociationStatus",
            )
        ),
        required=True,
    )
    value_set: tuple[str, ...] = member("valueSet", _VALUES, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstancePropertyStringFilter:
    """A condition: any of the values, or with `NotEqual` none of them. Without an operator it is `Equal`."""

    key: str = member("Key", _TEXT, required=True)
    values: tuple[str, ...] = member("Values", _VALUES, required=True)
    operator: str | None = member(
        "Operator", String(enum=(EQUAL, NOT_EQUAL, "BeginWith", "LessThan", "GreaterThan"))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeInstancePropertiesRequest:
    """Which nodes, a page at a time. Only one of the two lists may be given."""

    instance_property_filter_list: tuple[InstancePropertyFilter, ...] | None = member(
        "InstancePropertyFilterList", ListOf(Structure(InstancePropertyFilter), min=1, max=40)
    )
    filters_with_operator: tuple[InstancePropertyStringFilter, ...] | None = member(
        "FiltersWithOperator", ListOf(Structure(InstancePropertyStringFilter), min=1, max=40)
    )
    max_results: int | None = member("MaxResults", Integer(min=5, max=1000))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceProperty:
    """One listed node. What only a cloud knows of its instances (type, state, launch) is not known here."""

    name: str | None = member("Name", String(max=255))
    instance_id: str | None = member("InstanceId", NODE_ID)
    ip_address: str | None = member("IPAddress", IP_ADDRESS)
    ping_status: str | None = member("PingStatus", PING_STATUS)
    last_ping_date_time: datetime | None = member("LastPingDateTime", Timestamp())
    agent_version: str | None = member("AgentVersion", AGENT_VERSION)
    platform_type: str | None = member("PlatformType", PLATFORM_TYPE)
    platform_name: str | None = member("PlatformName", String(max=120))
    platform_version: str | None = member("PlatformVersion", String(max=120))
    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    iam_role: str | None = member("IamRole", IAM_ROLE)
    registration_date: datetime | None = member("RegistrationDate", Timestamp())
    resource_type: str | None = member("ResourceType", String())
    computer_name: str | None = member("ComputerName", COMPUTER_NAME)
    source_id: str | None = member("SourceId", SOURCE_ID)
    source_type: str | None = member("SourceType", SOURCE_TYPE)

    @classmethod
    def of(cls, node: InstanceInformation) -> "InstanceProperty":
        """The same facts as the other listing gives."""
        return cls(**{each.name: getattr(node, each.name) for each in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeInstancePropertiesResponse:
    """One page, by id."""

    instance_properties: tuple[InstanceProperty, ...] | None = member(
        "InstanceProperties", ListOf(Structure(InstanceProperty))
    )
    next_token: str | None = member("NextToken", String())


DESCRIBE_INSTANCE_PROPERTIES = Operation(
    "ssm",
    "DescribeInstanceProperties",
    DescribeInstancePropertiesRequest,
    DescribeInstancePropertiesResponse,
)
