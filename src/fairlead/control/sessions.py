"""Sessions as people use them: start, resume, terminate, list, and whether a node is connected.

What happens on the channels of a session is `channels`; telling nodes is the notifier's.
"""

from collections.abc import Callable

from fairlead.control import session_listing
from fairlead.control.activation_tier import require_session_tier
from fairlead.control.authorization import deny, node_arn, session_arn
from fairlead.control.calls import Call, perform
from fairlead.control.channel_tokens import give_first_token, give_token
from fairlead.control.document_lookup import find_document, sent_document, session_times
from fairlead.control.environment import Environment
from fairlead.control.identifiers import session_id
from fairlead.control.notifier import AgentNotifier
from fairlead.control.references import document_reference
from fairlead.control.resource_tags import node_tag_keys, session_tag_keys
from fairlead.control.server_drain import ServerDrain
from fairlead.control.session_access import authorize_start
from fairlead.control.text import printable
from fairlead.control.throttling import TokenBuckets
from fairlead.control.user_locks import require_unlocked
from fairlead.control.versions import check_agent
from fairlead.domain.callers import Caller
from fairlead.domain.documents import DEFAULT_DOCUMENT, substitute
from fairlead.domain.errors import SessionNotFound, StorageFull, TargetNotConnected, Throttled
from fairlead.domain.nodes import Node
from fairlead.domain.operations import sessions as operations
from fairlead.domain.sessions import (
    ChannelSide,
    EndReason,
    Session,
    SessionEnd,
    SessionStatus,
)

MAX_REASON_CHARACTERS = 256
MAX_USER_AGENT_CHARACTERS = 1024
"""Kept with a session: what policies may look at when its client comes back."""


