import pytest

from fairlead.protocol.settings import MAX_WINDOW_BYTES, MIN_WINDOW_BYTES, ChannelSettings


@pytest.mark.parametrize("window", [MIN_WINDOW_BYTES - 1, MAX_WINDOW_BYTES + 1])
def test_the_window_has_bounds(window):
    with pytest.raises(ValueError, match="65536 to 16777216"):
        ChannelSettings("1", window_bytes=window)


@pytest.mark.parametrize("size", [0, MIN_WINDOW_BYTES + 1])
def test_a_payload_fits_into_the_window(size):
    with pytest.raises(ValueError, match="1 to window_bytes"):
        ChannelSettings("1", window_bytes=MIN_WINDOW_BYTES, max_payload_bytes=size)
