"""Token buckets, one for each key, for a bounded number of keys.

A bucket holds `burst` tokens and refills at `per_s`. What is beyond the bound on keys falls out in the order
of last use; a forgotten key starts again with a full bucket.
"""

import threading
from collections import OrderedDict
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from fairlead.control.environment import Rate

_IPV6_NETWORK_BITS = 64


class TokenBuckets:
    """A rate limit for each of many keys. Thread-safe."""

    def __init__(self, rate: Rate, max_keys: int) -> None:
        self._rate = rate
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._buckets)

    def take(self, key: str, now: datetime) -> bool:
        """Use up one token of this key; False, and nothing used, if there is none."""
        with self._lock:
            tokens, filled_at = self._buckets.get(key, (float(self._rate.burst), now))
            # A clock that was set back must not empty buckets.
            elapsed_s = max(0.0, (now - filled_at).total_seconds())
            tokens = min(float(self._rate.burst), tokens + elapsed_s * self._rate.per_s)
            is_allowed = tokens >= 1
            self._buckets[key] = (tokens - is_allowed, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > self._max_keys:
                self._buckets.popitem(last=False)
            return is_allowed

    def is_empty(self, key: str, now: datetime) -> bool:
        """True if `take` would refuse; nothing is used."""
        with self._lock:
            tokens, filled_at = self._buckets.get(key, (float(self._rate.burst), now))
            return tokens + max(0.0, (now - filled_at).total_seconds()) * self._rate.per_s < 1


def source_key(address: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 network of an IPv6 address.

    One host has a whole /64 to choose its addresses from. An IPv4 address written as IPv6 counts as itself.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return (
        str(IPv6Address(int(parsed) >> _IPV6_NETWORK_BITS << _IPV6_NETWORK_BITS)) + f"/{_IPV6_NETWORK_BITS}"
    )
