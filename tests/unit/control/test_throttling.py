"""Token buckets, and what counts as one source."""

from datetime import timedelta

import pytest

from fairlead.control.environment import Rate
from fairlead.control.throttling import TokenBuckets, source_key
from tests.support.factories import NOW


def after(seconds):
    return NOW + timedelta(seconds=seconds)


def test_a_bucket_gives_its_burst_and_then_its_rate():
    buckets = TokenBuckets(Rate(burst=3, per_s=2), 10)
    assert [buckets.take("a", NOW) for _ in range(4)] == [True, True, True, False]
    assert not buckets.take("a", after(0.4))
    assert buckets.take("a", after(0.5))
    assert not buckets.take("a", after(0.5))


def test_a_bucket_holds_no_more_than_its_burst():
    buckets = TokenBuckets(Rate(burst=1, per_s=1), 10)
    assert buckets.take("a", NOW)
    assert [buckets.take("a", after(3600)) for _ in range(2)] == [True, False]


def test_keys_have_buckets_of_their_own():
    buckets = TokenBuckets(Rate(burst=1, per_s=1), 10)
    assert buckets.take("a", NOW)
    assert buckets.take("b", NOW)


def test_a_clock_that_is_set_back_takes_nothing_away():
    buckets = TokenBuckets(Rate(burst=2, per_s=1), 10)
    assert buckets.take("a", after(100))
    assert buckets.take("a", NOW)
    assert not buckets.take("a", NOW)


def test_the_keys_longest_unused_are_forgotten():
    buckets = TokenBuckets(Rate(burst=1, per_s=0.001), 2)
    for key in ("a", "b", "a", "c"):
        buckets.take(key, NOW)
    assert len(buckets) == 2
    assert not buckets.take("a", NOW)
    assert buckets.take("b", NOW)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_one_source_is_an_ipv4_address_or_an_ipv6_network(address, key):
    assert source_key(address) == key


def test_an_empty_bucket_is_told_from_one_that_has_a_token_and_asking_takes_none():
    buckets = TokenBuckets(Rate(burst=1, per_s=1), max_keys=10)
    assert not buckets.is_empty("a", NOW)
    assert len(buckets) == 0
    assert buckets.take("a", NOW)
    assert buckets.is_empty("a", NOW)
    assert not buckets.is_empty("a", NOW + timedelta(seconds=1))
