"""A gateway that reads and changes what passes through it: the real client, agent, ssh and sshd find out.

It can stop a session, as every relay can. It cannot make either side take a byte that the other has not sent,
nor one twice or in another place.
"""

import hashlib
import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.protocol import message as m
from tests.evil.tampering import TamperingGateway
from tests.interop.conftest import Done, Site
from tests.support.aws_cli import AwsCli, AwsStack

SIZE = 3_000_000


class Relayed:
    """A site whose client goes through the evil gateway."""

    def __init__(self, site: Site, gateway: TamperingGateway, env: dict[str, str]) -> None:
        self.site = site
        self.gateway = gateway
        self.env = env

    def ssh(self, *arguments: object) -> Done:
        """`ssh NODE ARGUMENTS` by way of the evil gateway."""
        return self.site.ssh("proxy", self.site.node_id, *arguments, env=self.env)

    def scp(self, *arguments: object) -> Done:
        """`scp ARGUMENTS` by way of it."""
        config = self.site.configs["proxy"]
        return self.site.call("scp", "-F", config, "-o", "LogLevel=INFO", *arguments, env=self.env)


@pytest.fixture(scope="module")
def relayed(openssh: None, tmp_path_factory: pytest.TempPathFactory, aws_cli: AwsCli) -> Iterator[Relayed]:
    """Server, agent and sshd; and the evil gateway under a public name of the server."""
    gateway = TamperingGateway()
    options: list[str] = []
    stack = AwsStack(tmp_path_factory.mktemp("relayed"), aws_cli, server_options=options)
    for port in (stack.port, gateway.port):
        options += ["--public-url", f"https://127.0.0.1:{port}"]
    try:
        stack.start_server()
        gateway.start(stack.server_state, stack.port)
        site = Site(stack, stack.add_agent("node"), stack.add_ssh_server())
        yield Relayed(site, gateway, {**stack.env, "AWS_ENDPOINT_URL": f"https://127.0.0.1:{gateway.port}"})
    finally:
        gateway.stop()
        stack.stop()


def payload_type(message: bytes) -> int:
    return m.peek_payload_type(message)


