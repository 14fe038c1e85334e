"""Members and constraints of every operation, compared with the service models that botocore carries.

Inputs must be equal to the last constraint. Outputs may leave members out that the server never has, all of
which are listed here; what they do have must be equal.
"""

from dataclasses import fields, is_dataclass

import pytest

from fairlead.aws.shapes import (
    Blob,
    Boolean,
    Integer,
    ListOf,
    MapOf,
    Operation,
    String,
    Structure,
    Timestamp,
    members_of,
)
from fairlead.domain.operations.catalogue import (
    ALL_OPERATIONS,
    NODE_KEY_OPERATIONS,
    UNSIGNED_OPERATIONS,
)

botocore_session = pytest.importorskip("botocore.session")

AGENT_ONLY = {
    "RegisterManagedInstance",
    "RequestManagedInstanceRoleToken",
    "UpdateManagedInstancePublicKey",
    "UpdateInstanceInformation",
    "ListInstanceAssociations",
}
"""Operations that only agents call; no public model has them."""

LOOSER = {
    ("TokenValue", "max"): "live tokens are longer than the published bound, and clients do not check it",
}
"""Constraints that ours lack on purpose."""

CHECKED_LATER = {("cloudtrail:LookupEvents", "MaxResults")}
"""Members whose bounds the use case checks, since the service has an error of its own for them."""

SECRET = {
    "TokenValue",
    "ActivationCode",
    "SessionToken",
    "TokenCode",
    "AuthenticationCode1",
    "AuthenticationCode2",
}
"""Members that the model does not mark as sensitive, and ours do."""

NOT_PRODUCED = {
    "GetDocumentResult": {"StatusInformation", "Requires", "AttachmentsContent", "ReviewStatus"},
    "DocumentDescription": {
        "Sha1",
        "StatusInformation",
        "AttachmentsInformation",
        "Requires",
        "Author",
        "ReviewInformation",
        "ApprovedVersion",
        "PendingReviewVersion",
        "ReviewStatus",
        "Category",
        "CategoryEnum",
    },
    "DocumentIdentifier": {"Requires", "ReviewStatus", "Author"},
    "DocumentVersionInfo": {"StatusInformation", "ReviewStatus"},
    "InstanceInformation": {
        "IsLatestVersion",
        "AssociationStatus",
        "LastAssociationExecutionDate",
        "LastSuccessfulAssociationExecutionDate",
        "AssociationOverview",
        "SourceLocation",
    },
    "InstanceProperty": {
        "InstanceType",
        "InstanceRole",
        "KeyName",
        "InstanceState",
        "Architecture",
        "LaunchTime",
        "AvailabilityZone",
        "AssociationStatus",
        "LastAssociationExecutionDate",
        "LastSuccessfulAssociationExecutionDate",
        "AssociationOverview",
        "SourceLocation",
    },
    "User": {"PasswordLastUsed"},
    "Role": {"RoleLastUsed", "SourceRoleTemplate"},
    "Policy": {"Tags"},
    "EvaluationResult": {"OrganizationsDecisionDetail", "EvalDecisionDetails"},
    "ResourceSpecificResult": {"EvalDecisionDetails"},
    "Statement": {"StartPosition", "EndPosition"},
    "VirtualMFADevice": {"Tags"},
}
"""By structure of the model: output members without a counterpart here, such as passwords."""

OWN_SERVICE = "fairlead"
"""Operations of our own, which no model of AWS's has."""

MODELLED = [
    operation
    for operation in ALL_OPERATIONS
    if operation.name not in AGENT_ONLY and operation.service != OWN_SERVICE
]


@pytest.fixture(scope="module")
def models():
    session = botocore_session.get_session()
    return {service: session.get_service_model(service) for service in ("ssm", "sts", "iam", "cloudtrail")}


@pytest.mark.parametrize("operation", MODELLED, ids=lambda operation: operation.action)
def test_input_equals_the_published_model(operation, models):
    model = models[operation.service].operation_model(operation.name)
    expected = modelled(model.input_shape, {})
    for action, name in CHECKED_LATER:
        if action == operation.action:
            expected[name] = {key: each for key, each in expected[name].items() if key not in ("min", "max")}
    assert described(operation.input) == expected


