"""No call that lists reads a whole table: the plan that the database makes for each of its statements."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Engine

from fairlead.api.handlers import handlers_for
from fairlead.aws import json_protocol
from fairlead.domain.audit import LOOKUP_ATTRIBUTES
from fairlead.domain.operations.catalogue import ALL_OPERATIONS
from fairlead.store.engine import open_engine
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore
from tests.support.api_client import use_cases_of
from tests.support.control_world import NODE_ID, World
from tests.support.query_plans import noted_selections, scans_of
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


class Desk:
    """Makes calls over a database."""

    def __init__(self, engine: Engine) -> None:
        migrate(engine)
        self.engine = engine
        self.world = World(SqlStore(engine, XorSealer()))
        self.caller = self.world.user("admin")
        self.world.node()
        content = {"schemaVersion": "1.0", "sessionType": "Port", "properties": {"portNumber": "22"}}
        document = {"Name": "Mine", "DocumentType": "Session", "Content": json.dumps(content)}
        self.make("CreateDocument", document)

    def make(self, name: str, members: dict[str, Any]) -> None:
        handlers: dict[str, tuple[type[Any], Callable[[Any], Any]]] = {
            operation.name: (operation.input, handler)
            for operation, handler in handlers_for(use_cases_of(self.world)).items()
        }
        structure, handler = handlers[name]
        request = json_protocol.decode(structure, json.dumps(members).encode())
        handler(SimpleNamespace(known_caller=self.caller, input=request))


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    engine = open_engine(database_url)
    yield Desk(engine)
    engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite-memory", "postgresql"], indirect=True)
def test_no_listing_reads_a_whole_table(desk: Desk) -> None:
    with noted_selections(desk.engine) as seen:
        for name, members in CALLS:
            desk.make(name, members)
    with desk.engine.connect() as connection:
        assert scans_of(connection, seen) == []


def test_every_operation_that_lists_is_among_them() -> None:
    tested = {name for name, _ in CALLS}
    small = {
        "ListAccessKeys",
        "ListAttachedGroupPolicies",
        "ListAttachedRolePolicies",
        "ListAttachedUserPolicies",
        "ListGroupPolicies",
        "ListGroupsForUser",
        "ListInstanceAssociations",
        "ListMFADevices",
        "ListPolicyVersions",
        "ListRolePolicies",
        "ListRoleTags",
        "ListTagsForResource",
        "ListUserPolicies",
        "ListUserTags",
    }
    """What one identity or resource has, a few of each by their quotas."""
    listing = {
        operation.name
        for operation in ALL_OPERATIONS
        if operation.name.startswith(("List", "Lookup", "Find", "Export"))
        or (operation.name.startswith("Describe") and operation.name != "DescribeDocument")
    }
    assert listing - small == tested
