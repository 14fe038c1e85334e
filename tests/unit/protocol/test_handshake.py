import json

import pytest

from fairlead.protocol import handshake as h
from fairlead.protocol.errors import MalformedMessage
from fairlead.protocol.settings import MAX_WINDOW_BYTES, STOCK_MAX_PAYLOAD_BYTES, ChannelSettings

OWN = ChannelSettings("3.3.0.0", zero_digest=True)
ACTION = h.RequestedAction("SessionType", {"SessionType": "Port", "Properties": {"portNumber": "22"}})


def test_a_request_carries_what_the_agent_can_do_preferred_first():
    request = h.HandshakeRequest("3.3.0.0", (ACTION,), h.offer_of(OWN))
    members = json.loads(request.encode())
    assert members["Fairlead"] == {
        "Version": 1,
        "MaxPayloadBytes": 131072,
        "WindowBytes": 4194304,
        "Ack": ["cumulative"],
        "Digest": ["none", "sha256"],
        "HalfClose": True,
    }
    assert len(members["RequestedClientActions"]) == 1
    assert h.parse_handshake_request(request.encode()) == request


def test_a_response_carries_one_chosen_value_each():
    choice = h.choose(h.offer_of(OWN), ChannelSettings("1.2.764.0", zero_digest=True, window_bytes=65536))
    done = h.ProcessedAction("SessionType", h.ActionStatus.SUCCESS)
    response = h.HandshakeResponse("1.2.764.0", (done,), (), choice)
    members = json.loads(response.encode())
    assert members["Fairlead"] == {
        "Version": 1,
        "MaxPayloadBytes": 65536,
        "WindowBytes": 65536,
        "Ack": "cumulative",
        "Digest": "none",
        "HalfClose": True,
    }
    assert members["Errors"] is None
    assert h.parse_handshake_response(response.encode()) == response


def test_what_only_one_end_can_do_is_not_chosen():
    plain = ChannelSettings("1", cumulative_acks=False, half_close=False)
    choice = h.choose(h.offer_of(OWN), plain)
    terms = h.terms_of(choice, OWN)
    assert terms.own
    assert (terms.cumulative_acks, terms.zero_digest, terms.half_close) == (False, False, False)
    assert "Ack" not in json.loads(h.HandshakeResponse("1", (), (), choice).encode())["Fairlead"]


def test_a_confirmation_is_read_as_it_was_written():
    complete = h.HandshakeComplete(1_000_000, "hello")
    assert h.parse_handshake_complete(complete.encode()) == complete


@pytest.mark.parametrize(
    "changes",
    [
        {"max_payload_bytes": 131073},
        {"window_bytes": 4194305},
        {"acks": ("selective",)},
        {"digests": ("crc32",)},
    ],
)
def test_a_choice_beyond_the_offer_is_refused(changes):
    offered = h.offer_of(OWN)
    fields = {name: getattr(offered, name) for name in h.Offer.__slots__} | changes
    with pytest.raises(MalformedMessage, match="not offered"):
        h.terms_of(h.Offer(**fields), OWN)


def test_a_half_close_or_any_terms_that_were_not_offered_are_refused():
    full = h.offer_of(ChannelSettings("1"))
    for settings in (ChannelSettings("1", half_close=False), ChannelSettings("1", fairlead=False)):
        with pytest.raises(MalformedMessage, match="not offered"):
            h.terms_of(full, settings)


@pytest.mark.parametrize(
    "own",
    [
        {"MaxPayloadBytes": 0, "WindowBytes": 1},
        {"MaxPayloadBytes": 2, "WindowBytes": 1},
        {"MaxPayloadBytes": 1, "WindowBytes": MAX_WINDOW_BYTES + 1},
        {"MaxPayloadBytes": "1", "WindowBytes": 1},
        {"MaxPayloadBytes": 1, "WindowBytes": 1, "Ack": 3},
        {"MaxPayloadBytes": 1, "WindowBytes": 1, "Digest": [3]},
        {"MaxPayloadBytes": 1, "WindowBytes": 1, "HalfClose": "yes"},
        "text",
    ],
)
def test_an_offer_out_of_range_is_refused(own):
    with pytest.raises(MalformedMessage, match="Fairlead"):
        h.parse_handshake_request(json.dumps({"Fairlead": own}).encode())


@pytest.mark.parametrize(
    ("parse", "payload", "words"),
    [
        (h.parse_handshake_request, b'{"RequestedClientActions":{}}', "not a list of objects"),
        (h.parse_handshake_request, b'{"RequestedClientActions":[{}]}', "has no ActionType"),
        (h.parse_handshake_response, b'{"ProcessedClientActions":[1]}', "not a list of objects"),
        (h.parse_handshake_response, b'{"Errors":[1]}', "not a list of strings"),
        (h.parse_handshake_complete, b'{"CustomerMessage":1}', "not a string"),
        (h.parse_handshake_request, bytes(h.MAX_HANDSHAKE_PAYLOAD_BYTES + 1), "above the limit"),
    ],
)
def test_a_wrong_payload_is_named(parse, payload, words):
    with pytest.raises(MalformedMessage, match=words):
        parse(payload)


def test_what_an_official_client_leaves_out_is_no_success():
    # For an action it does not know it leaves the status 0 and puts the number 3 in the result.
    payload = b'{"ProcessedClientActions":[{"ActionType":"X","ActionStatus":0,"ActionResult":3}]}'
    (action,) = h.parse_handshake_response(payload).actions
    assert action.status != h.ActionStatus.SUCCESS


def test_an_official_program_gets_payloads_of_a_size_that_it_is_known_to_take():
    assert h.terms_of(None, OWN).max_payload_bytes == STOCK_MAX_PAYLOAD_BYTES < OWN.max_payload_bytes
    small = ChannelSettings("1", max_payload_bytes=1024)
    assert h.terms_of(None, small).max_payload_bytes == 1024
