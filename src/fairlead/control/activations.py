"""Activations: the leave for machines to register, given for a number of them, a time and a role."""

from datetime import datetime, timedelta

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identifiers import activation_code, digest, uuid_text
from fairlead.control.identity_tags import tag_keys
from fairlead.control.paging import Listing, cut_page, decode_moment_and_id, encode_position
from fairlead.control.resource_tags import tags_by_key
from fairlead.control.roles import require_passable_role
from fairlead.control.setting_values import value_of
from fairlead.domain.activations import DEFAULT_LIFETIME, Activation, ActivationQuery
from fairlead.domain.callers import Caller
from fairlead.domain.errors import (
    InvalidActivationId,
    InvalidFilterKey,
    InvalidFilterValue,
    InvalidParameters,
    InvalidRequest,
)
from fairlead.domain.operations import activations as operations
from fairlead.domain.service_settings import MAX_ACTIVATION_DAYS, days

DEFAULT_REGISTRATION_LIMIT = 1
DEFAULT_PAGE = 50
MAX_TAGS = 50
MAX_FILTER_VALUES = 100
"""Of all filters of a listing together."""


class Activations:
    """The use cases of activations."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def create_activation(
        self, caller: Caller, request: operations.CreateActivationRequest
    ) -> operations.CreateActivationResponse:
        """A new activation. Its code is in the answer and nowhere else.

        The caller must be allowed to pass the role on: nodes will act with it. Raises AccessDenied,
        InvalidParameters or InvalidRequest.
        """

        def work(call: Call) -> operations.CreateActivationResponse:
            call.authorize(("*",), context=tag_keys({tag.key: tag.value for tag in request.tags or ()}))
            if request.registration_metadata:
                raise InvalidParameters("RegistrationMetadata is reserved and cannot be given.")
            require_passable_role(call, request.iam_role)
            code = activation_code(self._env.random_bytes)
            activation = Activation(
                id=uuid_text(self._env.random_bytes),
                scope=caller.scope,
                code_digest=digest(code),
                iam_role=request.iam_role,
                description=request.description,
                default_instance_name=request.default_instance_name,
                registration_limit=request.registration_limit or DEFAULT_REGISTRATION_LIMIT,
                registrations_count=0,
                expires_at=_expiry(request.expiration_date, call.now, self._max_lifetime(call)),
                created_at=call.now,
                tags=_tags(request.tags or ()),
            )
            call.uow.activations.add(activation)
            return operations.CreateActivationResponse(activation_id=activation.id, activation_code=code)

        return perform(self._env, caller, operations.CREATE_ACTIVATION, request, work)

    def describe_activations(
        self, caller: Caller, request: operations.DescribeActivationsRequest
    ) -> operations.DescribeActivationsResponse:
        """One page, newest first.

        Raises AccessDenied, InvalidFilterKey, InvalidFilterValue or InvalidNextToken.
        """

        def work(call: Call) -> operations.DescribeActivationsResponse:
            call.authorize(("*",))
            scope = caller.scope
            listing = Listing(call.operation, scope.account_id, scope.region, request.filters)
            size = request.max_results or DEFAULT_PAGE
            conditions = _conditions(request.filters or ())
            query = ActivationQuery(
                scope=scope,
                ids=conditions.get("ActivationIds"),
                default_instance_names=conditions.get("DefaultInstanceName"),
                iam_roles=conditions.get("IamRole"),
                after_key=decode_moment_and_id(self._env.sealer, listing, request.next_token),
                limit=size + 1,
            )
            page, has_more = cut_page(call.uow.activations.describe(query), size)
            next_token = None
            if has_more:
                last = page[-1]
                next_token = encode_position(self._env.sealer, listing, last.created_at.isoformat(), last.id)
            items = tuple(_item(activation, call.now) for activation in page)
            return operations.DescribeActivationsResponse(activation_list=items, next_token=next_token)

        return perform(self._env, caller, operations.DESCRIBE_ACTIVATIONS, request, work)

    def delete_activation(
        self, caller: Caller, request: operations.DeleteActivationRequest
    ) -> operations.DeleteActivationResponse:
        """No machine can register with it any more; those that did stay.

        Raises AccessDenied or InvalidActivationId.
        """

        def work(call: Call) -> operations.DeleteActivationResponse:
            call.authorize(("*",))
            if call.uow.activations.get(caller.scope, request.activation_id) is None:
                raise InvalidActivationId(f"Activation {request.activation_id} does not exist.")
            call.uow.activations.delete(request.activation_id)
            return operations.DeleteActivationResponse()

        return perform(self._env, caller, operations.DELETE_ACTIVATION, request, work)

    def _max_lifetime(self, call: Call) -> timedelta | None:
        return days(value_of(self._env, call.uow, call.caller.scope, MAX_ACTIVATION_DAYS))


def _expiry(asked: datetime | None, now: datetime, max_lifetime: timedelta | None) -> datetime:
    if asked is None:
        return now + DEFAULT_LIFETIME
    if asked <= now:
        raise InvalidRequest("The expiration date must be in the future.")
    if max_lifetime is not None and asked > now + max_lifetime:
        raise InvalidRequest(
            f"The expiration date must be at most {max_lifetime.days} days ahead "
            f"(the setting {MAX_ACTIVATION_DAYS})."
        )
    return asked


def _tags(tags: tuple[operations.Tag, ...]) -> tuple[tuple[str, str], ...]:
    if len(tags) > MAX_TAGS:
        raise InvalidRequest(f"An activation can have at most {MAX_TAGS} tags.")
    return tuple(tags_by_key(tags).items())


def _conditions(filters: tuple[operations.DescribeActivationsFilter, ...]) -> dict[str, list[str]]:
    """For each key the values that satisfy all its filters."""
    if sum(len(condition.filter_values or ()) for condition in filters) > MAX_FILTER_VALUES:
        raise InvalidFilterValue(f"Filters can have {MAX_FILTER_VALUES} values at most, all together.")
    conditions: dict[str, list[str]] = {}
    for condition in filters:
        if condition.filter_key is None or condition.filter_values is None:
            raise InvalidFilterKey("A filter needs both FilterKey and FilterValues.")
        before = conditions.get(condition.filter_key)
        conditions[condition.filter_key] = [
            value for value in condition.filter_values if before is None or value in before
        ]
    return conditions


def _item(activation: Activation, now: datetime) -> operations.ActivationItem:
    return operations.ActivationItem(
        activation_id=activation.id,
        description=activation.description,
        default_instance_name=activation.default_instance_name,
        iam_role=activation.iam_role,
        registration_limit=activation.registration_limit,
        registrations_count=activation.registrations_count,
        expiration_date=activation.expires_at,
        expired=activation.has_expired(now),
        created_date=activation.created_at,
        tags=tuple(operations.Tag(key=key, value=value) for key, value in activation.tags),
    )
