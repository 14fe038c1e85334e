"""ListDocuments: from filters to what is listed. An account has few enough documents to look at them all."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from fairlead.control.calls import Call
from fairlead.control.document_views import identifier_of, identifier_of_aws
from fairlead.control.paging import Listing, page_of
from fairlead.control.sealing import Sealer
from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS, OWNER
from fairlead.domain.errors import InvalidFilterKey, InvalidFilterValue, InvalidRequest
from fairlead.domain.operations import documents as operations

DEFAULT_PAGE = 50
MAX_FILTER_VALUES = 100
"""Of all filters together: each is compared with each document."""
_TAG_PREFIX = "tag:"

Item = operations.DocumentIdentifier
Condition = tuple[str, Sequence[str]]
"""A key and the values of which any may be."""

_OWNERS: Mapping[str, Callable[[bool], bool]] = {
    "Self": lambda is_aws_owned: not is_aws_owned,
    "Private": lambda is_aws_owned: not is_aws_owned,
    "Amazon": lambda is_aws_owned: is_aws_owned,
    "Public": lambda is_aws_owned: is_aws_owned,
    "ThirdParty": lambda is_aws_owned: False,
    "All": lambda is_aws_owned: True,
}
_FIELDS: Mapping[str, Callable[[Item, str], bool]] = {
    "Name": lambda item, value: (item.name or "").startswith(value),
    "DocumentType": lambda item, value: item.document_type == value,
    "PlatformTypes": lambda item, value: value in (item.platform_types or ()),
    "TargetType": lambda item, value: item.target_type == value,
}


def list_documents(
    call: Call, sealer: Sealer, request: operations.ListDocumentsRequest
) -> operations.ListDocumentsResponse:
    """One page. Raises InvalidFilterKey, InvalidFilterValue, InvalidRequest or InvalidNextToken."""
    scope = call.caller.scope
    conditions = _conditions(request)
    found = [item for item in _all(call) if all(_holds(item, *each) for each in conditions)]
    page, next_token = page_of(
        sealer,
        Listing(call.operation, scope.account_id, scope.region, conditions),
        request.next_token,
        request.max_results or DEFAULT_PAGE,
        found,
        lambda item: (item.name or "",),
    )
    return operations.ListDocumentsResponse(document_identifiers=tuple(page), next_token=next_token)


def _all(call: Call) -> Iterable[Item]:
    yield from map(identifier_of_aws, AWS_OWNED_DOCUMENTS.values())
    for stored, version in call.uow.documents.all(call.caller.scope):
        yield identifier_of(stored, version)


def _conditions(request: operations.ListDocumentsRequest) -> tuple[Condition, ...]:
    if request.filters and request.document_filter_list:
        raise InvalidRequest("Give either Filters or DocumentFilterList, not both.")
    conditions: list[Condition] = [
        (condition.key or "", condition.values or ()) for condition in request.filters or ()
    ]
    conditions += [(condition.key, (condition.value,)) for condition in request.document_filter_list or ()]
    if sum(len(values) for _, values in conditions) > MAX_FILTER_VALUES:
        raise InvalidFilterValue(f"Filters can have {MAX_FILTER_VALUES} values at most, all together.")
    for key, values in conditions:
        _check(key, values)
    return tuple(conditions)


def _check(key: str, values: Sequence[str]) -> None:
    if key == "Owner":
        if len(values) != 1 or values[0] not in _OWNERS:
            raise InvalidFilterValue(f"The filter Owner takes one of {', '.join(_OWNERS)}.")
    elif key not in _FIELDS and not key.startswith(_TAG_PREFIX):
        raise InvalidFilterKey(
            f"The filter key {key} is not valid. Valid are Owner, {', '.join(_FIELDS)} and {_TAG_PREFIX}KEY."
        )


def _holds(item: Item, key: str, values: Sequence[str]) -> bool:
    if key == "Owner":
        return _OWNERS[values[0]](item.owner == OWNER)
    if key.startswith(_TAG_PREFIX):
        tags = {tag.key: tag.value for tag in item.tags or ()}
        return tags.get(key.removeprefix(_TAG_PREFIX)) in values
    return any(_FIELDS[key](item, value) for value in values)
