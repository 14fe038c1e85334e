"""The real programs' traffic: every frame decodes and encodes to the same bytes, and our ends answer it."""

import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from fairlead.protocol import control_channel, message
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.events import (
    ChannelClosed,
    ConnectFailed,
    HandshakeFinished,
    PeerError,
    StreamData,
    TerminateRequested,
)
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds, format_message_id
from fairlead.protocol.open_channel import (
    AgentOpen,
    ClientOpen,
    parse_control_channel_open,
    parse_data_channel_open,
)
from fairlead.protocol.roles import AGENT, CLIENT
from fairlead.protocol.settings import ChannelSettings

FRAMES = Path(__file__).parents[2] / "vectors" / "frames"
SUMMARY = json.loads((FRAMES / "summary.json").read_text())
SHELLS = ("Port", "Standard_Stream", "InteractiveCommands", "NonInteractiveCommands")
PAYLOAD_NAMES = {1: "Output", 3: "Size", 10: "Flag", 11: "StdErr", 12: "ExitCode"}


def lines(scenario: str) -> list[dict]:
    return [json.loads(line) for line in (FRAMES / f"{scenario}.jsonl").read_text().splitlines()]


SCENARIOS = sorted(path.stem for path in FRAMES.glob("*.jsonl"))
WITH_DATA = [name for name in SCENARIOS if any(line.get("channel") == "data" for line in lines(name))]


