"""What the gateway remembers of a session with a stock end, since such an end does not recover by itself.

AWS's programs replay nothing when they come back: they repeat their oldest unacknowledged message, and only
that, every tenth of a second. Their client never acknowledges a number again, and their agent misses an
acknowledgement that is faster than its own bookkeeping, and so repeats a message for ever that arrived long
ago. So the gateway keeps every stream message until it is acknowledged and gives it to a side that comes
back; it remembers which numbers were acknowledged and answers a copy of such a message itself.

An acknowledgement that is made here says what another one has said before. There are two more, and both are
facts: `_had_by_its_silence`, and `settle`, when the session is over and nobody will want the message again.

Sans-I/O and without time. What is kept is bounded in bytes: `Flow.is_full` says when to stop reading a side,
and what may not be kept is still passed on: its sender has it. Facts on the stock programs: docs/protocol.md,
"Living with the official programs".
"""

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.number_ranges import NumberRanges
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message
from fairlead.protocol.acknowledgements import Acknowledgement, parse_acknowledgement
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.usual_acknowledgements import usual_sequence

WriteAcknowledge = Callable[[bytes | memoryview], bytes]
"""Gives an `acknowledge` frame for a stream message, of which the header is enough."""


COPY_OVERHEAD_BYTES = 160
"""What a copy takes besides its bytes: the object, its number and its place among the others. It counts, or
the smallest messages would take more than twice the limit."""


class Verdict(Enum):
    """What a stream message is to the gateway."""

    NEW = auto()
    FILLS_GAP = auto()
    """New, and the last one missing below what has come already."""
    REPEATED = auto()
    """It came before and has not been acknowledged."""
    ACKNOWLEDGED = auto()
    """It came before and was acknowledged: to be answered, not passed on."""


# An enum's members take ten times as long to look up, and these are looked up for each message.
_CLIENT = ChannelSide.CLIENT
_NEW = Verdict.NEW


class CopyBudget:
    """Bytes of copies in all sessions of the gateway together."""

    __slots__ = ("max_bytes", "used")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.used = 0

    @property
    def is_exhausted(self) -> bool:
        return self.used >= self.max_bytes


