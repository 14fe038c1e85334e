"""Sessions with a stock end through the relay, on connections that break: nothing is lost or doubled.

The stock ends are models of AWS's programs with their quirks: they replay nothing, repeat their oldest
message only, and miss fast acknowledgements (agent) or never give one again (client). What the model of the
client does not do is exit when it has input while it is cut off, as the program does.
"""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.protocol.roles import AGENT, CLIENT
from tests.support.channel_pair import make_channel
from tests.support.relayed_pair import RelayedPair
from tests.support.stock_peer import StockPeer

LONG_ENOUGH_S = 120.0
CHUNK_EVERY_S = 0.02

# A plain seeded generator: Hypothesis's own would find the race that is lost for ever.
chance = st.integers(0, 2**32).map(Random)
chunks = st.lists(st.binary(min_size=1, max_size=2500), max_size=25)
cuts = st.lists(
    st.tuples(st.sampled_from(["agent", "client", "both"]), st.floats(0.0, 0.4), st.floats(0.0, 0.3)),
    max_size=5,
)
corners = st.sampled_from([("stock", "stock"), ("stock", "ours"), ("ours", "stock")])


def make_pair(
    corner: tuple[str, str], random: Random, races: float, early_limit: int | None = None, **limits: int
) -> RelayedPair:
    client, agent = corner
    options = {"handshake_timeout_s": LONG_ENOUGH_S, "delivery_timeout_s": None}
    return RelayedPair(
        StockPeer(AGENT, dial_time_s=0.05, races=lambda: random.random() < races, early_limit=early_limit)
        if agent == "stock"
        else make_channel(AGENT, 1, **options),
        StockPeer(CLIENT, early_limit=early_limit)
        if client == "stock"
        else make_channel(CLIENT, 2, **options),
        **limits,
    )


def feed(pair: RelayedPair, end, data: list[bytes]) -> None:
    """Give an end its data little by little."""
    for position, chunk in enumerate(data):
        pair.clock.at(
            pair.clock.now + position * CHUNK_EVERY_S, lambda chunk=chunk: end.to_send.append(chunk)
        )


def run(pair: RelayedPair, to_client: list[bytes], to_agent: list[bytes], breaks) -> None:
    """Carry the data over connections that break; before and after it one message each way, undisturbed."""
    pair.start()
    say(pair, b"?")
    feed(pair, pair.agent, to_client)
    feed(pair, pair.client, to_agent)
    for which, before, away in breaks:
        pair.pass_time(before)
        ends = {"agent": [pair.agent], "client": [pair.client]}.get(which, list(pair.ends))
        pair.lose_connections(*ends)
        pair.pass_time(away)
        pair.restore_connections()
    pair.pass_time(LONG_ENOUGH_S)
    say(pair, b"!")


def say(pair: RelayedPair, data: bytes) -> None:
    pair.pass_time(1.0)
    for end in pair.ends:
        end.to_send.append(data)
    pair.pass_time(10.0)


def arrived(pair: RelayedPair, to_client: list[bytes], to_agent: list[bytes]) -> None:
    assert bytes(pair.client.written) == b"".join([b"?", *to_client, b"!"])
    assert bytes(pair.agent.written) == b"".join([b"?", *to_agent, b"!"])
    assert not pair.ended


@settings(max_examples=60)
@given(corners, chunks, chunks, cuts, chance, st.sampled_from([0.0, 0.2, 1.0]))
def test_nothing_is_lost_or_doubled_and_nothing_stays_unacknowledged(
    corner, to_client, to_agent, breaks, random, races
):
    pair = make_pair(corner, random, races)
    run(pair, to_client, to_agent, breaks)
    arrived(pair, to_client, to_agent)
    assert pair.agent.channel.is_drained
    assert pair.client.channel.is_drained
    assert pair.budget.used == 0


@settings(max_examples=30)
@given(corners, chunks, cuts, chance, st.integers(0, 4))
def test_a_stock_end_that_can_put_few_messages_aside_gets_them_all_the_same(
    corner, to_client, breaks, random, early_limit
):
    pair = make_pair(corner, random, 0.2, early_limit)
    run(pair, to_client, [], breaks)
    arrived(pair, to_client, [])


@settings(max_examples=30)
@given(corners, chunks, chunks, cuts, chance, st.booleans())
def test_with_little_room_for_copies_nothing_is_lost_or_doubled_either(
    corner, to_client, to_agent, breaks, random, is_budget
):
    room = (
        {"max_assist_total_bytes": 3000, "max_held_bytes": 3000} if is_budget else {"max_assist_bytes": 3000}
    )
    pair = make_pair(corner, random, 0.2, **room)
    run(pair, to_client, to_agent, [each for each in breaks if each[0] == "agent"])
    arrived(pair, to_client, to_agent)
    assert pair.budget.used == 0