class Sessions:
    """The use cases of sessions."""

    def __init__(self, env: Environment, notifier: AgentNotifier, drain: ServerDrain) -> None:
        self._env = env
        self._notifier = notifier
        self._drain = drain
        self._throttle = TokenBuckets(env.settings.start_session_rate, env.settings.rate_limited_keys)

    def start_session(
        self, caller: Caller, request: operations.StartSessionRequest, stream_base_url: str
    ) -> operations.StartSessionResponse:
        """Start a session to a connected node, and offer it to the node once it is committed.

        A node that is expected back after a start of the server is as good: it is offered when it returns.

        `stream_base_url` is where the client is to connect, such as `wss://host:port`. Access is checked
        before anything is said about what exists. Raises AccessDenied, DocumentNotFound, InvalidParameters,
        ServerDraining, StorageFull, TargetNotConnected, TargetUnsupported or Throttled; then there is
        no session.
        """

        def work(call: Call) -> operations.StartSessionResponse:
            self._limit(call)
            session = self._new_session(call, request)
            call.uow.sessions.add(session)
            call.after_commit(lambda: self._notifier.session_started(session))
            return operations.StartSessionResponse(
                session_id=session.id,
                token_value=self._give_token(call, session, give_first_token),
                stream_url=stream_url(stream_base_url, session.id),
            )

        return perform(self._env, caller, operations.START_SESSION, request, work)

    def resume_session(
        self, caller: Caller, request: operations.ResumeSessionRequest, stream_base_url: str
    ) -> operations.ResumeSessionResponse:
        """A new token for a session of the caller's; tokens given before are void.

        A session that is over is answered without a token, which clients show as "timed out". Raises
        AccessDenied, SessionNotFound or Throttled.
        """

        def work(call: Call) -> operations.ResumeSessionResponse:
            self._limit(call)
            arn = session_arn(caller, request.session_id)
            session = call.uow.sessions.get(caller.scope, request.session_id, to_change=True)
            keys = session_tag_keys(caller, request.session_id, session)
            call.authorize((arn,), resource_context=keys)
            if session is None:
                raise SessionNotFound(f"Session {request.session_id} does not exist.")
            if session.owner_id != caller.principal_id:
                reason = "because another principal started the session"
                raise deny(caller, operations.RESUME_SESSION.action, arn, reason)
            if not session.status.is_active or session.status is SessionStatus.TERMINATING:
                return operations.ResumeSessionResponse(session_id=session.id)
            return operations.ResumeSessionResponse(
                session_id=session.id,
                token_value=self._give_token(call, session, give_token),
                stream_url=stream_url(stream_base_url, session.id),
            )

        return perform(self._env, caller, operations.RESUME_SESSION, request, work)

    def terminate_session(
        self, caller: Caller, request: operations.TerminateSessionRequest
    ) -> operations.TerminateSessionResponse:
        """End a session for good; both sides are told after the commit.

        Also answered for a session that is over or never was. Raises AccessDenied.
        """

        def work(call: Call) -> operations.TerminateSessionResponse:
            session = call.uow.sessions.get(caller.scope, request.session_id)
            keys = session_tag_keys(caller, request.session_id, session)
            call.authorize((session_arn(caller, request.session_id),), resource_context=keys)
            end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.TERMINATED_BY_API)
            if session is not None and call.uow.sessions.set_end(session.id, end, call.now):
                call.uow.sessions.void_tokens(session.id, ChannelSide.AGENT)
                call.after_commit(lambda: self._notifier.session_terminated(session, end))
            return operations.TerminateSessionResponse(session_id=request.session_id)

        return perform(self._env, caller, operations.TERMINATE_SESSION, request, work)

    def describe_sessions(
        self, caller: Caller, request: operations.DescribeSessionsRequest
    ) -> operations.DescribeSessionsResponse:
        """One page of active sessions, or of those that ended in the last 30 days; newest first.

        Raises AccessDenied, InvalidRequest (a filter value that cannot be read) or InvalidNextToken.
        """

        def work(call: Call) -> operations.DescribeSessionsResponse:
            call.authorize(("*",))
            return session_listing.describe(call, self._env.sealer, self._notifier.bytes_of, request)

        return perform(self._env, caller, operations.DESCRIBE_SESSIONS, request, work)

    def get_connection_status(
        self, caller: Caller, request: operations.GetConnectionStatusRequest
    ) -> operations.GetConnectionStatusResponse:
        """Whether a node's agent is connected now; an unknown node is not, nor is one that is expected back
        after a start of the server. Raises AccessDenied."""

        def work(call: Call) -> operations.GetConnectionStatusResponse:
            node = call.uow.nodes.get(caller.scope, request.target)
            keys = node_tag_keys(caller, node)
            call.authorize((node_arn(caller, request.target),), resource_context=keys)
            is_connected = node is not None and self._notifier.is_connected(node.id)
            return operations.GetConnectionStatusResponse(
                target=request.target, status="connected" if is_connected else "notconnected"
            )

        return perform(self._env, caller, operations.GET_CONNECTION_STATUS, request, work)

    def _limit(self, call: Call) -> None:
        if not self._throttle.take(call.caller.principal_id, call.now):
            raise Throttled

    def _new_session(self, call: Call, request: operations.StartSessionRequest) -> Session:
        """The session that is asked for, if the caller may have it and it can be had."""
        caller = call.caller
        require_unlocked(call)
        reference = document_reference(caller, request.document_name or DEFAULT_DOCUMENT)
        found = find_document(call.uow, caller.scope, reference)
        node = call.uow.nodes.get(caller.scope, request.target)
        is_checked = self._env.settings.default_document_is_checked or request.document_name is not None
        call.decisions.append(
            authorize_start(
                call.uow,
                caller,
                call.now,
                request.target,
                node,
                found,
                is_document_left_out=not is_checked,
            )
        )
        document = found.require()
        parameters = document.resolve_parameters(request.parameters or {})
        properties = substitute(document.properties, parameters)
        self._drain.check_takes_sessions()
        if not self._env.has_room():
            raise StorageFull
        if node is None:
            raise TargetNotConnected(request.target)
        require_session_tier(self._env, call.uow, node)
        if not self._is_reachable(node):
            raise TargetNotConnected(request.target)
        check_agent(node, document, is_ours=self._notifier.has_our_agent(node.id))
        times = session_times(call.uow, caller.scope, document)
        return Session(
            id=session_id(caller.name, self._env.random_bytes),
            scope=caller.scope,
            target=node.id,
            document_name=document.name,
            session_type=document.session_type,
            parameters=parameters,
            properties=properties,
            owner_arn=caller.arn,
            owner_id=caller.principal_id,
            source_address=caller.origin.source_address,
            status=SessionStatus.CONNECTING,
            started_at=call.now,
            reason=_kept_reason(request.reason),
            access_key_id=caller.access_key_id,
            owner_credentials=caller.temporary,
            user_agent=caller.origin.user_agent[:MAX_USER_AGENT_CHARACTERS],
            idle_timeout_minutes=times.idle,
            max_duration_minutes=times.max_duration,
            document=sent_document(document, parameters),
        )

    def _is_reachable(self, node: Node) -> bool:
        return self._notifier.is_connected(node.id) or self._notifier.is_reconnecting(node.id)

    def _give_token(self, call: Call, session: Session, give: Callable[..., str]) -> str:
        lifetime_s = self._env.settings.client_token_lifetime_s
        return give(self._env, call.uow, ChannelSide.CLIENT, session.id, session.owner_id, lifetime_s)


def _kept_reason(reason: str | None) -> str | None:
    return printable(reason, MAX_REASON_CHARACTERS) or None if reason is not None else None


def stream_url(base_url: str, session: str) -> str:
    """Where a client opens its data channel."""
    return f"{base_url}/v1/data-channel/{session}?role=publish_subscribe"
