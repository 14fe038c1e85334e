"""The list of what each side may send."""

from fairlead.domain.sessions import ChannelSide
from fairlead.gateway.message_types import ALLOWED, USE_BY_HEAD
from fairlead.protocol import message as m
from tests.support.gateway_fakes import frame


def test_a_side_may_send_its_own_stream_and_not_the_others():
    assert m.INPUT_STREAM_DATA not in ALLOWED[ChannelSide.AGENT]
    assert m.OUTPUT_STREAM_DATA not in ALLOWED[ChannelSide.CLIENT]


def test_the_gateways_own_messages_come_from_no_side():
    assert not any(m.CHANNEL_CLOSED in uses for uses in ALLOWED.values())


def test_the_head_of_every_allowed_message_is_known_at_a_look():
    for side, uses in ALLOWED.items():
        assert {kind: USE_BY_HEAD[side][frame(kind)[: m.PEEK_BYTES]] for kind in uses} == uses
