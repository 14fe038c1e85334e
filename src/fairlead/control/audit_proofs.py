"""The audit log for those who keep it elsewhere and check it: events in order, checkpoints, and proofs."""

from fairlead.control.audit_log import AuditLog, span_hashes
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.paging import Listing, decode_position, encode_position
from fairlead.domain.audit import StoredEvent
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidRequest
from fairlead.domain.operations import audit_log as operations
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.transparency.merkle import complete_nodes, consistency_spans, inclusion_spans

DEFAULT_PAGE = 200
MAX_PAGE_BYTES = 256 * 1024
"""Text of events in one answer, unless a single one is longer."""


class AuditProofs:
    """The use cases of the log's readers."""

    def __init__(self, env: Environment, log: AuditLog) -> None:
        self._env = env
        self._log = log

    def export_audit_events(
        self, caller: Caller, request: operations.ExportAuditEventsRequest
    ) -> operations.ExportAuditEventsResponse:
        """One page of the log. The pages of one export end where the log ended when the first was asked for.

        Raises AccessDenied, InvalidRequest or InvalidNextToken.
        """
        if request.next_token is None:
            self._log.sequence()

        def work(call: Call) -> operations.ExportAuditEventsResponse:
            call.authorize(("*",))
            return self._page(call, request)

        return perform(self._env, caller, operations.EXPORT_AUDIT_EVENTS, request, work)

    def get_audit_checkpoint(
        self, caller: Caller, request: operations.GetAuditCheckpointRequest
    ) -> operations.GetAuditCheckpointResponse:
        """A checkpoint of the log as it is before this call. Raises AccessDenied."""
        checkpoint = self._log.checkpoint()

        def work(call: Call) -> operations.GetAuditCheckpointResponse:
            call.authorize(("*",))
            return operations.GetAuditCheckpointResponse(
                checkpoint=checkpoint.note,
                public_key=str(self._log.key),
                first_index=call.uow.audit.first_kept(),
            )

        return perform(self._env, caller, operations.GET_AUDIT_CHECKPOINT, request, work)

    def get_audit_inclusion_proof(
        self, caller: Caller, request: operations.GetAuditInclusionProofRequest
    ) -> operations.GetAuditInclusionProofResponse:
        """That an event is in the log of some size. Raises AccessDenied or InvalidRequest."""
        self._log.sequence()

        def work(call: Call) -> operations.GetAuditInclusionProofResponse:
            call.authorize(("*",))
            event = call.uow.audit.find(request.event_id)
            if event is None:
                raise InvalidRequest("No event of this id is kept.")
            _check_size(call.uow, request.size)
            if event.index >= request.size:
                raise InvalidRequest(f"The event was recorded after the first {request.size}.")
            hashes = span_hashes(call.uow, inclusion_spans(event.index, request.size))
            return operations.GetAuditInclusionProofResponse(
                event=event.text, index=event.index, hashes=tuple(hashes)
            )

        return perform(self._env, caller, operations.GET_AUDIT_INCLUSION_PROOF, request, work)

    def get_audit_consistency_proof(
        self, caller: Caller, request: operations.GetAuditConsistencyProofRequest
    ) -> operations.GetAuditConsistencyProofResponse:
        """That a later log begins with an earlier one. Raises AccessDenied or InvalidRequest."""

        def work(call: Call) -> operations.GetAuditConsistencyProofResponse:
            call.authorize(("*",))
            _check_size(call.uow, request.second_size)
            if request.first_size > request.second_size:
                raise InvalidRequest("FirstSize must not be greater than SecondSize.")
            spans = consistency_spans(request.first_size, request.second_size)
            try:
                hashes = span_hashes(call.uow, spans)
            except KeyError:
                raise InvalidRequest(
                    f"Of the log of {request.first_size} events too little is kept to prove anything: "
                    "retention has cut it."
                ) from None
            return operations.GetAuditConsistencyProofResponse(hashes=tuple(hashes))

        return perform(self._env, caller, operations.GET_AUDIT_CONSISTENCY_PROOF, request, work)

    def _page(
        self, call: Call, request: operations.ExportAuditEventsRequest
    ) -> operations.ExportAuditEventsResponse:
        scope = call.caller.scope
        conditions = (request.start_time, request.end_time)
        listing = Listing(call.operation, scope.account_id, scope.region, conditions)
        position = decode_position(self._env.sealer, listing, request.next_token)
        if position is None:
            start, end = self._range(call.uow, request)
        else:
            start, end = map(int, position)
            if start < call.uow.audit.first_kept():
                raise InvalidRequest("Retention has cut what this export was to read next: begin it anew.")
        count = request.max_results or DEFAULT_PAGE
        page = _bounded(call.uow.audit.between(start, min(end, start + count)))
        following = start + len(page)
        return operations.ExportAuditEventsResponse(
            events=tuple(event.text for event in page),
            first_index=start,
            hashes_before=tuple(_hashes_before(call.uow, start)),
            next_token=encode_position(self._env.sealer, listing, str(following), str(end))
            if page and following < end
            else None,
        )

    def _range(self, uow: UnitOfWork, request: operations.ExportAuditEventsRequest) -> tuple[int, int]:
        """The first place, and the one after the last."""
        size = uow.audit.size()
        first = uow.audit.first_kept()
        start = end = None
        if request.start_time is not None:
            start = uow.audit.first_at(request.start_time)
            first = size if start is None else max(start, first)
        if request.end_time is not None:
            end = uow.audit.first_at(request.end_time)
        last = size if end is None else end
        return min(first, last), last


def _bounded(events: list[StoredEvent]) -> list[StoredEvent]:
    """As many as one answer may hold, and at least one."""
    total = 0
    for count, event in enumerate(events):
        total += len(event.text.encode())
        if count and total > MAX_PAGE_BYTES:
            return events[:count]
    return events


def _check_size(uow: UnitOfWork, size: int) -> None:
    if size > uow.audit.size():
        raise InvalidRequest(f"The log has {uow.audit.size()} events, and never had {size}.")


def _hashes_before(uow: UnitOfWork, size: int) -> list[bytes]:
    return span_hashes(uow, [_span(node) for node in complete_nodes(0, size)])


def _span(node: tuple[int, int]) -> tuple[int, int]:
    level, index = node
    return index << level, (index + 1) << level
