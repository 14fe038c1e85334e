import pytest

from fairlead.protocol.settings import (
    AGENT_VERSION,
    CLIENT_VERSION,
    MAX_WINDOW_BYTES,
    MIN_WINDOW_BYTES,
    ChannelSettings,
)
from fairlead.protocol.versions import version_numbers

GATES_FOR_AGENTS = {
    "ports at all": "2.3.672.0",
    "the flag that ends a session": "2.3.722.0",
    "many connections in one session": "3.0.196.0",
    "ports of a remote host": "3.1.1374.0",
    "no keep-alive of the multiplexer": "3.1.1511.0",
}
"""What a stock client, or the service, wants of an agent: a version above this."""
GATES_FOR_CLIENTS = {
    "ports at all": "1.1.23.0",
    "many connections in one session": "1.1.70.0",
    "separate output without a hint to upgrade": "1.2.312.0",
    "no keep-alive of the multiplexer": "1.2.331.0",
    "the response in a variable of the AWS CLI": "1.2.497.0",
}
"""What a stock agent, or the AWS CLI, wants of a client: a version above this."""


@pytest.mark.parametrize("window", [MIN_WINDOW_BYTES - 1, MAX_WINDOW_BYTES + 1])
def test_the_window_has_bounds(window):
    with pytest.raises(ValueError, match="65536 to 16777216"):
        ChannelSettings("1", window_bytes=window)


def test_a_payload_has_a_byte_and_fits_into_the_window():
    with pytest.raises(ValueError, match="at least 1"):
        ChannelSettings("1", max_payload_bytes=0)
    settings = ChannelSettings("1", window_bytes=MIN_WINDOW_BYTES)
    assert settings.max_payload_bytes == MIN_WINDOW_BYTES


@pytest.mark.parametrize("gate", GATES_FOR_AGENTS)
def test_the_version_of_our_agent_opens_every_gate(gate):
    assert version_numbers(AGENT_VERSION) > version_numbers(GATES_FOR_AGENTS[gate])


@pytest.mark.parametrize("gate", GATES_FOR_CLIENTS)
def test_the_version_of_our_client_opens_every_gate(gate):
    assert version_numbers(CLIENT_VERSION) > version_numbers(GATES_FOR_CLIENTS[gate])


@pytest.mark.parametrize("announced", [AGENT_VERSION, CLIENT_VERSION])
def test_a_version_is_announced_in_the_four_parts_that_the_official_programs_compare(announced):
    parts = announced.split(".")
    assert len(parts) == 4
    assert ".".join(str(int(part)) for part in parts) == announced
