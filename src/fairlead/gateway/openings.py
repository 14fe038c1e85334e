"""From an open WebSocket to a place in the gateway: the open frame, and who may join what.

The first text frame presents a token. Until it comes only pings are answered; when it is here, reading pauses
until the token is judged. A client that is refused is told why in a `channel_closed`, since the stock client
waits for ever when its connection just closes; an agent reads the close code.
"""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Protocol

from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import DomainError, SessionEnded, Throttled, UnknownResumeSecret
from fairlead.domain.resumption import ClientClaim
from fairlead.domain.sessions import ChannelSide, Session
from fairlead.gateway.clock import Clock, Timer
from fairlead.gateway.close_codes import CloseCode
from fairlead.gateway.control_channels import ControlChannels
from fairlead.gateway.doorkeeper import Identity
from fairlead.gateway.live_sessions import LiveSessions, Run, TooManyDataChannels
from fairlead.gateway.messages import Messages
from fairlead.gateway.pacing import Pacing
from fairlead.gateway.presences import Presences
from fairlead.gateway.refusal_log import refusal_log
from fairlead.gateway.requests import ChannelAddress, ChannelKind, is_node
from fairlead.gateway.security_events import SecurityEvents
from fairlead.gateway.settings import GatewaySettings
from fairlead.gateway.socket_handlers import SocketHandler
from fairlead.gateway.sockets import ChannelSocket
from fairlead.gateway.work import BackgroundWork
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.open_channel import (
    AgentOpen,
    ClientOpen,
    parse_control_channel_open,
    parse_data_channel_open,
)


class TokenJudge(Protocol):
    """What openings ask of `control.channels`; each raises a DomainError for what is refused."""

    def open_control_channel(self, caller: Caller, node_id: str, token: str) -> datetime: ...
    def open_agent_data_channel(
        self, caller: Caller, session_id: str, token: str, incarnation: str
    ) -> Session: ...
    def open_client_data_channel(
        self, session_id: str, claim: ClientClaim, origin: Origin, may_record_refusal: Callable[[], bool]
    ) -> Session: ...


class Refusal(Exception):
    """An open frame that leads nowhere; the text is for the peer."""

    def __init__(self, text: str, code: CloseCode = CloseCode.REFUSED) -> None:
        super().__init__(text)
        self.code = code


