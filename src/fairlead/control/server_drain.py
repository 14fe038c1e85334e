"""Draining: a server that is about to be restarted takes no new session, and says who is left.

Whoever has a session keeps it, and may come back to it; nodes stay connected. Draining is a state of the
process and ends with it: a restart is what it was for.
"""

from datetime import datetime

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.notifier import AgentNotifier
from fairlead.control.paging import Listing, cut_page, decode_moment_and_id, encode_position
from fairlead.domain.callers import Caller
from fairlead.domain.errors import ServerDraining
from fairlead.domain.operations import server_drain as operations
from fairlead.domain.sessions import Session

DEFAULT_PAGE = 50


class ServerDrain:
    """The use cases of draining, and the question that StartSession asks. Thread-safe."""

    def __init__(self, env: Environment, notifier: AgentNotifier) -> None:
        self._env = env
        self._notifier = notifier
        self._since: datetime | None = None

    def check_takes_sessions(self) -> None:
        """Raises ServerDraining."""
        if self._since is not None:
            raise ServerDraining

    def stop(self) -> None:
        """The server stops: who still asks is told so, and not that no node is there."""
        self._since = self._since or self._env.now()

    def drain_server(
        self, caller: Caller, request: operations.DrainServerRequest
    ) -> operations.DrainServerResponse:
        """Take no new session from now on. Raises AccessDenied."""

        def work(call: Call) -> operations.DrainServerResponse:
            call.authorize(("*",))
            since = self._since or call.now
            call.after_commit(lambda: self._set(since))
            return operations.DrainServerResponse(draining_since=since)

        return perform(self._env, caller, operations.DRAIN_SERVER, request, work)

    def describe_server_drain(
        self, caller: Caller, request: operations.DescribeServerDrainRequest
    ) -> operations.DescribeServerDrainResponse:
        """One page of the sessions that are left, whether the server drains or not.

        Raises AccessDenied or InvalidNextToken.
        """

        def work(call: Call) -> operations.DescribeServerDrainResponse:
            call.authorize(("*",))
            return self._describe(call, request)

        return perform(self._env, caller, operations.DESCRIBE_SERVER_DRAIN, request, work)

    def cancel_server_drain(
        self, caller: Caller, request: operations.CancelServerDrainRequest
    ) -> operations.CancelServerDrainResponse:
        """Take sessions again; also where the server is not draining. Raises AccessDenied."""

        def work(call: Call) -> operations.CancelServerDrainResponse:
            call.authorize(("*",))
            call.after_commit(lambda: self._set(None))
            return operations.CancelServerDrainResponse()

        return perform(self._env, caller, operations.CANCEL_SERVER_DRAIN, request, work)

    def _set(self, since: datetime | None) -> None:
        self._since = since

    def _describe(
        self, call: Call, request: operations.DescribeServerDrainRequest
    ) -> operations.DescribeServerDrainResponse:
        scope, sealer = call.caller.scope, self._env.sealer
        listing = Listing(call.operation, scope.account_id, scope.region, None)
        size = request.max_results or DEFAULT_PAGE
        after_key = decode_moment_and_id(sealer, listing, request.next_token)
        page, has_more = cut_page(call.uow.sessions.active_page(after_key, size + 1), size)
        next_token = (
            encode_position(sealer, listing, page[-1].started_at.isoformat(), page[-1].id)
            if has_more
            else None
        )
        return operations.DescribeServerDrainResponse(
            draining_since=self._since,
            session_count=call.uow.sessions.count_active(),
            sessions=tuple(map(self._left, page)),
            next_token=next_token,
        )

    def _left(self, session: Session) -> operations.SessionLeft:
        bytes_to_node, bytes_to_client = self._notifier.bytes_of(session.id)
        return operations.SessionLeft(
            session_id=session.id,
            target=session.target,
            status=session.status.value,
            start_date=session.started_at,
            owner=session.owner_arn,
            bytes_to_node=bytes_to_node,
            bytes_to_client=bytes_to_client,
        )
