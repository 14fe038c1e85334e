"""When to send an unacknowledged message again.

There is one timer, that of the oldest message, and it counts from when that became the oldest: while
acknowledgements come in, a queue in the network however long is no reason to send anything twice.

* Toward an official program: the round trip estimate that it uses itself (RTT and RTTVAR smoothed by 1/8 and
  1/4, initial timeout 200 ms, at most 1 s), at least 100 ms; after three times without effect doubling up to
  1 s. Such a peer drops what it cannot take yet (an agent that is still dialling) and waits for the second
  copy.
* Between our own ends nothing is dropped on a standing connection, and acknowledgements are late on purpose.
  The second copy is a probe: it finds out whether the peer lives and what has arrived, after 1 s, 2 s, 4 s
  and so on up to 30 s. Every acknowledgement says what has arrived, so a slow reader costs no more than that.
"""

from __future__ import annotations

INITIAL_RTO_S = 0.200
INITIAL_RTT_S = 0.100
MAX_RTO_S = 1.0
MIN_RESEND_INTERVAL_S = 0.100
CLOCK_GRANULARITY_S = 0.010
RESENDS_BEFORE_BACKOFF = 3

FIRST_PROBE_S = 1.0
MAX_PROBE_S = 30.0

_MAX_COUNTED_RESENDS = 8


class ResendTimer:
    """The timer of the oldest unacknowledged message; `deadline` is when that is due to be sent again.

    It is asked for after every frame and changes less often, so it is kept and not computed.
    """

    __slots__ = ("_own", "_resends", "_rto", "_rtt", "_rttvar", "_since", "deadline")

    def __init__(self) -> None:
        self._own = False
        self._rtt = INITIAL_RTT_S
        self._rttvar = 0.0
        self._rto = INITIAL_RTO_S
        self._since = 0.0
        self._resends = 0
        self._set_deadline()

    def use_probes(self) -> None:
        """The other end is ours."""
        self._own = True
        self._set_deadline()

    def restart(self, now: float) -> None:
        """Another message became the oldest, or sending starts again."""
        self._since = now
        self._resends = 0
        self._set_deadline()

    def resent(self, now: float) -> None:
        """The oldest was sent again."""
        self._since = now
        self._resends = min(self._resends + 1, _MAX_COUNTED_RESENDS)
        self._set_deadline()

    def sample(self, round_trip_s: float) -> None:
        """A message that was sent once was acknowledged after `round_trip_s`."""
        self._rttvar += (abs(self._rtt - round_trip_s) - self._rttvar) / 4
        self._rtt += (round_trip_s - self._rtt) / 8
        self._rto = min(self._rtt + max(CLOCK_GRANULARITY_S, 4 * self._rttvar), MAX_RTO_S)
        self._set_deadline()

    def _set_deadline(self) -> None:
        if self._own:
            interval = min(FIRST_PROBE_S * (1 << self._resends), MAX_PROBE_S)
        else:
            doublings = max(0, self._resends - RESENDS_BEFORE_BACKOFF)
            interval = min(max(self._rto, MIN_RESEND_INTERVAL_S) * (1 << doublings), MAX_RTO_S)
        self.deadline = self._since + interval
