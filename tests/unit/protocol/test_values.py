import pytest

from fairlead.protocol.acknowledgements import Acknowledgement
from fairlead.protocol.control_channel import TaskAcknowledge, UnknownMessage
from fairlead.protocol.events import HandshakeFailed, PeerError


def test_values_are_equal_when_class_and_fields_are():
    assert PeerError("a") == PeerError("a")
    assert PeerError("a") != PeerError("b")
    assert PeerError("a") != HandshakeFailed("a")
    assert UnknownMessage(b"a") != b"a"


def test_a_value_shows_its_fields():
    assert repr(TaskAcknowledge("m", "s")) == "TaskAcknowledge(message_id='m', session_id='s')"


def test_a_value_is_no_key():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Acknowledgement(1))
