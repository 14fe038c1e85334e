"""DescribeInstanceInformation: from filters to a query, and from nodes to what is listed of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from fairlead.control.calls import Call
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
from fairlead.control.sealing import Sealer
from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue, InvalidInstanceId
from fairlead.domain.nodes import Node, NodeKind, NodeQuery, PingStatus
from fairlead.domain.operations.nodes import (
    DescribeInstanceInformationRequest,
    DescribeInstanceInformationResponse,
    InstanceInformation,
)

DEFAULT_PAGE = 10
MAX_FILTERS = 50
"""More tags than this no node has; each one makes the search longer."""

SOURCE_TYPES: Mapping[NodeKind, str] = {
    NodeKind.HYBRID: "AWS::SSM::ManagedInstance",
    NodeKind.EC2: "AWS::EC2::Instance",
}
_TAG_KEY = "tag-key"
_TAG_PREFIX = "tag:"

_KEY_NAMES: Mapping[str, str] = {
    "AgentVersions": "AgentVersion",
    "PlatformTypes": "PlatformType",
}
"""Keys with two spellings, brought to one."""

_KEYS = frozenset(
    {
        "ActivationIds",
        "AgentVersion",
        "AssociationStatus",
        "IamRole",
        "InstanceIds",
        "PingStatus",
        "PlatformType",
        "ResourceType",
        "SourceIds",
        "SourceTypes",
    }
)
_ENUMS: Mapping[str, frozenset[str]] = {
    "PingStatus": frozenset(status.value for status in PingStatus),
    "ResourceType": frozenset(kind.value for kind in NodeKind),
    "SourceTypes": frozenset({*SOURCE_TYPES.values(), "AWS::IoT::Thing"}),
}


def describe(
    call: Call, sealer: Sealer, request: DescribeInstanceInformationRequest
) -> DescribeInstanceInformationResponse:
    """One page. Raises InvalidFilterKey, InvalidFilterValue, InvalidInstanceId or InvalidNextToken."""
    conditions = _conditions(request)
    check_ids(call, conditions.get("InstanceIds", ()))
    items, next_token = page_of_nodes(
        call,
        sealer,
        query_for(call, conditions),
        sorted(conditions.items()),
        request.max_results or DEFAULT_PAGE,
        request.next_token,
    )
    return DescribeInstanceInformationResponse(instance_information_list=items, next_token=next_token)


def page_of_nodes(
    call: Call, sealer: Sealer, query: NodeQuery | None, asked: object, size: int, token: str | None
) -> tuple[tuple[InstanceInformation, ...], str | None]:
    """One page of what a query finds, none for None, and the token for the next one, which is good for what
    was `asked`. Raises InvalidNextToken."""
    scope = call.caller.scope
    listing = Listing(call.operation, scope.account_id, scope.region, asked)
    position = decode_position(sealer, listing, token)
    if query is None:
        return (), None
    after_id = None if position is None else position[0]
    page, has_more = cut_page(
        call.uow.nodes.describe(replace(query, after_id=after_id, limit=size + 1)), size
    )
    next_token = encode_position(sealer, listing, page[-1].id) if has_more else None
    return tuple(_item(node, call.now) for node in page), next_token


def _conditions(request: DescribeInstanceInformationRequest) -> dict[str, list[str]]:
    """For each key the values that satisfy all its filters."""
    if request.filters and request.instance_information_filter_list:
        raise InvalidFilterKey("Give either Filters or InstanceInformationFilterList, not both.")
    given = [(item.key, item.values) for item in request.filters or ()]
    given += [(item.key, item.value_set) for item in request.instance_information_filter_list or ()]
    if len(given) > MAX_FILTERS:
        raise InvalidFilterKey(f"At most {MAX_FILTERS} filters can be given.")
    conditions = joined(given)
    if any(map(_is_by_tag, conditions)) and not all(map(_is_by_tag, conditions)):
        raise InvalidFilterKey("Filters by tag cannot be combined with other filters.")
    return conditions


def joined(given: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
    """For each key the values that satisfy all its conditions. Raises InvalidFilterKey or
    InvalidFilterValue."""
    conditions: dict[str, list[str]] = {}
    for spelled, values in given:
        key = _KEY_NAMES.get(spelled, spelled)
        _check_filter(key, values)
        before = conditions.get(key)
        conditions[key] = [value for value in values if before is None or value in before]
    return conditions


def _is_by_tag(key: str) -> bool:
    return key == _TAG_KEY or key.startswith(_TAG_PREFIX)


def _check_filter(key: str, values: Iterable[str]) -> None:
    if _is_by_tag(key):
        return
    if key not in _KEYS:
        known = ", ".join(sorted((*_KEYS, _TAG_KEY, f"{_TAG_PREFIX}NAME")))
        raise InvalidFilterKey(f"The filter key is not one of {known}.")
    allowed = _ENUMS.get(key)
    if allowed is not None and not allowed.issuperset(values):
        raise InvalidFilterValue(f"The filter {key} takes only {', '.join(sorted(allowed))}.")


def check_ids(call: Call, node_ids: Iterable[str]) -> None:
    """Raise InvalidInstanceId for one that is not there."""
    for node_id in node_ids:
        if call.uow.nodes.get(call.caller.scope, node_id) is None:
            raise InvalidInstanceId(f"Not existing InstanceId {node_id}")


def query_for(call: Call, conditions: Mapping[str, list[str]]) -> NodeQuery | None:
    """What to look for; None where no node can satisfy the conditions."""
    statuses = conditions.get("PingStatus")
    if not all(conditions.values()) or "AssociationStatus" in conditions:
        return None
    return NodeQuery(
        scope=call.caller.scope,
        kinds=_kinds(conditions),
        node_ids=_node_ids(conditions),
        activation_ids=conditions.get("ActivationIds"),
        iam_roles=conditions.get("IamRole"),
        agent_versions=conditions.get("AgentVersion"),
        platform_types=conditions.get("PlatformType"),
        ping_statuses=None if statuses is None else [PingStatus(status) for status in statuses],
        now=call.now,
        tags={
            key.removeprefix(_TAG_PREFIX): values
            for key, values in conditions.items()
            if key.startswith(_TAG_PREFIX)
        },
        tag_keys=conditions.get(_TAG_KEY),
    )


def _kinds(conditions: Mapping[str, list[str]]) -> list[NodeKind] | None:
    """Which kinds are listed; None for all.

    An EC2 node shows neither role nor activation, so a filter by them does not find it.
    """
    resources, sources = conditions.get("ResourceType"), conditions.get("SourceTypes")
    hybrid_only = "IamRole" in conditions or "ActivationIds" in conditions
    if resources is None and sources is None and not hybrid_only:
        return None
    return [
        kind
        for kind in NodeKind
        if (resources is None or kind.value in resources)
        and (sources is None or SOURCE_TYPES[kind] in sources)
        and (kind is NodeKind.HYBRID or not hybrid_only)
    ]


def _node_ids(conditions: Mapping[str, list[str]]) -> list[str] | None:
    """The source of a node is the node itself, so both keys name ids."""
    ids, sources = conditions.get("InstanceIds"), conditions.get("SourceIds")
    if ids is None or sources is None:
        return sources if ids is None else ids
    return [node_id for node_id in ids if node_id in sources]


def _item(node: Node, now: datetime) -> InstanceInformation:
    heartbeat = node.heartbeat
    is_hybrid = node.kind is NodeKind.HYBRID
    return InstanceInformation(
        instance_id=node.id,
        ping_status=node.ping_status(now).value,
        last_ping_date_time=node.last_ping_at,
        agent_version=heartbeat.agent_version or None,
        platform_type=heartbeat.platform_type or None,
        platform_name=heartbeat.platform_name or None,
        platform_version=heartbeat.platform_version or None,
        activation_id=node.activation_id if is_hybrid else None,
        iam_role=node.iam_role if is_hybrid else None,
        registration_date=node.registered_at if is_hybrid else None,
        resource_type=node.kind.value,
        name=node.name if is_hybrid else None,
        ip_address=heartbeat.ip_address or None,
        computer_name=heartbeat.computer_name or None,
        source_id=node.id,
        source_type=SOURCE_TYPES[node.kind],
    )
