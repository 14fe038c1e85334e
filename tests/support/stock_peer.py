"""A small model of an official program's end of a data channel: its rules, its quirks, nothing of its code.

It has the surface of `DataChannel` that `ChannelPair` uses. Modelled: one acknowledgement per message at
once; early messages kept and acknowledged; old numbers ignored by a client and acknowledged again by an
agent; only the oldest message is sent again; input that comes while the agent still dials is dropped without
acknowledgement; no word of `Fairlead`. An agent enters a message into its list only after sending it, so
that a fast acknowledgement finds nothing there (`races`). The list is limited: a client whose list is full
discards the oldest message, an agent does not keep the new one. So are the messages put aside: with no room
for one it is dropped in silence.
"""

import json
from collections.abc import Callable

from fairlead.protocol import message as m
from fairlead.protocol.events import StreamData
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds, format_message_id
from fairlead.protocol.outgoing import FrameWriter, OutgoingFrame
from fairlead.protocol.roles import AGENT

RESEND_AFTER_S = 0.200
RESEND_EVERY_S = 0.100
CHUNK_BYTES = 1024
CLIENT_LIMIT = 10_000
AGENT_LIMIT = 100_000


class StockPeer:
    def __init__(
        self,
        role,
        *,
        dial_time_s: float = 0.0,
        races: Callable[[], bool] = lambda: False,
        list_limit: int | None = None,
        early_limit: int | None = None,
    ) -> None:
        """`races`: whether the acknowledgement of the next message will be too fast. The limits are those of
        the programs if they are not given."""
        self._role = role
        self._is_agent = role is AGENT
        limit = AGENT_LIMIT if self._is_agent else CLIENT_LIMIT
        self._list_limit = limit if list_limit is None else list_limit
        self._early_limit = limit if early_limit is None else early_limit
        self._races = races
        self._raced: set[int] = set()
        self._dial_time_s = dial_time_s
        self._writer = FrameWriter(MessageIds(bytes([7]) * SEED_BYTES), 1_700_000_000.0)
        self._is_connected = True
        self._ready_at: float | None = None
        self._next = 0
        self._unacknowledged: dict[int, tuple[OutgoingFrame, float]] = {}
        self._queue: list[OutgoingFrame] = []
        self._expected = 0
        self._early: dict[int, m.AgentMessage] = {}
        self._events: list = []
        self.unknown_members: set[str] = set()

    # -- the surface that ChannelPair drives --

    def start_handshake(self, session_type, properties, now) -> None:
        parameters = {"SessionType": session_type, "Properties": properties}
        action = {"ActionType": "SessionType", "ActionParameters": parameters}
        request = {"AgentVersion": "3.3.0.0", "RequestedClientActions": [action]}
        self._send(5, json.dumps(request).encode(), now)

    can_send = property(lambda self: self._ready_at is not None)
    send_capacity = property(lambda self: CHUNK_BYTES)
    is_drained = property(lambda self: not self._unacknowledged)

    def send_data(self, data, now) -> None:
        self._send(1, data, now)

    def written(self, sequence, now) -> None:
        pass

    def events(self) -> list:
        taken, self._events = self._events, []
        return taken

    def frames_to_send(self) -> list[OutgoingFrame]:
        taken, self._queue = self._queue if self._is_connected else [], []
        return taken

    def next_deadline(self) -> float | None:
        if not self._is_connected or not self._unacknowledged:
            return None
        return next(iter(self._unacknowledged.values()))[1] + RESEND_AFTER_S

    def handle_deadline(self, now) -> None:
        deadline = self.next_deadline()
        if deadline is not None and now >= deadline:
            sequence, (frame, _) = next(iter(self._unacknowledged.items()))
            self._queue.append(frame)
            self._unacknowledged[sequence] = (frame, now + RESEND_EVERY_S - RESEND_AFTER_S)

    def connection_lost(self, now) -> None:
        self._is_connected = False

    def connection_restored(self, now) -> None:
        self._is_connected = True

    def receive(self, frame, now) -> None:
        received = m.decode(bytes(frame))
        if received.message_type == m.ACKNOWLEDGE:
            content = json.loads(received.payload)
            self.unknown_members |= set(content) & {"Cumulative", "Received", "Reconnected"}
            self._receive_acknowledgement(content["AcknowledgedMessageSequenceNumber"])
        elif received.message_type == self._role.receives:
            self._receive_numbered(received, now)

    # -- rules --

    def _receive_acknowledgement(self, number: int) -> None:
        if number in self._raced:
            self._raced.discard(number)
        else:
            self._unacknowledged.pop(number, None)

    def _receive_numbered(self, received, now) -> None:
        number = received.sequence_number
        if number > self._expected:
            if len(self._early) < self._early_limit:
                self._acknowledge(received, now)
                self._early.setdefault(number, received)
        elif number < self._expected:
            if self._is_agent:
                self._acknowledge(received, now)
        elif self._process(received, now):
            self._acknowledge(received, now)
            self._expected += 1
            while (early := self._early.get(self._expected)) is not None and self._process(early, now):
                del self._early[self._expected]
                self._expected += 1

    def _process(self, received, now) -> bool:
        kind = received.payload_type
        if kind == 5:
            actions = json.loads(received.payload)["RequestedClientActions"]
            processed = [
                {"ActionType": a["ActionType"], "ActionStatus": 1, "ActionResult": None, "Error": ""}
                for a in actions
            ]
            response = {"ClientVersion": "1.2.0.0", "ProcessedClientActions": processed, "Errors": None}
            self._send(6, json.dumps(response).encode(), now)
        elif kind == 6:
            self._send(7, b'{"HandshakeTimeToComplete":1000000,"CustomerMessage":""}', now)
            self._ready_at = now + self._dial_time_s
        elif kind == 7:
            self._ready_at = now
        elif kind == 1:
            if self._ready_at is None or now < self._ready_at:
                return False
            self._events.append(StreamData(received.payload, 1, received.sequence_number))
        return True

    def _acknowledge(self, received, now) -> None:
        payload = {
            "AcknowledgedMessageType": received.message_type.decode(),
            "AcknowledgedMessageId": format_message_id(received.message_id),
            "AcknowledgedMessageSequenceNumber": received.sequence_number,
            "IsSequentialMessage": True,
        }
        frame = self._writer.write(
            m.ACKNOWLEDGE.ljust(32), json.dumps(payload).encode(), now, flags=m.FLAG_SYN_FIN
        )
        self._queue.append(frame)

    def _send(self, payload_type, payload, now) -> None:
        frame = self._writer.write(
            self._role.sends.ljust(32), payload, now, sequence=self._next, payload_type=payload_type
        )
        self._queue.append(frame)
        self._enter_into_list(frame, now)
        self._next += 1

    def _enter_into_list(self, frame, now) -> None:
        if len(self._unacknowledged) >= self._list_limit:
            if self._is_agent:
                return
            del self._unacknowledged[next(iter(self._unacknowledged))]
        self._unacknowledged[self._next] = (frame, now)
        if self._is_agent and self._races():
            self._raced.add(self._next)
