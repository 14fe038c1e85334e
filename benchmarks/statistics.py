"""Medians and quantiles of small samples, as every row uses them."""

import math
import statistics
from collections.abc import Iterable


def median(values: Iterable[float]) -> float:
    """The middle one, or the mean of the two middle ones. Raises ValueError without a value."""
    found = list(values)
    if not found:
        raise ValueError("a median needs at least one value")
    return statistics.median(found)


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0 < share <= 1) of all values do not exceed.

    The nearest rank, so it is always a value that occurred: the p99 of fewer than 100 values is the largest.
    """
    found = sorted(values)
    if not found:
        raise ValueError("a quantile needs at least one value")
    if not 0 < share <= 1:
        raise ValueError(f"a share lies above 0 and is at most 1: {share}")
    return found[math.ceil(share * len(found)) - 1]
