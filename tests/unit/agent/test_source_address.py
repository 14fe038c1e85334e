"""Each principal has one stable loopback address of its own."""

import ipaddress

from fairlead.agent.source_address import source_address


def test_the_address_is_stable_and_loopback_but_not_the_usual_one():
    principals = [f"arn:aws:iam::123456789012:user/u{number}" for number in range(2000)]
    addresses = [source_address(principal) for principal in principals]
    assert addresses == [source_address(principal) for principal in principals]
    for address in map(ipaddress.ip_address, addresses):
        assert address.is_loopback
        assert address.packed[1] != 0
        assert address.packed[3] not in (0, 255)


def test_principals_rarely_share_an_address():
    assert len({source_address(f"user/{number}") for number in range(2000)}) > 1990


def test_no_principal_is_a_principal_too():
    assert source_address("") == source_address("")
