"""Inputs and outputs of the operations of `fairlead` on managed nodes: what AWS's listing does not show.

These are operations of our own (`Fairlead_20261101.`); their members follow the manners of AWS's.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.activations import ACTIVATION_ID, IAM_ROLE, Tag
from fairlead.domain.operations.nodes import FINGERPRINT, NODE_ID, PING_STATUS

MAX_NODES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeNodesRequest:
    """Which nodes, a page at a time: these, or those that two agents were seen alive as, or all."""

    instance_ids: tuple[str, ...] | None = member("InstanceIds", ListOf(NODE_ID, min=1, max=MAX_NODES))
    has_twins: bool | None = member("HasTwins", Boolean())
    max_results: int | None = member("MaxResults", Integer(min=1, max=MAX_NODES))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlChannel:
    """One of two live control channels of a node."""

    source_address: str | None = member("SourceAddress", String())
    connected_since: datetime | None = member("ConnectedSince", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeTwins:
    """Two agents that were alive under one id: how often and when, and the two of the last time."""

    first_seen: datetime | None = member("FirstSeen", Timestamp())
    last_seen: datetime | None = member("LastSeen", Timestamp())
    count: int | None = member("Count", Integer(min=1))
    served: ControlChannel | None = member("Served", Structure(ControlChannel))
    displaced: ControlChannel | None = member("Displaced", Structure(ControlChannel))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescription:
    """One node. What stands from `AgentName` to `ComputerName` is its own word."""

    instance_id: str | None = member("InstanceId", NODE_ID)
    resource_type: str | None = member("ResourceType", String(enum=("ManagedInstance", "EC2Instance")))
    name: str | None = member("Name", String())
    connection_status: str | None = member("ConnectionStatus", String(enum=("connected", "notconnected")))
    ping_status: str | None = member("PingStatus", PING_STATUS)
    last_ping_date_time: datetime | None = member("LastPingDateTime", Timestamp())
    agent_name: str | None = member("AgentName", String())
    agent_version: str | None = member("AgentVersion", String())
    platform_type: str | None = member("PlatformType", String())
    platform_name: str | None = member("PlatformName", String())
    platform_version: str | None = member("PlatformVersion", String())
    ip_address: str | None = member("IPAddress", String(sensitive=True))
    computer_name: str | None = member("ComputerName", String())
    iam_role: str | None = member("IamRole", IAM_ROLE)
    activation_id: str | None = member("ActivationId", ACTIVATION_ID)
    registration_date: datetime | None = member("RegistrationDate", Timestamp())
    fingerprint: str | None = member("Fingerprint", FINGERPRINT)
    tags: tuple[Tag, ...] | None = member("Tags", ListOf(Structure(Tag)))
    same_machine: tuple[str, ...] | None = member("SameMachine", ListOf(NODE_ID))
    """Other nodes that registered with the same fingerprint; only where ids were asked for."""
    twins: NodeTwins | None = member("Twins", Structure(NodeTwins))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeNodesResponse:
    """One page, by id."""

    nodes: tuple[NodeDescription, ...] | None = member("Nodes", ListOf(Structure(NodeDescription)))
    next_token: str | None = member("NextToken", String())


DESCRIBE_NODES = Operation("fairlead", "DescribeNodes", DescribeNodesRequest, DescribeNodesResponse)
