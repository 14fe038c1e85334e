from decimal import Decimal

import pytest

from fairlead.policy import condition_values as values
from fairlead.policy.wildcards import Wildcard, tokens_of


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("-7", -7), ("+7", 7), ("007.50", Decimal("7.5")), ("9" * 30, 10**30 - 1)]
)
def test_numbers_are_integers_and_decimals(text, number):
    assert values.read_number(text) == number


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1e3", ".5", "5.", "0x10", "NaN", "Infinity", "--1", "1,5", "١", "9" * 31]
)
def test_other_texts_are_no_numbers(text):
    assert values.read_number(text) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970", 0),
        ("1970-01", 0),
        ("1970-01-02", 86_400),
        ("1970-01-01T00:01Z", 60),
        ("1970-01-01T00:00:01", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("1970-01-01T00:00:00.25Z", Decimal("0.25")),
        ("2026-11-21T13:00:00Z", 1_795_266_000),
        ("1795266000", 1_795_266_000),
        ("1795266000.5", Decimal("1795266000.5")),
        ("0", 0),
    ],
)
def test_moments_are_dates_and_seconds(text, seconds):
    assert values.read_moment(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13", "2026-02-30", "2026-11-21 13:00:00Z", "2026-11-21T25:00Z", "2026-1-1", "-1",
     "0000-01-01", "2026-11-21T13:00:00+99:00", "2026-11-21T13:00:00.1234567890Z", "9" * 16,
     "2026-11-21T13Z"],
)  # fmt: skip
def test_other_texts_are_no_moments(text):
    assert values.read_moment(text) is None


def test_a_zone_may_lead_past_the_end_of_the_calendar():
    assert values.read_moment("9999-12-31T23:59:59-23:59") > values.read_moment("9999-12-31T23:59:59Z")
    assert values.read_moment("0001-01-01T00:00:00+01:00") < values.read_moment("0001-01-01T00:00:00Z")


def test_booleans_have_no_case():
    assert values.read_boolean("True") is True
    assert values.read_boolean("FALSE") is False
    assert values.read_boolean("yes") is None


def test_binary_is_base64():
    assert values.read_binary("QmlZ") == b"BiY"
    assert values.read_binary("QmlZ!") is None
    assert values.read_binary("QmlZé") is None


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.77/24", "192.0.2.1", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("0.0.0.0/0", "198.51.100.1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1", True),
        ("::/0", "192.0.2.1", False),
        ("192.0.2.0/24", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.0/120", "192.0.2.1", True),
        ("::ffff:192.0.2.0/120", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:0:0/96", "198.51.100.1", True),
        ("::ffff:0:0/95", "198.51.100.1", False),
    ],
)
def test_an_address_is_in_a_network_of_its_own_version(network, address, inside):
    assert (values.read_address(address) in values.read_network(network)) is inside


@pytest.mark.parametrize(
    "text",
    ["", "*", "192.0.2.*", "192.0.2.0/33", "192.0.2.0/255.255.255.0", "192.0.2", "::/129", "host", "/24"],
)
def test_other_texts_are_no_networks(text):
    assert values.read_network(text) is None


@pytest.mark.parametrize("text", ["", "host", "192.0.2.0/24", "192.0.2.1 ", "1"])
def test_other_texts_are_no_addresses(text):
    assert values.read_address(text) is None


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("arn:aws:iam::*:role/ops/*", "arn:aws:iam::111122223333:role/ops/a/b", True),
        ("arn:aws:iam::*:role/ops", "arn:aws:iam::111122223333:role/Ops", False),
        ("arn:*:*:*:*:*", "arn:aws:s3:::bucket/a:b:c", True),
        ("arn:aws:s3:::*:c", "arn:aws:s3:::bucket/a:b:c", True),
        ("arn:aws:*:::x", "arn:aws:s3:us-east-1::x", False),
        ("arn:aws:s3:::x", "arn:aws:s3::x", False),
        ("*", "arn:aws:s3:::x", True),
        ("*", "not an arn", False),
    ],
)
def test_an_arn_is_compared_field_by_field(pattern, arn, matches):
    assert values.arn_pattern(tokens_of(pattern)).matches(arn) is matches


@pytest.mark.parametrize("pattern", ["", "arn", "arn:aws:*", "arn:aws:s3:::", "**"])
def test_a_pattern_without_six_fields_is_none(pattern):
    compiled = values.arn_pattern(tokens_of(pattern))
    assert (compiled is None) == (pattern.count(":") < 5)


def test_a_colon_that_a_variable_brought_in_parts_fields():
    tokens = ["arn:aws:iam::1111", "22223333:user/", Wildcard.RUN]
    assert values.arn_pattern(tokens).matches("arn:aws:iam::111122223333:user/al")
    assert values.arn_pattern(["arn:aws:iam::111122223333:user/al"]).matches(
        "arn:aws:iam::111122223333:user/al"
    )
    assert not values.arn_pattern(["arn:aws:iam::111122223333:user/*"]).matches(
        "arn:aws:iam::111122223333:user/x"
    )