@pytest.mark.parametrize("operation", MODELLED, ids=lambda operation: operation.action)
def test_output_equals_the_published_model_but_for_what_is_never_produced(operation, models):
    model = models[operation.service].operation_model(operation.name)
    assert described(operation.output) == modelled(model.output_shape, NOT_PRODUCED)


def test_agent_only_operations_are_in_no_published_model(models):
    assert not AGENT_ONLY & set(models["ssm"].operation_names)


def test_what_is_never_produced_is_in_the_model(models):
    for name, lacking in NOT_PRODUCED.items():
        shapes = [model.shape_for(name) for model in models.values() if name in model.shape_names]
        assert any(lacking <= set(getattr(shape, "members", ())) for shape in shapes)


def test_every_operation_is_there_once():
    assert len({operation.action for operation in ALL_OPERATIONS}) == len(ALL_OPERATIONS)


def test_operations_with_other_credentials_are_operations_of_the_catalogue():
    assert set(ALL_OPERATIONS) >= UNSIGNED_OPERATIONS | NODE_KEY_OPERATIONS
    assert not UNSIGNED_OPERATIONS & NODE_KEY_OPERATIONS


@pytest.mark.parametrize("operation", ALL_OPERATIONS, ids=lambda operation: operation.action)
def test_shapes_are_frozen_and_know_each_member_once(operation: Operation):
    for structure in (operation.input, operation.output):
        assert is_dataclass(structure)
        assert structure.__dataclass_params__.frozen
        names = [member.wire_name for member in members_of(structure)]
        assert len(names) == len(set(names)) == len(fields(structure))


def described(structure):
    """Our structure as plain data."""
    return {
        member.wire_name: {"required": member.required, **described_shape(member.wire_name, member.shape)}
        for member in members_of(structure)
    }


def described_shape(name, shape):
    match shape:
        case String(enum=enum, sensitive=sensitive):
            bounds = bounds_of(shape) | ({"pattern": shape.pattern} if shape.pattern else {})
            is_secret = sensitive and name not in SECRET
            return {"type": "string", "enum": set(enum), "sensitive": is_secret, **bounds}
        case Integer():
            return {"type": "integer", **bounds_of(shape)}
        case Boolean():
            return {"type": "boolean"}
        case Timestamp():
            return {"type": "timestamp"}
        case Blob():
            return {"type": "blob"}
        case ListOf(item=item):
            return {"type": "list", "item": described_shape(name, item), **bounds_of(shape)}
        case MapOf(key=key, value=value):
            entry = {"key": described_shape("", key), "value": described_shape("", value)}
            return {"type": "map", **entry, **bounds_of(shape)}
        case Structure(of=of):
            return {"type": "structure", "members": described(of)}


def bounds_of(shape):
    return {name: value for name in ("min", "max") if (value := getattr(shape, name)) is not None}


def modelled(shape, may_lack):
    """A structure of the published model as the same plain data."""
    if shape is None:
        return {}
    return {
        name: {"required": name in shape.required_members, **modelled_shape(name, member, may_lack)}
        for name, member in shape.members.items()
        if name not in may_lack.get(shape.name, ())
    }


def modelled_shape(name, shape, may_lack):
    metadata = shape.metadata
    bounds = {
        bound: metadata[bound]
        for bound in ("min", "max")
        if bound in metadata and (name, bound) not in LOOSER
    }
    match shape.type_name:
        case "string":
            pattern = {"pattern": metadata["pattern"]} if "pattern" in metadata else {}
            sensitive = bool(metadata.get("sensitive"))
            enum = set(metadata.get("enum", ()))
            return {"type": "string", "enum": enum, "sensitive": sensitive, **bounds, **pattern}
        case "list":
            return {"type": "list", "item": modelled_shape(name, shape.member, may_lack), **bounds}
        case "map":
            entry = {
                "key": modelled_shape("", shape.key, may_lack),
                "value": modelled_shape("", shape.value, may_lack),
            }
            return {"type": "map", **entry, **bounds}
        case "structure":
            return {"type": "structure", "members": modelled(shape, may_lack)}
        case other:
            return {"type": other, **bounds}
