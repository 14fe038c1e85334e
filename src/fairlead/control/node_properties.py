"""DescribeInstanceProperties: the listing of nodes once more, with conditions that may be turned round."""

from dataclasses import replace

from fairlead.control.calls import Call
from fairlead.control.node_listing import check_ids, joined, page_of_nodes, query_for
from fairlead.control.sealing import Sealer
from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue
from fairlead.domain.operations.node_properties import (
    EQUAL,
    NOT_EQUAL,
    DescribeInstancePropertiesRequest,
    DescribeInstancePropertiesResponse,
    InstanceProperty,
)

DEFAULT_PAGE = 50

Condition = tuple[str, tuple[str, ...]]
"""A key and the values of which any may be."""


def describe(
    call: Call, sealer: Sealer, request: DescribeInstancePropertiesRequest
) -> DescribeInstancePropertiesResponse:
    """One page. Raises InvalidFilterKey, InvalidFilterValue, InvalidInstanceId or InvalidNextToken."""
    wanted, unwanted = _conditions(request)
    conditions = joined(wanted)
    excluded = [query_for(call, joined([condition])) for condition in unwanted]
    check_ids(call, conditions.get("InstanceIds", ()))
    query = query_for(call, conditions)
    if query is not None:
        query = replace(query, excluded=tuple(each for each in excluded if each is not None))
    items, next_token = page_of_nodes(
        call,
        sealer,
        query,
        (sorted(conditions.items()), unwanted),
        request.max_results or DEFAULT_PAGE,
        request.next_token,
    )
    return DescribeInstancePropertiesResponse(
        instance_properties=tuple(map(InstanceProperty.of, items)), next_token=next_token
    )


def _conditions(request: DescribeInstancePropertiesRequest) -> tuple[list[Condition], list[Condition]]:
    """What must hold of a node, and what must not."""
    if request.filters_with_operator and request.instance_property_filter_list:
        raise InvalidFilterKey("Give either FiltersWithOperator or InstancePropertyFilterList, not both.")
    wanted: list[Condition] = [
        (each.key, each.value_set) for each in request.instance_property_filter_list or ()
    ]
    unwanted: list[Condition] = []
    for each in request.filters_with_operator or ():
        if each.operator not in (None, EQUAL, NOT_EQUAL):
            raise InvalidFilterValue(
                f"The operator {each.operator} is not served; {EQUAL} and {NOT_EQUAL} are."
            )
        (unwanted if each.operator == NOT_EQUAL else wanted).append((each.key, each.values))
    return wanted, unwanted
