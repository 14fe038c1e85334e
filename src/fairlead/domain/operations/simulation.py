"""Inputs and outputs of the `iam` operations that simulate policies.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Boolean, ListOf, Operation, String, Structure, member
from fairlead.domain.operations.identities import ARN, MARKER, MAX_ITEMS, NAME_PATTERN, POLICY_DOCUMENT

_POLICIES = ListOf(POLICY_DOCUMENT)
_ACTION = String(min=3, max=128)
_RESOURCE = String(min=1, max=2048)
_KEY_NAME = String(min=5, max=256)
_DECISION = String(enum=("allowed", "explicitDeny", "implicitDeny"))
_HANDLING = String(min=1, max=64)
_ATTACHED_NAME = String(min=1, max=128, pattern=NAME_PATTERN)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextEntry:
    """A context key of the simulated request, with its values."""

    context_key_name: str | None = member("ContextKeyName", _KEY_NAME)
    context_key_values: tuple[str, ...] | None = member("ContextKeyValues", ListOf(String()))
    context_key_type: str | None = member(
        "ContextKeyType",
        String(
            enum=(
                "string",
                "stringList",
                "numeric",
                "numericList",
                "boolean",
                "booleanList",
                "ip",
                "ipList",
                "binary",
                "binaryList",
                "date",
                "dateList",
            )
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinePolicyIdentifier:
    """An inline policy of a user, group or role."""

    policy_name: str = member("PolicyName", _ATTACHED_NAME, required=True)
    attachment_type: str = member("AttachmentType", String(enum=("user", "group", "role")), required=True)
    attachment_name: str = member("AttachmentName", _ATTACHED_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyIdentifier:
    """Policies to leave out: all of a type, a managed one, or an inline one."""

    policy_type: str | None = member(
        "PolicyType",
        String(enum=("inline", "aws-managed", "user-managed", "permission-boundary", "scp", "rcp")),
    )
    policy_arn: str | None = member("PolicyArn", ARN)
    inline_policy_identifier: InlinePolicyIdentifier | None = member(
        "InlinePolicyIdentifier", Structure(InlinePolicyIdentifier)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationPolicies:
    """Policies of one level of an organization (`OrderedOrganizationPolicyType` in the API)."""

    service_control_policy_input_list: tuple[str, ...] | None = member(
        "ServiceControlPolicyInputList", _POLICIES
    )


_ENTRIES = ListOf(Structure(ContextEntry))


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateCustomPolicyRequest:
    """Policies that need not be anybody's, and what is asked of them."""

    policy_input_list: tuple[str, ...] = member("PolicyInputList", _POLICIES, required=True)
    permissions_boundary_policy_input_list: tuple[str, ...] | None = member(
        "PermissionsBoundaryPolicyInputList", _POLICIES
    )
    ordered_organization_policy_input_list: tuple[OrganizationPolicies, ...] | None = member(
        "OrderedOrganizationPolicyInputList", ListOf(Structure(OrganizationPolicies), max=7)
    )
    action_names: tuple[str, ...] = member("ActionNames", ListOf(_ACTION), required=True)
    resource_arns: tuple[str, ...] | None = member("ResourceArns", ListOf(_RESOURCE))
    resource_policy: str | None = member("ResourcePolicy", POLICY_DOCUMENT)
    resource_owner: str | None = member("ResourceOwner", _RESOURCE)
    caller_arn: str | None = member("CallerArn", _RESOURCE)
    context_entries: tuple[ContextEntry, ...] | None = member("ContextEntries", _ENTRIES)
    resource_handling_option: str | None = member("ResourceHandlingOption", _HANDLING)
    max_items: int | None = member("MaxItems", MAX_ITEMS)
    marker: str | None = member("Marker", MARKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatePrincipalPolicyRequest:
    """Somebody's policies, perhaps some more, and what is asked of them."""

    policy_source_arn: str = member("PolicySourceArn", ARN, required=True)
    policy_input_list: tuple[str, ...] | None = member("PolicyInputList", _POLICIES)
    permissions_boundary_policy_input_list: tuple[str, ...] | None = member(
        "PermissionsBoundaryPolicyInputList", _POLICIES
    )
    policy_exclusion_list: tuple[PolicyIdentifier, ...] | None = member(
        "PolicyExclusionList", ListOf(Structure(PolicyIdentifier), max=256)
    )
    action_names: tuple[str, ...] = member("ActionNames", ListOf(_ACTION), required=True)
    resource_arns: tuple[str, ...] | None = member("ResourceArns", ListOf(_RESOURCE))
    resource_policy: str | None = member("ResourcePolicy", POLICY_DOCUMENT)
    resource_owner: str | None = member("ResourceOwner", _RESOURCE)
    caller_arn: str | None = member("CallerArn", _RESOURCE)
    context_entries: tuple[ContextEntry, ...] | None = member("ContextEntries", _ENTRIES)
    resource_handling_option: str | None = member("ResourceHandlingOption", _HANDLING)
    max_items: int | None = member("MaxItems", MAX_ITEMS)
    marker: str | None = member("Marker", MARKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedStatement:
    """A statement that decided (`Statement` in the API), by the policy that it stands in."""

    source_policy_id: str | None = member("SourcePolicyId", String())
    source_policy_type: str | None = member(
        "SourcePolicyType",
        String(enum=("user", "group", "role", "aws-managed", "user-managed", "resource", "none")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryDecisionDetail:
    """What the permissions boundary alone says (`PermissionsBoundaryDecisionDetail` in the API)."""

    allowed_by_permissions_boundary: bool | None = member("AllowedByPermissionsBoundary", Boolean())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpecificResult:
    """The outcome for one resource."""

    eval_resource_name: str = member("EvalResourceName", _RESOURCE, required=True)
    eval_resource_decision: str = member("EvalResourceDecision", _DECISION, required=True)
    matched_statements: tuple[MatchedStatement, ...] | None = member(
        "MatchedStatements", ListOf(Structure(MatchedStatement))
    )
    missing_context_values: tuple[str, ...] | None = member("MissingContextValues", ListOf(_KEY_NAME))
    permissions_boundary_decision_detail: BoundaryDecisionDetail | None = member(
        "PermissionsBoundaryDecisionDetail", Structure(BoundaryDecisionDetail)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """The outcome for one action on one resource."""

    eval_action_name: str = member("EvalActionName", _ACTION, required=True)
    eval_resource_name: str | None = member("EvalResourceName", _RESOURCE)
    eval_decision: str = member("EvalDecision", _DECISION, required=True)
    matched_statements: tuple[MatchedStatement, ...] | None = member(
        "MatchedStatements", ListOf(Structure(MatchedStatement))
    )
    missing_context_values: tuple[str, ...] | None = member("MissingContextValues", ListOf(_KEY_NAME))
    permissions_boundary_decision_detail: BoundaryDecisionDetail | None = member(
        "PermissionsBoundaryDecisionDetail", Structure(BoundaryDecisionDetail)
    )
    resource_specific_results: tuple[ResourceSpecificResult, ...] | None = member(
        "ResourceSpecificResults", ListOf(Structure(ResourceSpecificResult))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatePolicyResponse:
    """One page of outcomes, action by action and within it resource by resource."""

    evaluation_results: tuple[EvaluationResult, ...] | None = member(
        "EvaluationResults", ListOf(Structure(EvaluationResult))
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContextKeysForCustomPolicyRequest:
    """Policies that need not be anybody's."""

    policy_input_list: tuple[str, ...] = member("PolicyInputList", _POLICIES, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContextKeysForPrincipalPolicyRequest:
    """Somebody's policies, and perhaps some more."""

    policy_source_arn: str = member("PolicySourceArn", ARN, required=True)
    policy_input_list: tuple[str, ...] | None = member("PolicyInputList", _POLICIES)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetContextKeysForPolicyResponse:
    """The context keys that the policies refer to."""

    context_key_names: tuple[str, ...] | None = member("ContextKeyNames", ListOf(_KEY_NAME))


SIMULATE_CUSTOM_POLICY = Operation(
    "iam", "SimulateCustomPolicy", SimulateCustomPolicyRequest, SimulatePolicyResponse
)
SIMULATE_PRINCIPAL_POLICY = Operation(
    "iam", "SimulatePrincipalPolicy", SimulatePrincipalPolicyRequest, SimulatePolicyResponse
)
GET_CONTEXT_KEYS_FOR_CUSTOM_POLICY = Operation(
    "iam",
    "GetContextKeysForCustomPolicy",
    GetContextKeysForCustomPolicyRequest,
    GetContextKeysForPolicyResponse,
)
GET_CONTEXT_KEYS_FOR_PRINCIPAL_POLICY = Operation(
    "iam",
    "GetContextKeysForPrincipalPolicy",
    GetContextKeysForPrincipalPolicyRequest,
    GetContextKeysForPolicyResponse,
)
