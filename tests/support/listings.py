"""Every call that lists, without and with each of its filters, over a database of one's own."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Engine

from fairlead.api.handlers import handlers_for
from fairlead.aws import json_protocol
from fairlead.domain.audit import LOOKUP_ATTRIBUTES
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.api_client import use_cases_of
from tests.support.control_world import NODE_ID, World
from tests.support.sealer import XorSealer

Call = tuple[str, dict[str, Any]]

SESSION_FILTERS = {
    "Target": NODE_ID,
    "Owner": "arn:aws:iam::111122223333:user/alice",
    "SessionId": "alice-0123",
    "Status": "Failed",
    "InvokedAfter": "2026-11-01T00:00:00Z",
    "InvokedBefore": "2026-12-01T00:00:00Z",
}
NODE_FILTERS = {
    "InstanceIds": NODE_ID,
    "AgentVersion": "3.3.0.0",
    "PingStatus": "Online",
    "PlatformTypes": "Linux",
    "ActivationIds": "0f0e0d0c-0b0a-4908-8706-050403020100",
    "IamRole": "service-role/FairleadNode",
    "ResourceType": "ManagedInstance",
    "tag:Team": "red",
    "tag-key": "Team",
}
ACTIVATION_FILTERS = {
    "ActivationIds": "0f0e0d0c-0b0a-4908-8706-050403020100",
    "DefaultInstanceName": "web",
    "IamRole": "service-role/FairleadNode",
}


def _calls() -> Iterator[Call]:
    for state in ("Active", "History"):
        yield "DescribeSessions", {"State": state}
        for key, value in SESSION_FILTERS.items():
            if (state, key) != ("Active", "Status"):
                yield "DescribeSessions", {"State": state, "Filters": [{"key": key, "value": value}]}
    yield "DescribeInstanceInformation", {}
    for key, value in NODE_FILTERS.items():
        yield "DescribeInstanceInformation", {"Filters": [{"Key": key, "Values": [value]}]}
    yield "DescribeInstanceProperties", {}
    for operator in ("Equal", "NotEqual"):
        for key, value in NODE_FILTERS.items():
            condition = {"Key": key, "Values": [value], "Operator": operator}
            yield "DescribeInstanceProperties", {"FiltersWithOperator": [condition]}
    yield "DescribeActivations", {}
    for key, value in ACTIVATION_FILTERS.items():
        yield "DescribeActivations", {"Filters": [{"FilterKey": key, "FilterValues": [value]}]}
    yield "LookupEvents", {}
    yield "LookupEvents", {"StartTime": 1_793_000_000, "EndTime": 1_794_000_000}
    for key in LOOKUP_ATTRIBUTES:
        yield "LookupEvents", {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": "true"}]}
    yield "ListDocumentVersions", {"Name": "Mine"}
    for name in (
        "DescribeNodes",
        "ListDocuments",
        "ListUsers",
        "ListRoles",
        "ListGroups",
        "ListPolicies",
        "ListVirtualMFADevices",
        "ExportIdentities",
        "ExportAuditEvents",
        "DescribeServerDrain",
    ):
        yield name, {}
    yield "FindPrincipals", {"Action": "ssm:StartSession", "Resources": ["*"]}


CALLS = list(_calls())
"""Operation and members of each."""


class Listings:
    """Makes calls over a database, in the name of an administrator."""

    def __init__(self, engine: Engine) -> None:
        migrate(engine)
        self.world = World(SqlStore(engine, XorSealer()))
        self.caller = self.world.user("admin")
        self.world.node()
        content = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}}
        document = {"Name": "Mine", "DocumentType": "Session", "Content": json.dumps(content)}
        self._handlers: dict[str, tuple[type[Any], Callable[[Any], Any]]] = {
            operation.name: (operation.input, handler)
            for operation, handler in handlers_for(use_cases_of(self.world)).items()
        }
        self.make("CreateDocument", document)

    def make(self, name: str, members: dict[str, Any]) -> None:
        """Make a call; what it raises is raised."""
        structure, handler = self._handlers[name]
        request = json_protocol.decode(structure, json.dumps(members).encode())
        handler(SimpleNamespace(known_caller=self.caller, input=request))