class Openings:
    """Decides about open frames."""

    def __init__(
        self,
        *,
        judge: TokenJudge,
        run: Run,
        work: BackgroundWork,
        live_sessions: LiveSessions,
        control_channels: ControlChannels,
        presences: Presences,
        pacing: Pacing,
        messages: Messages,
        security_events: SecurityEvents,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        self._judge = judge
        self._run = run
        self._work = work
        self._live_sessions = live_sessions
        self._control_channels = control_channels
        self._presences = presences
        self._pacing = pacing
        self._messages = messages
        self._security_events = security_events
        self._settings = settings
        self._clock = clock

    def begin(
        self,
        socket: ChannelSocket,
        address: ChannelAddress,
        identity: Identity,
        recognised: Callable[[], None],
    ) -> "Opening":
        """Wait for the open frame of `socket`."""
        decide = self._open_control if address.kind is ChannelKind.CONTROL else self._open_data
        opening = Opening(socket, self._settings, self._clock, self._work)
        opening.start(
            lambda text: self._decide(opening, decide(opening, address.id, identity, text), recognised)
        )
        return opening

    async def _decide(
        self,
        opening: "Opening",
        decision: Coroutine[Any, Any, SocketHandler],  # Any: never sent to or yielded
        recognised: Callable[[], None],
    ) -> None:
        try:
            handler = await decision
        except Refusal as refusal:
            refusal_log.info("refused an open frame from %s: %s", opening.socket.source_address, refusal)
            opening.socket.close(refusal.code, str(refusal))
        except Exception:
            opening.socket.close(CloseCode.TRY_LATER, "the server could not do this now")
            raise
        else:
            if opening.socket.is_open:
                recognised()
            opening.hand_over(handler)

    async def _open_control(
        self, opening: "Opening", node_id: str, identity: Identity, text: bytes
    ) -> SocketHandler:
        caller = identity.caller
        assert caller is not None  # the upgrade has checked that it is the node itself
        try:
            frame = parse_control_channel_open(text)
            opened_at: datetime = await self._run(
                self._judge.open_control_channel, caller, node_id, frame.token_value
            )
        except Throttled as error:
            raise Refusal(str(error), CloseCode.TRY_LATER) from error
        except (MalformedMessage, DomainError) as error:
            raise Refusal(str(error)) from error
        opening.require_open()
        self._presences.opened(node_id, opened_at)
        opening.socket.resume_reading()
        opening.socket.require_signs_of_life()
        channel = self._control_channels.open(node_id, opening.socket, opened_at, caller, frame.incarnation)
        if frame.incarnation:
            self._pacing.opened(channel)
        return channel

    async def _open_data(
        self, opening: "Opening", session_id: str, identity: Identity, text: bytes
    ) -> SocketHandler:
        side = ChannelSide.AGENT if is_node(identity.caller) else ChannelSide.CLIENT
        try:
            frame = parse_data_channel_open(text)
            is_ours = frame.fairlead_version > 0
            if side is ChannelSide.AGENT:
                session = await self._open_agent(session_id, identity, frame)
            else:
                session = await self._open_client(session_id, identity, frame)
            opening.require_open()
            opening.socket.resume_reading()  # before the relay says otherwise
            if is_ours:
                opening.socket.require_signs_of_life()
            who = identity.caller or identity.origin
            return self._live_sessions.join(session, side, opening.socket, is_ours=is_ours, who=who)
        except (TooManyDataChannels, Throttled) as error:
            raise Refusal(str(error), CloseCode.TRY_LATER) from error
        except UnknownResumeSecret as error:
            raise Refusal(str(error), CloseCode.RESUME_UNKNOWN) from error
        except (MalformedMessage, DomainError) as error:
            if side is ChannelSide.CLIENT:
                self._tell_client(opening.socket, session_id, _reason(error))
            raise Refusal(str(error)) from error

    async def _open_agent(
        self, session_id: str, identity: Identity, frame: AgentOpen | ClientOpen
    ) -> Session:
        caller = identity.caller
        assert caller is not None
        if not isinstance(frame, AgentOpen) or not is_node(caller, frame.client_instance_id):
            raise self._wrong_side(identity, session_id, "a node opened a channel as somebody else")
        session: Session = await self._run(
            self._judge.open_agent_data_channel, caller, session_id, frame.token_value, frame.incarnation
        )
        return session

    async def _open_client(
        self, session_id: str, identity: Identity, frame: AgentOpen | ClientOpen
    ) -> Session:
        if isinstance(frame, AgentOpen):
            raise self._wrong_side(identity, session_id, "an unsigned agent")
        claim = ClientClaim(
            token=frame.token_value,
            resume_secret=frame.resume_secret,
            promised_digest=bytes.fromhex(frame.resume_digest),
            version=frame.client_version,
            is_ours=frame.fairlead_version > 0,
        )
        # Not every refusal is written to the trail: anybody can cause one.
        may_record_refusal = self._security_events.may_record
        session: Session = await self._run(
            self._judge.open_client_data_channel, session_id, claim, identity.origin, may_record_refusal
        )
        return session

    def _wrong_side(self, identity: Identity, session_id: str, what: str) -> MalformedMessage:
        self._security_events.report(
            identity.caller or identity.origin,
            "ChannelSideRefused",
            {"channelId": session_id, "details": what},
        )
        return MalformedMessage("The open frame is not of the side that the connection belongs to.")

    def _tell_client(self, socket: ChannelSocket, session_id: str, text: str) -> None:
        socket.send_binary(self._messages.channel_closed(session_id, "", text), more=False)


def _reason(error: MalformedMessage | DomainError) -> str:
    """Why a client is refused; how its session ended, when it came too late for it."""
    if isinstance(error, SessionEnded) and error.explanation is not None:
        return error.explanation
    return str(error)


class Opening:
    """The handler of a socket until its open frame is judged."""

    def __init__(
        self, socket: ChannelSocket, settings: GatewaySettings, clock: Clock, work: BackgroundWork
    ) -> None:
        self.socket = socket
        self._settings = settings
        self._clock = clock
        self._work = work
        self._decide: Callable[[bytes], Coroutine[Any, Any, None]] | None = None  # Any: never sent or yielded
        self._timer: Timer | None = None
        self._early: list[bytes] = []
        self.is_judging = False
        self._is_gone = False

    def start(self, decide: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:  # Any: as above
        """Wait for the open frame; `decide` is given its text."""
        self._decide = decide
        self._timer = self._clock.call_later(self._settings.open_timeout_s, self._timed_out)
        self.socket.set_handler(self)

    def require_open(self) -> None:
        """Raises Refusal when the peer left meanwhile."""
        if self._is_gone or not self.socket.is_open:
            raise Refusal("the connection is gone")

    def hand_over(self, handler: SocketHandler) -> None:
        """The peer is recognised: what came early goes to its handler, and so does all that follows."""
        self.socket.set_handler(handler)
        early, self._early = self._early, []
        for frame in early:
            handler.receive_binary(frame, False)
        handler.flush()

    # SocketHandler.

    def receive_text(self, text: bytes) -> None:
        """The open frame, if it is the first."""
        decide, self._decide = self._decide, None  # it holds this object: a cycle that outlives both
        if decide is None or len(text) > self._settings.max_open_frame_bytes:
            self._refuse(f"one open frame of at most {self._settings.max_open_frame_bytes} bytes is expected")
            return
        self.is_judging = True
        self._stop_timer()
        self.socket.pause_reading()
        self._work.spawn(decide(text), purpose="judge an open frame")

    def receive_binary(self, frame: bytes | memoryview, last: bool) -> None:
        """Kept when it comes after the open frame; how much can come is bounded by the upgrade's guard."""
        if self.is_judging:
            self._early.append(bytes(frame))
        else:
            self._refuse("the first frame must be the open frame, a text frame")

    def flush(self) -> None:
        """Nothing to write."""

    def congested(self) -> None:
        """Pongs are all that is written now; the socket itself bounds them."""

    def drained(self) -> None:
        """See `congested`."""

    def disconnected(self, close_code: int | None) -> None:
        """The peer is gone."""
        self._is_gone = True
        self._decide = None
        self._stop_timer()

    def _timed_out(self) -> None:
        self._refuse(f"no open frame within {self._settings.open_timeout_s:g} s")

    def _refuse(self, text: str) -> None:
        self._stop_timer()
        self._decide = None
        self._is_gone = True
        refusal_log.info("closing a WebSocket from %s: %s", self.socket.source_address, text)
        self.socket.close(CloseCode.REFUSED, text)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