class Flow:
    """The stream messages of one side to the other. `forgetful`: the receiver never acknowledges a number
    again (the stock client)."""

    __slots__ = (
        "_acknowledged",
        "_budget",
        "_early_through",
        "_first_output",
        "_kept",
        "_kept_bytes",
        "_max_bytes",
        "_min_bytes",
        "_next",
        "_passed_before_cut",
        "_passed_below",
        "_recent",
        "_skipped",
        "forgetful",
    )

    def __init__(self, settings: GatewaySettings, budget: CopyBudget) -> None:
        self._budget = budget
        self._max_bytes = settings.max_assist_bytes
        self._min_bytes = settings.max_held_bytes
        self._kept: dict[int, bytes] = {}
        self._kept_bytes = 0
        self._acknowledged = NumberRanges(settings.max_acknowledged_ranges)
        self._recent: deque[bytes] = deque(maxlen=settings.max_recent_acknowledgements)
        # Every number below has come. Stays 0 where the first ones were not seen: after a restart.
        self._next = 0
        self._early_through = -1
        self._first_output: int | None = None
        # Numbers below may have reached the receiver: on this connection, on an earlier one.
        self._passed_below = 0
        self._passed_before_cut = 0
        self._skipped = NumberRanges(settings.max_acknowledged_ranges)  # came, and no copy was kept
        self.forgetful = False

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self._kept_bytes >= self._max_bytes

    @property
    def has_waited_enough(self) -> bool:
        """Whether there is no room for more while the receiver is away and nothing can be passed on."""
        return self._kept_bytes >= (self._min_bytes if self._budget.is_exhausted else self._max_bytes)

    @property
    def is_delivered(self) -> bool:
        """Whether every message was acknowledged that is known here."""
        return not self._kept

    @property
    def has_gap(self) -> bool:
        """Whether a message is missing below one that has come."""
        return self._early_through > self._next

    def take_next(self, number: int, frame: bytes | memoryview, *, is_passed_on: bool) -> bool:
        """The usual message from the sender: the one that is expected, when none came before its turn and
        there is room for it. False: it is not that, and `take` is yet to be asked."""
        if (
            number != self._next
            or number <= self._early_through
            or self._kept_bytes >= self._max_bytes
            or self._budget.used >= self._budget.max_bytes
        ):
            return False
        copy = bytes(frame)
        size = len(copy) + COPY_OVERHEAD_BYTES
        self._kept[number] = copy
        self._kept_bytes += size
        self._budget.used += size
        if self._first_output is None and message.peek_payload_type(frame) == message.PayloadType.OUTPUT:
            self._first_output = number
        self._next = number + 1
        if is_passed_on:
            self._passed_below = number + 1
        return True

    def take(self, number: int, frame: bytes | memoryview, *, is_passed_on: bool, may_skip: bool) -> Verdict:
        """Any message from the sender. `may_skip`: it need not be kept when there is no room for it."""
        if number in self._acknowledged:
            return Verdict.ACKNOWLEDGED
        if number in self._kept:
            return Verdict.REPEATED
        verdict = Verdict.NEW if number >= self._next else Verdict.REPEATED
        if may_skip and (self.is_full or self._budget.is_exhausted):
            self._skipped.add(number)
        else:
            self._keep(number, bytes(frame))
        if number == self._next:
            had_gap = self.has_gap
            self._advance(frame)
            if had_gap and not self.has_gap:
                verdict = Verdict.FILLS_GAP
        elif verdict is Verdict.NEW:
            self._early_through = max(self._early_through, number)
        if is_passed_on:
            self._passed_below = self._next
        return verdict

    def _advance(self, frame: bytes | memoryview) -> None:
        if self._first_output is None and message.peek_payload_type(frame) == message.PayloadType.OUTPUT:
            self._first_output = self._next
        self._next += 1
        while self._has_come(self._next):
            self._next += 1

    def _has_come(self, number: int) -> bool:
        return number in self._kept or number in self._acknowledged or number in self._skipped

    def _keep(self, number: int, frame: bytes) -> None:
        self._kept[number] = frame
        size = len(frame) + COPY_OVERHEAD_BYTES
        self._kept_bytes += size
        self._budget.used += size

    def acknowledge(self, ack: Acknowledgement) -> list[bytes]:
        """The receiver acknowledged. The result: messages that it has had as well and will never say so."""
        if ack.cumulative:
            for number in [number for number in self._kept if number <= ack.sequence]:
                self._settle(number)
            return []
        return self.acknowledge_one(ack.sequence)

    def acknowledge_one(self, acknowledged: int) -> list[bytes]:
        """The same for an acknowledgement of one message."""
        self._settle(acknowledged)
        if not self._passed_before_cut:
            return []
        had = [self._kept[number] for number in self._had_by_its_silence(acknowledged)]
        for frame in had:
            self._settle(message.peek_sequence_number(frame))
        return had

    def _settle(self, number: int) -> None:
        frame = self._kept.pop(number, None)
        if frame is not None:
            size = len(frame) + COPY_OVERHEAD_BYTES
            self._kept_bytes -= size
            self._budget.used -= size
            self._recent.append(frame[: message.HEADER_BYTES])
        elif number >= self._next and number not in self._skipped:
            return  # it has not come by here
        self._acknowledged.add(number)

    def _had_by_its_silence(self, number: int) -> list[int]:
        """Messages whose acknowledgement a forgetful receiver sent on a connection that broke.

        On the connection of now everything unacknowledged was sent first and in order, on a stream that keeps
        the order. Such a receiver acknowledges the number that it expects and keeps silent about those below.
        So when it acknowledges a later number and said nothing on this one, it has had this one. Certain only
        if every number up to it came here and was kept, so that it was never one to put aside, and if its
        local side was ready, which its acknowledgement of the first output has shown.
        """
        is_ready = self._first_output is not None and self._first_output in self._acknowledged
        if not is_ready or len(self._skipped):
            return []
        below = min(number, self._passed_before_cut)
        if number >= self._passed_before_cut:
            self._passed_before_cut = 0
        return [kept for kept in self._kept if kept < below]

    def behind(self, number: int) -> list[bytes]:
        """What came before its turn and is not acknowledged, now that `number` has filled the gap."""
        return [self._kept[kept] for kept in sorted(self._kept) if kept > number]

    def unacknowledged(self) -> list[bytes]:
        """For a receiver that comes, or comes back: all that it has not acknowledged, in order."""
        self._passed_before_cut = self._passed_below if self.forgetful else 0
        self._passed_below = self._next
        return [self._kept[number] for number in sorted(self._kept)]

    def recent(self) -> list[bytes]:
        """Headers of the messages acknowledged last."""
        return list(self._recent)

    def settle(self) -> list[bytes]:
        """The session is over: no message is wanted any more. The result: what was not acknowledged."""
        outstanding = [self._kept[number] for number in sorted(self._kept)]
        for frame in outstanding:
            self._settle(message.peek_sequence_number(frame))
        return outstanding

    def forget(self) -> None:
        """Nothing will be asked any more: an ended session may be remembered for long, its messages not."""
        self.settle()
        self._recent.clear()


