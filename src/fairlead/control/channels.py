"""Control and data channels, as the gateway opens them: who may, with which token, and what comes of it.

Who is who is known from credentials and tokens, never from what a frame says. How a client's side is opened
has a module of its own, `client_openings`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from fairlead.control.authorization import authorize, deny, node_arn, session_arn
from fairlead.control.channel_tokens import ControlTokens, give_token, take_token
from fairlead.control.client_openings import ClientOpenings, active, token_refused
from fairlead.control.environment import Environment
from fairlead.control.node_twins import record_twins
from fairlead.control.notifier import AgentNotifier
from fairlead.control.security_events import SecurityEvents
from fairlead.control.text import MAX_DETAILS_CHARACTERS, printable
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import AccessDenied, SessionEnded
from fairlead.domain.nodes import ChannelSighting, Node, Presence
from fairlead.domain.resumption import ClientClaim
from fairlead.domain.sessions import ChannelSide, Session, SessionEnd, SessionStatus
from fairlead.domain.unit_of_work import UnitOfWork

Result = TypeVar("Result")

_CREATE_CONTROL_CHANNEL = "ssmmessages:CreateControlChannel"
_OPEN_CONTROL_CHANNEL = "ssmmessages:OpenControlChannel"
_CREATE_DATA_CHANNEL = "ssmmessages:CreateDataChannel"
_OPEN_DATA_CHANNEL = "ssmmessages:OpenDataChannel"
_NOT_THE_NODE = "because a node may use its own control channel only"
_NOT_THE_TARGET = "because a node may use the data channels of its own sessions only"


class Channels:
    """What the gateway asks and reports. Calls of nodes leave a record only when they are refused."""

    def __init__(self, env: Environment, notifier: AgentNotifier) -> None:
        self._env = env
        self._control_tokens = ControlTokens(env)
        self._events = SecurityEvents(env)
        self._client_openings = ClientOpenings(env, notifier, self._events)

    def create_control_channel(self, caller: Caller, node_id: str) -> str:
        """A token for the calling node's control channel; one given before is void. Raises AccessDenied."""

        def work(uow: UnitOfWork) -> str:
            self._require_own_node(uow, caller, node_id, _CREATE_CONTROL_CHANNEL)
            return self._control_tokens.give(node_id)

        return self._as_node(caller, _CREATE_CONTROL_CHANNEL, self._env.store.read, work)

    def open_control_channel(self, caller: Caller, node_id: str, token: str) -> datetime:
        """The moment from which the node's control channel is open. `control_channels_changed` records it.

        Raises AccessDenied or InvalidChannelToken.
        """

        def work(uow: UnitOfWork) -> Node | None:
            self._require_own_node(uow, caller, node_id, _OPEN_CONTROL_CHANNEL)
            if not self._control_tokens.take(token, node_id):
                return None
            return uow.nodes.get(caller.scope, node_id)

        node = self._as_node(caller, _OPEN_CONTROL_CHANNEL, self._env.store.read, work)
        if node is None:
            raise token_refused(self._events, caller, ChannelSide.CONTROL, node_id)
        return self._env.now()

    def control_channels_changed(self, opened: Sequence[Presence], closed: Sequence[Presence]) -> None:
        """Record who will be waited for after a restart: these control channels were opened, and these ended
        while the server ran. One that was opened before it ended may be in both."""
        with self._env.store.transaction() as uow:
            uow.nodes.set_connected(opened)
            uow.nodes.set_departed(closed)

    def connected_nodes(self) -> list[str]:
        """The ids of the nodes whose control channel was open when the server last ended."""
        with self._env.store.read() as uow:
            return uow.nodes.connected_ids()

    def create_data_channel(self, caller: Caller, session_id: str) -> str:
        """A token for the node's side of a session's data channel; one given before is void.

        Raises AccessDenied or SessionEnded.
        """

        def work(uow: UnitOfWork) -> str:
            session = self._require_own_session(uow, caller, session_id, _CREATE_DATA_CHANNEL)
            if not session.status.is_active:
                raise SessionEnded
            lifetime_s = self._env.settings.agent_token_lifetime_s
            return give_token(self._env, uow, ChannelSide.AGENT, session_id, session.target, lifetime_s)

        return self._as_node(caller, _CREATE_DATA_CHANNEL, self._env.store.transaction, work)

    def open_agent_data_channel(
        self, caller: Caller, session_id: str, token: str, incarnation: str
    ) -> Session:
        """The session whose node side is open now, and whose holder is that process of the agent.

        Raises AccessDenied, InvalidChannelToken or SessionEnded.
        """

        def work(uow: UnitOfWork) -> Session | None:
            session = self._require_own_session(uow, caller, session_id, _OPEN_DATA_CHANNEL)
            if not take_token(self._env, uow, token, ChannelSide.AGENT, session_id, session.target):
                return None
            if session.agent_incarnation == incarnation:
                return session
            uow.sessions.set_agent_incarnation(session_id, incarnation)
            return replace(session, agent_incarnation=incarnation)

        session = self._as_node(caller, _OPEN_DATA_CHANNEL, self._env.store.transaction, work)
        if session is None:
            raise token_refused(self._events, caller, ChannelSide.AGENT, session_id)
        return active(session)

    def open_client_data_channel(
        self, session_id: str, claim: ClientClaim, origin: Origin, may_record_refusal: Callable[[], bool]
    ) -> Session:
        """The session whose client side is open now; see `client_openings`.

        Raises InvalidChannelToken, UnknownResumeSecret, SessionEnded or Throttled.
        """
        return self._client_openings.open(session_id, claim, origin, may_record_refusal)

    def pending_sessions(self, node_id: str) -> list[Session] | None:
        """The sessions that are to be offered to a node: those still Connecting. None: there is no such node
        (any more)."""
        with self._env.store.read() as uow:
            node = uow.nodes.find(node_id)
            if node is None:
                return None
            sessions = uow.sessions.active_of_node(node.scope, node_id)
        return [session for session in sessions if session.status is SessionStatus.CONNECTING]

    def active_sessions(self) -> list[Session]:
        """Every session that is not over, of all nodes: what a gateway takes up after a start."""
        with self._env.store.read() as uow:
            return uow.sessions.active()

    def session_connected(self, session_id: str) -> bool:
        """Both sides are there. False if the session cannot become Connected, for instance as it is over."""
        return self._set_status(session_id, SessionStatus.CONNECTED)

    def session_disconnected(self, session_id: str) -> bool:
        """A side went away and may come back. False if the session cannot become Disconnected."""
        return self._set_status(session_id, SessionStatus.DISCONNECTED)

    def sessions_disconnected(self, session_ids: Sequence[str]) -> None:
        """As `session_disconnected`, for all that a server finds after its start, in one transaction."""
        with self._env.store.transaction() as uow:
            for session_id in session_ids:
                uow.sessions.set_status(session_id, SessionStatus.DISCONNECTED)

    def end_session(self, session_id: str, end: SessionEnd) -> bool:
        """Record how a session ended; False if it was over already.

        The node's token is void at once. The client's still opens nothing, but tells its holder why.
        Where the API ended the session before, only the byte counts of `end` are kept.
        """
        kept = replace(end, details=printable(end.details, MAX_DETAILS_CHARACTERS))
        with self._env.store.transaction() as uow:
            if uow.sessions.set_end(session_id, kept, self._env.now()):
                uow.sessions.void_tokens(session_id, ChannelSide.AGENT)
                return True
            session = uow.sessions.find(session_id)
            if session is not None and _has_no_traffic(session):
                uow.sessions.set_traffic(session_id, end.bytes_to_node, end.bytes_to_client)
            return False

    def twins_seen(self, caller: Caller, served: ChannelSighting, displaced: ChannelSighting) -> None:
        """Two agents are alive under the calling node's id; see `node_twins`."""
        record_twins(self._env, caller, served, displaced)

    def record_security_event(
        self, who: Caller | Origin, name: str, details: Mapping[str, str | int]
    ) -> None:
        """Record a refused frame, token or excess, in the audit trail. `details` hold no secret."""
        self._events.record(who, name, details)

    def _as_node(
        self,
        caller: Caller,
        action: str,
        begin: Callable[[], AbstractContextManager[UnitOfWork]],
        work: Callable[[UnitOfWork], Result],
    ) -> Result:
        self._env.tallies.count_call(action.partition(":")[2])
        try:
            with begin() as uow:
                return work(uow)
        except AccessDenied as error:
            self._events.record(caller, "ChannelRefused", {"message": str(error)})
            raise

    def _require_own_node(self, uow: UnitOfWork, caller: Caller, node_id: str, action: str) -> None:
        arn = node_arn(caller, node_id)
        if caller.kind is not CallerKind.NODE or caller.node_id != node_id:
            raise deny(caller, action, arn, _NOT_THE_NODE)
        authorize(uow, caller, action, (arn,), self._env.now())

    def _require_own_session(self, uow: UnitOfWork, caller: Caller, session_id: str, action: str) -> Session:
        arn = session_arn(caller, session_id)
        session = uow.sessions.get(caller.scope, session_id, to_change=True)
        if caller.kind is not CallerKind.NODE or session is None or session.target != caller.node_id:
            raise deny(caller, action, arn, _NOT_THE_TARGET)
        authorize(uow, caller, action, (arn,), self._env.now())
        return session

    def _set_status(self, session_id: str, status: SessionStatus) -> bool:
        with self._env.store.transaction() as uow:
            return uow.sessions.set_status(session_id, status)


def _has_no_traffic(session: Session) -> bool:
    return session.end is not None and not (session.end.bytes_to_node or session.end.bytes_to_client)
