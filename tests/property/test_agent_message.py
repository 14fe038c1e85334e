"""Laws of the agent message codec."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.message import AgentMessage, decode, encode, peek_type

types = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=32)


messages = st.builds(
    AgentMessage,
    message_type=types.map(str.encode),
    schema_version=st.integers(0, 2**32 - 1),
    created_date=st.integers(1, 2**64 - 1),
    sequence_number=st.integers(-(2**63), 2**63 - 1),
    flags=st.integers(0, 2**64 - 1),
    message_id=st.binary(min_size=16, max_size=16),
    payload_digest=st.binary(min_size=32, max_size=32),
    payload_type=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=2000),
)


@given(messages)
def test_decode_is_the_inverse_of_encode(message):
    frame = encode(message)
    assert decode(frame, verify_digest=False) == message
    assert peek_type(memoryview(frame)) == message.message_type


@given(st.sampled_from([decode, peek_type]), st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused_with_an_error_of_this_package(read, frame):
    with suppress(MalformedMessage):
        read(frame)
