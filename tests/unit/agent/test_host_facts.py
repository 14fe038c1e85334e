"""os-release(5) is read as written; what is missing is empty."""

from fairlead.agent.host_facts import parse_os_release, read_host_facts, source_address


def test_assignments_are_read_with_and_without_quotes():
    text = """NAME="Debian GNU/Linux"
VERSION_ID='12'
ID=debian
# NAME=no

EMPTY=
BROKEN="
no assignment
"""
    assert parse_os_release(text) == {
        "NAME": "Debian GNU/Linux",
        "VERSION_ID": "12",
        "ID": "debian",
        "EMPTY": "",
    }


def test_the_facts_are_those_of_this_machine():
    facts = read_host_facts("127.0.0.1", 443)
    assert facts.ip_address == "127.0.0.1"
    assert facts.platform_type
    assert facts.computer_name


def test_no_route_is_no_address():
    assert source_address("no such name.invalid", 443) == ""