def binary(scenario: str, **wanted) -> list[dict]:
    return [
        line
        for line in lines(scenario)
        if line.get("opcode") == "binary" and all(line[name] == value for name, value in wanted.items())
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_frame_decodes_to_the_recorded_fields_and_encodes_to_the_same_bytes(scenario):
    for line in binary(scenario):
        frame = bytes.fromhex(line["hex"])
        decoded = message.decode(frame)
        recorded = line["decoded"]
        assert message.encode(decoded) == frame
        assert message.peek_type(frame) == decoded.message_type
        assert decoded.message_type.decode() == recorded["message_type"]
        assert format_message_id(decoded.message_id) == recorded["message_id"]
        assert decoded.payload_digest.hex() == recorded["payload_digest"]
        for name in ("schema_version", "created_date", "sequence_number", "flags", "payload_type"):
            assert getattr(decoded, name) == recorded[name]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_open_frame_tells_its_side_and_what_it_claims(scenario):
    for line in (line for line in lines(scenario) if line.get("opcode") == "text"):
        recorded = line["decoded"]["json"]
        if line["channel"] == "control":
            opened = parse_control_channel_open(line["text"])
            assert opened.agent_version == recorded["AgentVersion"]
        else:
            opened = parse_data_channel_open(line["text"])
            assert isinstance(opened, AgentOpen if line["from"] == "agent" else ClientOpen)
        assert opened.token_value == recorded["TokenValue"]
        assert opened.fairlead_version == 0
        assert json.loads(opened.encode()) == recorded


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_control_message_parses_and_is_written_alike(scenario):
    for line in binary(scenario, channel="control"):
        received = control_channel.decode_control_message(bytes.fromhex(line["hex"]))
        assert received.message_id == line["decoded"]["message_id"]
        ours = control_channel.encode_control_message(
            received.body, message_id=bytes.fromhex(received.message_id.replace("-", "")), created_date=1
        )
        assert control_channel.decode_control_message(ours) == received
        if line["from"] == "agent":
            recorded = line["decoded"]["payload"]["value"]
            assert json.loads(message.decode(ours).payload) == recorded


def make(role, session_id: str = "") -> DataChannel:
    # Like an official program: what ours say beyond it is left out, so that payloads can be compared.
    version = "1.2.0.0" if role is CLIENT else "3.3.0.0"
    settings = ChannelSettings(version, session_id=session_id, session_types=SHELLS, fairlead=False)
    return DataChannel(role, settings, MessageIds(bytes(SEED_BYTES)), 1_795_209_907.0)


class Replay:
    """Feeds recorded frames to one of our ends and keeps what comes back."""

    def __init__(self, channel: DataChannel) -> None:
        self.channel = channel
        self.acknowledged: Counter[int] = Counter()
        self.numbered: list[message.AgentMessage] = []
        self.streams: dict[str, bytearray] = defaultdict(bytearray)
        self.events: list = []
        self.states: list[str] = []

    def feed(self, frame: bytes, now: float) -> None:
        self.channel.receive(memoryview(frame), now)
        self.settle(now)

    def settle(self, now: float) -> None:
        for event in self.channel.events():
            if isinstance(event, StreamData):
                self.streams[PAYLOAD_NAMES[event.payload_type]] += event.data
                self.channel.written(event.sequence, now)
            else:
                self.events.append(event)
        for frame in self.channel.frames_to_send():
            sent = message.decode(bytes(frame.message))
            payload = bytes(sent.payload)
            if sent.message_type == message.ACKNOWLEDGE:
                self.acknowledged[json.loads(payload)["AcknowledgedMessageSequenceNumber"]] += 1
            elif sent.message_type == message.AGENT_SESSION_STATE:
                self.states.append(json.loads(payload)["SessionState"])
            else:
                self.numbered.append(sent)

    def kinds(self) -> set[type]:
        return {type(event) for event in self.events}


def to_client(scenario: str) -> list[dict]:
    """What reached the client, in the order of arrival."""
    arrived = [
        (line["relay"]["t"], line)
        for line in binary(scenario, channel="data", to="server")
        if line["from"] == "agent" and line["relay"] is not None
    ]
    arrived += [(line["t"], line) for line in binary(scenario, channel="data", to="client")]
    return [line for _, line in sorted(arrived, key=lambda pair: (pair[0], pair[1]["n"]))]


def replay_to_client(
    scenario: str, *, times: int = 1, leave_out: tuple[str, ...] = ("acknowledge", "channel_closed")
) -> Replay:
    # The recorded acknowledgements name numbers of the recorded client's input, which ours never sent.
    replay = Replay(make(CLIENT))
    for _ in range(times):
        for line in to_client(scenario):
            if line["decoded"]["message_type"] not in leave_out:
                replay.feed(bytes.fromhex(line["hex"]), line["t"])
    return replay


def assert_streams(replay: Replay, recorded: dict) -> None:
    for name, stream in replay.streams.items():
        if name in ("Output", "StdErr"):
            assert len(stream) == recorded[name]["bytes"]
            assert hashlib.sha256(stream).hexdigest() == recorded[name]["sha256"]


@pytest.mark.parametrize("scenario", WITH_DATA)
def test_our_client_acknowledges_each_output_once_and_writes_the_recorded_bytes(scenario):
    replay = replay_to_client(scenario)
    numbers = {
        line["decoded"]["sequence_number"]
        for line in to_client(scenario)
        if line["decoded"]["message_type"] == "output_stream_data"
    }
    assert set(replay.acknowledged) == numbers
    recorded = SUMMARY[scenario]["streams"].get("output_stream_data", {})
    assert_streams(replay, recorded)
    if "Output" in recorded and recorded["Output"]["bytes"]:
        assert replay.streams["Output"]
    assert PeerError not in replay.kinds()


# In closed-before-handshake the recorded client was told to leave in the same moment and no longer answered.
@pytest.mark.parametrize("scenario", [s for s in WITH_DATA if s != "closed-before-handshake"])
def test_our_client_answers_the_handshake_as_the_recorded_client_did(scenario):
    replay = replay_to_client(scenario)
    recorded = [
        line["decoded"]
        for line in binary(scenario, channel="data")
        if line["from"] == "client" and line["decoded"]["payload_type_name"] == "HandshakeResponse"
    ]
    assert [
        (sent.message_type.decode(), sent.sequence_number, sent.flags, json.loads(bytes(sent.payload)))
        for sent in replay.numbered
    ] == [
        (line["message_type"], line["sequence_number"], line["flags"], line["payload"]["value"])
        for line in recorded
    ]


@pytest.mark.parametrize("scenario", WITH_DATA)
def test_our_client_acknowledges_repeated_output_again_and_writes_nothing_twice(scenario):
    once, twice = replay_to_client(scenario), replay_to_client(scenario, times=2)
    assert twice.streams == once.streams
    assert twice.acknowledged == once.acknowledged + once.acknowledged
    assert len(twice.numbered) == len(once.numbered)


@pytest.mark.parametrize("scenario", [s for s in WITH_DATA if binary(s, channel="data", to="client")])
def test_our_client_reports_a_closed_channel_with_its_output(scenario):
    closing = binary(scenario, channel="data", to="client")[0]
    channel = make(CLIENT)
    channel.receive(bytes.fromhex(closing["hex"]), 1.0)
    output = closing["decoded"]["payload"]["value"].get("Output", "")
    assert channel.events() == [ChannelClosed(output)]


def test_our_client_reports_a_refused_port():
    assert ConnectFailed in replay_to_client("portforward-refused").kinds()


def test_our_client_shows_the_message_for_the_customer():
    (finished,) = [
        event
        for event in replay_to_client("noninteractive-command").events
        if isinstance(event, HandshakeFinished)
    ]
    assert finished.session_type == "NonInteractiveCommands"
    assert finished.customer_message.startswith("Please update session manager plugin version")


def to_agent(scenario: str) -> list[dict]:
    frames = [
        line
        for line in binary(scenario, channel="data", to="server")
        if line["from"] == "client" and line["relay"] is not None
    ]
    return sorted(frames, key=lambda line: (line["relay"]["t"], line["n"]))


def replay_to_agent(scenario: str) -> Replay:
    requests = [
        line["decoded"]["payload"]["value"]
        for line in binary(scenario, channel="data")
        if line["decoded"]["payload_type_name"] == "HandshakeRequest"
    ]
    replay = Replay(make(AGENT, "vector"))
    if requests:
        asked = requests[0]["RequestedClientActions"][0]["ActionParameters"]
        replay.channel.start_handshake(asked["SessionType"], asked["Properties"], 0.0)
    else:
        replay.channel.skip_handshake("Standard_Stream", 0.0)
    replay.settle(0.0)
    for line in to_agent(scenario):
        # The recorded acknowledgements name numbers of the recorded agent's output, which ours never sent.
        if line["decoded"]["message_type"] != "acknowledge":
            replay.feed(bytes.fromhex(line["hex"]), line["t"])
    return replay


@pytest.mark.parametrize("scenario", WITH_DATA)
def test_our_agent_acknowledges_all_input_and_hands_on_the_recorded_bytes(scenario):
    replay = replay_to_agent(scenario)
    numbers = [
        line["decoded"]["sequence_number"]
        for line in to_agent(scenario)
        if line["decoded"]["message_type"] == "input_stream_data"
    ]
    assert replay.acknowledged == Counter(numbers)
    assert_streams(replay, SUMMARY[scenario]["streams"].get("input_stream_data", {}))
    assert replay.states == ["Connected"]
    assert PeerError not in replay.kinds()


@pytest.mark.parametrize("scenario", WITH_DATA)
def test_our_agent_asks_and_confirms_as_the_recorded_agent_did(scenario):
    handshakes = ("HandshakeRequest", "HandshakeComplete")
    recorded = {
        line["decoded"]["sequence_number"]: line["decoded"]
        for line in binary(scenario, channel="data")
        if line["from"] == "agent" and line["decoded"]["payload_type_name"] in handshakes
    }
    replay = replay_to_agent(scenario)
    assert [(sent.sequence_number, sent.flags, sent.payload_type) for sent in replay.numbered] == [
        (line["sequence_number"], line["flags"], line["payload_type"]) for line in recorded.values()
    ]
    if 0 in recorded and replay.numbered:
        assert json.loads(bytes(replay.numbered[0].payload)) == recorded[0]["payload"]["value"]


def test_our_agent_reports_the_request_to_terminate():
    assert TerminateRequested in replay_to_agent("portforward-smux").kinds()