class Assist:
    """The memory of one session. Every method is told the side that a frame comes from."""

    __slots__ = ("_from_agent", "_from_client", "_write_acknowledge")

    def __init__(
        self, settings: GatewaySettings, budget: CopyBudget, write_acknowledge: WriteAcknowledge
    ) -> None:
        self._write_acknowledge = write_acknowledge
        self._from_client = Flow(settings, budget)
        self._from_agent = Flow(settings, budget)

    def _flow(self, side: ChannelSide) -> Flow:
        """The messages of a side."""
        return self._from_client if side is _CLIENT else self._from_agent

    def _flow_to(self, side: ChannelSide) -> Flow:
        """The messages for a side."""
        return self._from_agent if side is _CLIENT else self._from_client

    def welcome(self, side: ChannelSide, *, is_ours: bool) -> list[bytes]:
        """A side came, or came back. What it gets first: acknowledgements that may have been lost with its
        connection, then the other side's messages that it has not acknowledged."""
        incoming = self._flow_to(side)
        incoming.forgetful = side is ChannelSide.CLIENT and not is_ours
        return self.recent_acknowledgements(side) + incoming.unacknowledged()

    def recent_acknowledgements(self, side: ChannelSide) -> list[bytes]:
        """The last acknowledgements that a side was given, once more."""
        return [self._write_acknowledge(header) for header in self._flow(side).recent()]

    def take_message(self, side: ChannelSide, frame: bytes | memoryview, *, is_passed_on: bool) -> Verdict:
        """A stream message. `is_passed_on`: the other side is there."""
        flow = self._from_client if side is _CLIENT else self._from_agent
        number = message.peek_sequence_number(frame)
        if flow.take_next(number, frame, is_passed_on=is_passed_on):
            return _NEW
        may_skip = is_passed_on and not self.must_wait(side)
        return flow.take(number, frame, is_passed_on=is_passed_on, may_skip=may_skip)

    def take_acknowledgement(self, side: ChannelSide, frame: bytes | memoryview) -> list[bytes]:
        """An `acknowledge`, to be passed on whatever it says. The result is to be passed on as well:
        acknowledgements of what this one proves to have arrived too."""
        flow, payload = self._flow_to(side), frame[message.HEADER_BYTES :]
        sequence = usual_sequence(payload)
        try:
            if sequence is not None:
                had_as_well = flow.acknowledge_one(sequence)
            else:
                had_as_well = flow.acknowledge(parse_acknowledgement(payload))
        except MalformedMessage:
            return []  # its receiver will say so
        return [self._write_acknowledge(had) for had in had_as_well] if had_as_well else had_as_well

    def behind_gap(self, side: ChannelSide, frame: bytes | memoryview) -> list[bytes]:
        """After a message that fills a gap: what the other side may have had no room to put aside. AWS's
        programs drop it then without a word, and a stock sender would repeat one message in 100 ms."""
        return self._flow(side).behind(message.peek_sequence_number(frame))

    def answer(self, frame: bytes | memoryview) -> bytes:
        """The acknowledgement of a message that was acknowledged before."""
        return self._write_acknowledge(frame)

    def is_full(self, side: ChannelSide) -> bool:
        """Whether there is no room for more messages of a side."""
        return (self._from_client if side is _CLIENT else self._from_agent).is_full

    def must_wait(self, side: ChannelSide) -> bool:
        """Whether a side should not be read, for there is no room to keep its messages. Never both: what
        makes room are acknowledgements, and they come from the other side. Nor one that has a message to
        repeat without which its peer puts all others aside: that is yet to be read."""
        flow = self._flow(side)
        return flow.is_full and not flow.has_gap and not self._flow_to(side).is_full

    def has_waited_enough(self, side: ChannelSide) -> bool:
        """The same while the other side is away; it makes room when it is back."""
        return self._flow(side).has_waited_enough

    def is_delivered(self, side: ChannelSide) -> bool:
        """Whether the other side has acknowledged every message of this one."""
        return self._flow(side).is_delivered

    def last_words(self, side: ChannelSide) -> list[bytes]:
        """The session is over: acknowledgements of all that a side may still hold, so that it does not wait
        for them. An end holds a message only to repeat it, and there is nobody left to repeat it to."""
        flow = self._flow(side)
        return [self._write_acknowledge(header) for header in [*flow.recent(), *flow.settle()]]

    def forget(self) -> None:
        """Give the memory back."""
        for flow in (self._from_client, self._from_agent):
            flow.forget()
