"""Sending no faster than so many bytes per second, counted from the first byte.

Who was held up catches up at full speed, so a stall is followed by a burst with a full window under way.
"""

import time


class Pace:
    """`rate` in bytes per second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._began = time.monotonic()

    def wait_for(self, sent: int) -> None:
        """Return when so many bytes may have been sent."""
        ahead_s = self._began + sent / self._rate - time.monotonic()
        if ahead_s > 0:
            time.sleep(ahead_s)
