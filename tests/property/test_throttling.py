"""Laws of token buckets, whatever comes in whatever order."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from fairlead.control.environment import Rate
from fairlead.control.throttling import TokenBuckets
from tests.support.factories import NOW

rates = st.builds(Rate, burst=st.integers(1, 20), per_s=st.floats(0.01, 100))
gaps_s = st.lists(st.floats(0, 30), max_size=60)


@given(rate=rates, gaps=gaps_s)
def test_no_stretch_of_time_gives_more_than_burst_and_rate(rate, gaps):
    buckets = TokenBuckets(rate, 10)
    elapsed, given_at = 0.0, []
    for gap in gaps:
        elapsed += gap
        if buckets.take("key", NOW + timedelta(seconds=elapsed)):
            given_at.append(elapsed)
    for first, start in enumerate(given_at):
        for last, end in enumerate(given_at[first:], 1):
            assert last <= rate.burst + (end - start) * rate.per_s + 1e-3


@given(rate=rates, keys=st.lists(st.text(max_size=3), max_size=60), most=st.integers(1, 5))
def test_no_more_keys_are_remembered_than_allowed(rate, keys, most):
    buckets = TokenBuckets(rate, most)
    for key in keys:
        buckets.take(key, NOW)
    assert len(buckets) <= most


@given(rate=rates, others=st.lists(st.text(min_size=1, max_size=3), max_size=8))
def test_others_take_nothing_away(rate, others):
    buckets = TokenBuckets(rate, 10)
    for other in others:
        buckets.take(f"other-{other}", NOW)
    assert all(buckets.take("key", NOW) for _ in range(rate.burst))
