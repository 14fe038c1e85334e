import uuid

import pytest

from fairlead.protocol.message_ids import SEED_BYTES, MessageIds, format_message_id


@pytest.mark.parametrize("seed", [bytes(SEED_BYTES), b"\xff" * SEED_BYTES])
def test_ids_are_version_4_uuids_that_differ(seed):
    ids = MessageIds(seed)
    made = [ids.next_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    for message_id in made:
        parsed = uuid.UUID(bytes=message_id)
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
        assert format_message_id(message_id) == str(parsed)


def test_the_seed_has_its_length():
    with pytest.raises(ValueError, match="10 random bytes"):
        MessageIds(b"short")
