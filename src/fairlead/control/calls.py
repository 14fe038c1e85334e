"""The course of every API call: one transaction with its audit record, then the news to others.

A use case is a function of a `Call`. What it changes and the record of it are committed together; a refusal
undoes the changes and is recorded by itself; and only what is committed is told (`Call.after_commit`), also
where several calls share a transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from fairlead.aws.errors import AwsError
from fairlead.aws.shapes import Operation
from fairlead.control.audit import call_record
from fairlead.control.authorization import NO_MORE_KEYS, NO_RESOURCE_KEYS, ResourceContext, authorize
from fairlead.control.environment import Environment
from fairlead.control.throttling import source_key
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import DomainError, StorageFull
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import Decision

Response = TypeVar("Response")


@dataclass(slots=True)
class Call:
    """One call in its transaction. `now` is the same moment throughout."""

    uow: UnitOfWork
    caller: Caller
    operation: Operation
    now: datetime
    decisions: list[Decision] = field(default_factory=list)
    _news: list[Callable[[], None]] = field(default_factory=list)

    def authorize(
        self,
        resources: Sequence[str],
        *,
        action: str | None = None,
        context: Mapping[str, ContextValue] = NO_MORE_KEYS,
        resource_context: ResourceContext = NO_RESOURCE_KEYS,
    ) -> None:
        """Raise AccessDenied unless the caller may do this operation (or `action`) to all the resources."""
        decision = authorize(
            self.uow,
            self.caller,
            action or self.operation.action,
            resources,
            self.now,
            context,
            resource_context,
        )
        self.decisions.append(decision)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Do this once the transaction is committed, and never if it is not."""
        self._news.append(tell)

    def tell_news(self) -> None:
        """Do what was to be done after the commit."""
        for tell in self._news:
            tell()


def perform(
    env: Environment,
    caller: Caller,
    operation: Operation,
    request: object,
    work: Callable[[Call], Response],
    *,
    may_record_refusal: Callable[[], bool] = lambda: True,
) -> Response:
    """Run a use case for a caller, record it, and tell its news. Raises what `work` raises.

    `may_record_refusal` is asked for a refusal only; one that is not recorded is counted, and so are all
    while the disk is full: what room is left is for those who set that right.
    """
    decisions: list[Decision] = []
    try:
        with env.store.transaction() as uow:
            call = Call(uow, caller, operation, env.now(), decisions)
            response = work(call)
            uow.audit.add(
                call_record(env, caller, operation, request, response=response, decisions=call.decisions)
            )
    except DomainError as error:
        if may_record_refusal() and not isinstance(error, StorageFull):
            record_refusal(env, caller, operation, request, error, decisions)
        else:
            count_refusal(env, caller.origin, error, operation)
        raise
    env.store.once_committed(call.tell_news)
    return response


def perform_unrecorded(
    env: Environment, caller: Caller, operation: Operation, work: Callable[[Call], Response]
) -> Response:
    """Run what nodes do many times an hour and what changes nothing: as `perform`, but only a refusal leaves
    a record. The others are counted.
    """
    try:
        with env.store.read() as uow:
            call = Call(uow, caller, operation, env.now())
            response = work(call)
    except DomainError as error:
        record_refusal(env, caller, operation, None, error)
        raise
    env.tallies.count_call(operation.name)
    call.tell_news()
    return response


def record_refusal(
    env: Environment,
    caller: Caller,
    operation: Operation,
    request: object | None,
    error: DomainError | AwsError,
    decisions: Sequence[Decision] = (),
) -> None:
    """Record a refused call in a transaction of its own.

    `perform` does it for what a use case refuses; the edge does it for calls that it refuses before they get
    there, such as a member that breaks its constraint.
    """
    with env.store.transaction() as uow:
        uow.audit.add(call_record(env, caller, operation, request, error=error, decisions=decisions))


def count_refusal(env: Environment, origin: Origin, error: Exception, operation: Operation | None) -> None:
    """Count a refusal that gets no record of its own, by source and code."""
    env.tallies.count_refusal(source_key(origin.source_address), env.error_code(error, operation), env.now())
