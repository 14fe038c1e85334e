"""Control and data channels, as the gateway opens them: who may, with which token, and what comes of it.

Who is who is known from credentials and tokens, never from what a frame says. A token is bound to the side,
the channel and the holder that it was made for, and is taken at its first use, whatever comes of that use.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from fairlead.control.authorization import authorize, deny, node_arn, session_arn
from fairlead.control.environment import Environment
from fairlead.control.identifiers import channel_token, digest
from fairlead.control.security_events import SecurityEvents
from fairlead.control.text import printable
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import AccessDenied, InvalidChannelToken, SessionEnded
from fairlead.domain.nodes import Departure, Node
from fairlead.domain.sessions import ChannelSide, ChannelToken, Session, SessionEnd, SessionStatus
from fairlead.domain.unit_of_work import UnitOfWork

Result = TypeVar("Result")

MAX_DETAILS_CHARACTERS = 512
"""Longest text of a node that is kept with the end of a session."""

_CREATE_CONTROL_CHANNEL = "ssmmessages:CreateControlChannel"
_OPEN_CONTROL_CHANNEL = "ssmmessages:OpenControlChannel"
_CREATE_DATA_CHANNEL = "ssmmessages:CreateDataChannel"
_OPEN_DATA_CHANNEL = "ssmmessages:OpenDataChannel"
_NOT_THE_NODE = "because a node may use its own control channel only"
_NOT_THE_TARGET = "because a node may use the data channels of its own sessions only"


class Channels:
    """What the gateway asks and reports. Calls of nodes leave a record only when they are refused."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._events = SecurityEvents(env)

    def create_control_channel(self, caller: Caller, node_id: str) -> str:
        """A token for the calling node's control channel; one given before is void. Raises AccessDenied."""

        def work(uow: UnitOfWork) -> str:
            self._require_own_node(uow, caller, node_id, _CREATE_CONTROL_CHANNEL)
            return self._give_token(uow, ChannelSide.CONTROL, node_id, node_id)

        return self._as_node(caller, work)

    def open_control_channel(self, caller: Caller, node_id: str, token: str) -> Node:
        """The node whose control channel is open now, until `control_channels_closed` says otherwise.

        Raises AccessDenied or InvalidChannelToken.
        """

        def work(uow: UnitOfWork) -> Node | None:
            self._require_own_node(uow, caller, node_id, _OPEN_CONTROL_CHANNEL)
            if not self._take_token(uow, token, ChannelSide.CONTROL, node_id, node_id):
                return None
            uow.nodes.set_connected(node_id, self._env.now())
            return uow.nodes.get(caller.scope, node_id)

        node = self._as_node(caller, work)
        if node is None:
            raise self._token_refused(caller, ChannelSide.CONTROL, node_id)
        return node

    def control_channels_closed(self, departures: Sequence[Departure]) -> None:
        """These ended while the server ran: their nodes will not be waited for after a restart."""
        with self._env.store.transaction() as uow:
            uow.nodes.set_departed(departures)

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
            return self._give_token(uow, ChannelSide.AGENT, session_id, session.target)

        return self._as_node(caller, work)

    def open_agent_data_channel(self, caller: Caller, session_id: str, token: str) -> Session:
        """The session whose node side is open now.

        Raises AccessDenied, InvalidChannelToken or SessionEnded.
        """

        def work(uow: UnitOfWork) -> Session | None:
            session = self._require_own_session(uow, caller, session_id, _OPEN_DATA_CHANNEL)
            is_good = self._take_token(uow, token, ChannelSide.AGENT, session_id, session.target)
            return session if is_good else None

        session = self._as_node(caller, work)
        if session is None:
            raise self._token_refused(caller, ChannelSide.AGENT, session_id)
        return _active(session)

    def open_client_data_channel(self, session_id: str, token: str, origin: Origin | None = None) -> Session:
        """The session whose client side is open now; the token alone says who comes.

        A refusal is recorded under `origin`, if it is given. Raises InvalidChannelToken or SessionEnded.
        """
        with self._env.store.transaction() as uow:
            session = uow.sessions.find(session_id)
            holder = session.owner_id if session is not None else ""
            if not self._take_token(uow, token, ChannelSide.CLIENT, session_id, holder):
                session = None
        if session is None:
            raise self._token_refused(origin, ChannelSide.CLIENT, session_id)
        return _active(session)

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

    def record_security_event(
        self, who: Caller | Origin, name: str, details: Mapping[str, str | int]
    ) -> None:
        """Record a refused frame, token or excess, in the audit trail. `details` hold no secret."""
        self._events.record(who, name, details)

    def _as_node(self, caller: Caller, work: Callable[[UnitOfWork], Result]) -> Result:
        try:
            with self._env.store.transaction() as uow:
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
        session = uow.sessions.get(caller.scope, session_id)
        if caller.kind is not CallerKind.NODE or session is None or session.target != caller.node_id:
            raise deny(caller, action, arn, _NOT_THE_TARGET)
        authorize(uow, caller, action, (arn,), self._env.now())
        return session

    def _give_token(self, uow: UnitOfWork, side: ChannelSide, channel_id: str, holder: str) -> str:
        token = channel_token(self._env.random_bytes)
        lifetime = timedelta(seconds=self._env.settings.agent_token_lifetime_s)
        uow.sessions.void_tokens(channel_id, side)
        uow.sessions.add_token(
            ChannelToken(
                digest=digest(token),
                side=side,
                channel_id=channel_id,
                holder=holder,
                expires_at=self._env.now() + lifetime,
            )
        )
        return token

    def _take_token(
        self, uow: UnitOfWork, token: str, side: ChannelSide, channel_id: str, holder: str
    ) -> bool:
        """Use the token up, and say whether it was for this. The caller must not roll back after a no."""
        taken = uow.sessions.take_token(digest(token), self._env.now())
        return taken is not None and (taken.side, taken.channel_id, taken.holder) == (
            side,
            channel_id,
            holder,
        )

    def _token_refused(
        self, who: Caller | Origin | None, side: ChannelSide, channel_id: str
    ) -> InvalidChannelToken:
        if who is not None:
            self._events.record(who, "ChannelTokenRefused", {"side": side.value, "channelId": channel_id})
        return InvalidChannelToken(
            "The token is not valid for this channel: unknown, used, expired or given to another side."
        )

    def _set_status(self, session_id: str, status: SessionStatus) -> bool:
        with self._env.store.transaction() as uow:
            return uow.sessions.set_status(session_id, status)


def _active(session: Session) -> Session:
    if not session.status.is_active:
        raise SessionEnded(session.end.explanation if session.end is not None else None)
    return session


def _has_no_traffic(session: Session) -> bool:
    return session.end is not None and not (session.end.bytes_to_node or session.end.bytes_to_client)