class FlipOneBit:
    """Changes one bit of stream data in one direction, once ssh has its keys."""

    def __init__(self, *, to_client: bool) -> None:
        self.to_client = to_client
        self.carried = 0
        self.flips = 0

    def __call__(self, message: bytes, *, to_client: bool) -> list[bytes]:
        if to_client is not self.to_client or payload_type(message) != m.PayloadType.OUTPUT:
            return [message]
        self.carried += len(message)
        if self.carried < 200_000 or self.flips:
            return [message]
        self.flips += 1
        changed = bytearray(message)
        changed[m.HEADER_BYTES + len(changed[m.HEADER_BYTES :]) // 2] ^= 0x20
        return [bytes(changed)]


@pytest.mark.parametrize("to_client", [True, False], ids=["output", "input"])
def test_one_changed_bit_is_noticed_by_ssh(relayed: Relayed, tmp_path: Path, to_client: bool) -> None:
    """The message has no digest (both ends agreed that SSH has its own), so it reaches ssh or sshd."""
    sent = os.urandom(SIZE)
    source, arrived = tmp_path / "source", tmp_path / "arrived"
    source.write_bytes(sent)
    relayed.gateway.tamper = flip = FlipOneBit(to_client=to_client)
    node = relayed.site.node_id
    words = [f"{node}:{source}", arrived] if to_client else [source, f"{node}:{arrived}"]
    done = relayed.scp(*words)
    assert flip.flips == 1
    assert done.status != 0
    got = arrived.read_bytes() if arrived.exists() else b""
    assert len(got) < SIZE
    assert sent.startswith(got), "a changed byte was taken"
    if to_client:
        # The length of a packet is judged before its code, so it depends on which byte it was.
        noticed = "message authentication code|Corrupted MAC|Bad packet length"
        assert re.search(noticed, done.stderr), done.stderr


class Shuffle:
    """Repeats, replays and reorders stream messages and acknowledgements of both directions."""

    def __init__(self) -> None:
        self._chance = random.Random(7)
        self._old: dict[bool, list[bytes]] = {True: [], False: []}
        self._held: dict[bool, list[bytes]] = {True: [], False: []}
        self.count = 0

    def __call__(self, message: bytes, *, to_client: bool) -> list[bytes]:
        old, held = self._old[to_client], self._held[to_client]
        passed = [message]
        throw = self._chance.random()
        if throw < 0.1:
            passed.append(message)
        elif throw < 0.2 and old:
            passed.insert(0, self._chance.choice(old))
        elif throw < 0.25 and not held:
            held.append(message)
            return []
        old.append(message)
        del old[:-50]
        if held:
            passed += held
            held.clear()
        self.count += len(passed) != 1
        return passed


def test_repeated_replayed_and_reordered_messages_change_nothing(relayed: Relayed, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(SIZE))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    there, back = tmp_path / "there", tmp_path / "back"
    node = relayed.site.node_id
    for words in ([source, f"{node}:{there}"], [f"{node}:{there}", back]):
        relayed.gateway.tamper = shuffle = Shuffle()
        done = relayed.scp(*words)
        assert done.status == 0, done.stderr
        assert shuffle.count > 5
    assert hashlib.sha256(back.read_bytes()).hexdigest() == digest


class ReplayAnotherSession:
    """Keeps the stream messages of one session, and puts one of them in its place in the next."""

    def __init__(self) -> None:
        self.kept: dict[int, bytes] = {}
        self.is_recording = True
        self.replays = 0

    def __call__(self, message: bytes, *, to_client: bool) -> list[bytes]:
        if not to_client or payload_type(message) != m.PayloadType.OUTPUT:
            return [message]
        number = m.decode(message, verify_digest=False).sequence_number
        if self.is_recording:
            self.kept[number] = message
        elif number > 15 and not self.replays and self.kept.get(number, message) != message:
            self.replays += 1
            return [self.kept[number]]
        return [message]


def test_messages_of_another_session_are_noticed_by_ssh(relayed: Relayed, tmp_path: Path) -> None:
    """They have the right form and number, and the key of a session that is over."""
    source, arrived = tmp_path / "source", tmp_path / "arrived"
    source.write_bytes(os.urandom(SIZE))
    relayed.gateway.tamper = replay = ReplayAnotherSession()
    assert relayed.scp(f"{relayed.site.node_id}:{source}", arrived).status == 0
    arrived.unlink()
    replay.is_recording = False
    done = relayed.scp(f"{relayed.site.node_id}:{source}", arrived)
    assert replay.replays == 1
    assert done.status != 0
    assert not arrived.exists() or source.read_bytes().startswith(arrived.read_bytes())


class ForgeAcknowledgements:
    """Tells the client that everything was delivered that it could ever send, in every form there is."""

    def __init__(self) -> None:
        self.forged = 0

    def __call__(self, message: bytes, *, to_client: bool) -> list[bytes]:
        if not to_client or payload_type(message) != m.PayloadType.OUTPUT or self.forged >= 60:
            return [message]
        self.forged += 1
        number = 10**6 + self.forged
        text = (
            b'{"AcknowledgedMessageType":"input_stream_data","AcknowledgedMessageId":"","IsSequentialMessage":true,'
            b'"AcknowledgedMessageSequenceNumber":%d,"Cumulative":true,"Received":%d,"Reconnected":true}'
        ) % (number, number)
        forged = m.make_frame(m.ACKNOWLEDGE, text, message_id=bytes(16), created_date=1, flags=3)
        return [forged, message]


def test_acknowledgements_of_what_was_never_sent_count_for_nothing(relayed: Relayed) -> None:
    relayed.gateway.tamper = forge = ForgeAcknowledgements()
    done = relayed.ssh("head -c 500000 /dev/zero | sha256sum; sleep 0.1; cat /etc/hostname")
    assert done.status == 0, done.stderr
    assert hashlib.sha256(bytes(500_000)).hexdigest() in done.stdout
    assert forge.forged > 3
