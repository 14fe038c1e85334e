"""A user with an access key tries what is not his: other sessions, other sides, other people's eyes."""

import contextlib
import hashlib
import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.open_channel import RESUME_UNKNOWN, ClientOpen
from tests.evil.stage import (
    Grant,
    Node,
    Peer,
    Stage,
    agent_open,
    client_open,
    data_channel,
    frame,
    goodbye,
    resident_bytes,
    send,
    told,
)
from tests.support.waiting import PATIENCE_S

LIMITS = GatewaySettings()
REFUSED = 1008
MAX_GROWTH_BYTES = 24 * 1024 * 1024
"""What a flood may add to the server's memory: the gateway's named limits allow far less for one session, and
the rest is what an allocator and TLS keep."""
FLOOD_BYTES = 64 * 1024 * 1024
"""More than the socket buffers of a kernel and the limits of the gateway take."""
OWN_SESSIONS = [
    {
        "Effect": "Allow",
        "Action": ["ssm:StartSession", "ssm:DescribeSessions"],
        "Resource": "*",
    },
    {
        "Effect": "Allow",
        "Action": ["ssm:ResumeSession", "ssm:TerminateSession"],
        "Resource": "arn:aws:ssm:*:*:session/${aws:username}-*",
    },
]
NASTY = 'it\'s "quoted"; DROP TABLE sessions;-- %s %n {0} ${aws:username} \u202eevil\u202c é'
CONTROL = "line\x1b[2J\x07\r\nforged\x00\x9b31m"


@pytest.fixture(scope="module")
def honest(stage: Stage) -> Peer:
    """A user with sessions of her own."""
    return stage.add_user("alice", OWN_SESSIONS)


@pytest.fixture(scope="module")
def evil(stage: Stage) -> Peer:
    """Another one, with the same rights to sessions of his own."""
    return stage.add_user("mallory", OWN_SESSIONS)


@pytest.fixture(scope="module")
def target(node: Node) -> Iterator[Node]:
    """An honest node, connected."""
    with node.control_channel():
        yield node


@pytest.fixture
def session(honest: Peer, target: Node) -> Grant:
    """Her session."""
    return honest.start_session(target)


class TestResumeSecrets:
    """A thief has what he can: guesses, or the secret out of the memory of an honest client."""

    @pytest.fixture(autouse=True)
    def _thief(self, stage: Stage) -> None:
        self.thief = Peer(stage)

    def test_that_are_guessed_are_refused_alike_whatever_the_session(
        self, stage: Stage, session: Grant
    ) -> None:
        unknown = "alice-00000000000000000000000000"
        for session_id in (session.session_id, unknown):
            with (
                stage.auditing("ResumeSecretRefused", session_id, source_address=self.thief.source),
                self.thief.websocket(data_channel(session_id)) as channel,
            ):
                channel.send(comeback(secret(1), secret(2)))
                bye = goodbye(channel)
            assert (bye.code, bye.told) == (RESUME_UNKNOWN, "")

    def test_that_are_used_by_the_thief_and_the_client_end_the_session_for_both(
        self, stage: Stage, honest: Peer, session: Grant
    ) -> None:
        with (
            self._stolen(stage, honest, session) as taken,
            stage.auditing("ResumeSecretReused", session.session_id),
            honest.websocket(data_channel(session.session_id)) as channel,
        ):
            channel.send(comeback(secret(3), secret(5)))
            assert "somebody else may know it" in goodbye(channel).told
            assert "somebody else may know it" in told(taken)
        assert stage.session_row(session.session_id)["end_reason"] == "RESUME_REUSED"
        assert not any(secret(number) in stage.log for number in range(1, 6))

    @contextlib.contextmanager
    def _stolen(self, stage: Stage, honest: Peer, session: Grant) -> Iterator[ClientConnection]:
        """The session in the hands of the thief, who has shown the secret that the client had promised."""
        with honest.websocket(data_channel(session.session_id)) as channel:
            channel.send(comeback("", secret(3), token=session.token))
            stage.wait_for_log(f"session {session.session_id}: the client joined")
            with self.thief.websocket(data_channel(session.session_id)) as stolen:
                stolen.send(comeback(secret(3), secret(4)))
                assert goodbye(channel).code == REFUSED
                yield stolen


def secret(number: int) -> str:
    """One of some secrets that do not occur by chance."""
    return hashlib.sha256(b"%d" % number).hexdigest()


def comeback(shown: str, promised: str, token: str = "") -> str:
    """A client's open frame that shows a resume secret and promises another."""
    digest = hashlib.sha256(bytes.fromhex(promised)).hexdigest()
    frame = ClientOpen("r", token, "c", "1.2.764.0", resume_secret=shown, resume_digest=digest)
    return frame.encode()


class TestTokens:
    @pytest.fixture(autouse=True)
    def _thief(self, stage: Stage) -> None:
        self.thief = Peer(stage)

    def _is_refused(self, stage: Stage, session_id: str, token: str) -> None:
        with (
            stage.auditing("ChannelTokenRefused", session_id, source_address=self.thief.source),
            self.thief.websocket(data_channel(session_id)) as channel,
        ):
            channel.send(client_open(token))
            bye = goodbye(channel)
        assert bye.code == REFUSED
        assert "token is not valid" in bye.told

    def test_of_another_session_is_refused(
        self, stage: Stage, evil: Peer, target: Node, session: Grant
    ) -> None:
        mine = evil.start_session(target)
        self._is_refused(stage, session.session_id, mine.token)

    def test_of_the_agent_is_refused_on_the_clients_side(
        self, stage: Stage, target: Node, session: Grant
    ) -> None:
        token = target.channel_call(f"/v1/data-channel/{session.session_id}").expect(201).token
        self._is_refused(stage, session.session_id, token)

    def test_that_was_used_is_refused(self, stage: Stage, honest: Peer, session: Grant) -> None:
        with honest.client_channel(session):
            self._is_refused(stage, session.session_id, session.token)

    def test_that_has_expired_is_refused(self, stage: Stage, session: Grant) -> None:
        stage.expire_tokens(session.session_id)
        self._is_refused(stage, session.session_id, session.token)

    def test_that_a_resume_has_voided_is_refused(self, stage: Stage, honest: Peer, target: Node) -> None:
        session = honest.start_session(target)
        policy = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}],
            }
        )
        stage.admin.iam("PutUserPolicy", UserName="alice", PolicyName="x", PolicyDocument=policy).expect(200)
        honest.ssm("ResumeSession", SessionId=session.session_id).expect(200)
        stage.admin.iam("DeleteUserPolicy", UserName="alice", PolicyName="x").expect(200)
        self._is_refused(stage, session.session_id, session.token)

    @pytest.mark.parametrize("guess", ["x", "A" * 43, "' OR 1=1 --", "\u0000", "%s%s%s", "\U0001f511"])
    def test_that_is_a_guess_is_refused(self, stage: Stage, session: Grant, guess: str) -> None:
        self._is_refused(stage, session.session_id, guess)

    def test_for_a_session_that_does_not_exist_is_refused_with_the_same_words(
        self, stage: Stage, session: Grant
    ) -> None:
        """Nobody learns from the answer which sessions there are."""
        texts = set()
        for session_id in (session.session_id, "alice-00000000000000000000000000"):
            with self.thief.websocket(data_channel(session_id)) as channel:
                channel.send(client_open("guess"))
                texts.add(goodbye(channel).told)
        assert len(texts) == 1
        stage.wait_for_audit("ChannelTokenRefused", session.session_id)

    def test_opens_no_agents_side(self, stage: Stage, target: Node, session: Grant) -> None:
        with (
            stage.auditing("ChannelSideRefused", session.session_id, source_address=self.thief.source),
            self.thief.websocket(data_channel(session.session_id)) as channel,
        ):
            channel.send(agent_open(session.token, target.id))
            assert goodbye(channel).code == REFUSED

    @pytest.mark.parametrize(
        "path",
        [
            "/v1/data-channel%2f{id}",
            "/v1/data-channel/%61{rest}",
            "/v1/data-channel/x/../{id}",
            "/v1//data-channel/{id}",
            "/v1/data-channel/{id}/",
            "/v1/Data-Channel/{id}",
            "/v1/data-channel/{id}%00",
            "/v1/data-channel/..%2f{id}",
        ],
    )
    def test_on_an_altered_path_leads_to_no_channel(self, stage: Stage, session: Grant, path: str) -> None:
        path = path.format(id=session.session_id, rest=session.session_id[1:])
        with stage.logging("refused an upgrade", self.thief.source):
            assert self.thief.upgrade_status(f"{path}?role=publish_subscribe") == 404

    def test_in_another_case_of_the_id_is_refused(self, stage: Stage, session: Grant) -> None:
        self._is_refused(stage, session.session_id.upper(), session.token)

    def test_on_a_query_without_the_role_leads_to_no_channel(self, stage: Stage, session: Grant) -> None:
        path = f"/v1/data-channel/{session.session_id}"
        for query in ("", "?role=subscribe", "?role=publish_subscribe%20", "?ROLE=publish_subscribe"):
            with stage.logging("refused an upgrade", self.thief.source):
                assert self.thief.upgrade_status(path + query) == 400


class TestFrames:
    @pytest.mark.parametrize(
        "message_type",
        [
            m.OUTPUT_STREAM_DATA,
            m.AGENT_SESSION_STATE,
            m.CHANNEL_CLOSED,
            m.START_PUBLICATION,
            m.PAUSE_PUBLICATION,
            m.INTERACTIVE_SHELL,
            b"",
        ],
    )
    def test_of_a_forbidden_type_end_the_session(
        self, stage: Stage, honest: Peer, target: Node, session: Grant, message_type: bytes
    ) -> None:
        with (
            target.agent_channel(session.session_id) as agent,
            honest.client_channel(session) as client,
            stage.auditing("FrameRefused", session.session_id, source_address=honest.source),
        ):
            client.send(frame(message_type))
            assert "the client may not send" in told(client)
            received = agent.recv(PATIENCE_S)
            assert isinstance(received, bytes)
            assert m.peek_type(received) == m.CHANNEL_CLOSED
        stage.wait_for_status(session.session_id, "Terminated")

    def test_of_text_end_the_session(self, stage: Stage, honest: Peer, session: Grant) -> None:
        with (
            honest.client_channel(session) as client,
            stage.auditing("FrameRefused", session.session_id, source_address=honest.source),
        ):
            client.send(client_open(session.token))
            assert "text frames" in told(client)

    def test_over_the_limit_close_the_channel(self, stage: Stage, honest: Peer, session: Grant) -> None:
        with honest.client_channel(session) as client:
            send(client, frame(m.INPUT_STREAM_DATA, bytes(LIMITS.max_frame_bytes)))
            assert goodbye(client).code in (None, 1009)
        stage.wait_for_log(f"session {session.session_id}: the client left")

    @pytest.mark.slow
    def test_without_end_to_a_node_that_does_not_read_are_not_kept(
        self, stage: Stage, honest: Peer, target: Node, session: Grant
    ) -> None:
        """Backpressure reaches the flooding client; what lies in the server stays within its limits."""
        flood = frame(m.INPUT_STREAM_DATA, bytes(64 * 1024))
        with stage.logging(f"session {session.session_id} is over"):
            with honest.client_channel(session) as client:  # the agent has not come: nobody reads
                before = resident_bytes(stage.stack.server.pid)
                sent = _flood(client, flood)
                growth = resident_bytes(stage.stack.server.pid) - before
            honest.ssm("TerminateSession", SessionId=session.session_id).expect(200)
        assert sent < FLOOD_BYTES, "the server took everything that was sent"
        assert growth < MAX_GROWTH_BYTES

    def test_of_a_second_client_with_a_used_token_do_not_reach_the_session(
        self, stage: Stage, honest: Peer, target: Node, session: Grant
    ) -> None:
        thief = Peer(stage)
        with (
            target.agent_channel(session.session_id) as agent,
            honest.client_channel(session) as client,
        ):
            with thief.websocket(data_channel(session.session_id)) as second:
                send(second, client_open(session.token), frame(m.INPUT_STREAM_DATA, b"from the thief"))
                assert goodbye(second).code == REFUSED
            client.send(frame(m.INPUT_STREAM_DATA, b"from the owner"))
            received = agent.recv(PATIENCE_S)
            assert isinstance(received, bytes)
            assert bytes(m.decode(received).payload) == b"from the owner"
        stage.wait_for_audit("ChannelTokenRefused", session.session_id, source_address=thief.source)


class TestSessionsOfOthers:
    @pytest.mark.parametrize("operation", ["ResumeSession", "TerminateSession"])
    def test_are_refused_by_the_policy(
        self, stage: Stage, evil: Peer, session: Grant, operation: str
    ) -> None:
        with stage.auditing(operation, session.session_id, user_name="mallory", error_code="AccessDenied"):
            evil.ssm(operation, SessionId=session.session_id).expect(400, "AccessDeniedException")
        assert stage.session_row(session.session_id)["status"] == "Connecting"

    def test_are_not_resumed_even_by_an_administrator(self, stage: Stage, session: Grant) -> None:
        """Resume hands out the client's side: only the owner may have it, whatever policies say."""
        with stage.auditing("ResumeSession", session.session_id, user_name="admin"):
            answer = stage.admin.ssm("ResumeSession", SessionId=session.session_id)
        answer.expect(400, "AccessDeniedException")
        assert "another principal started the session" in answer.text

    def test_of_a_namesake_are_not_resumed(self, stage: Stage, target: Node) -> None:
        """A user who is deleted and made anew is somebody else."""
        first = stage.add_user("bob", OWN_SESSIONS)
        session = first.start_session(target)
        stage.admin.iam("DeleteUserPolicy", UserName="bob", PolicyName="its").expect(200)
        assert first.credentials is not None
        key_id = first.credentials.access_key_id
        stage.admin.iam("DeleteAccessKey", UserName="bob", AccessKeyId=key_id).expect(200)
        stage.admin.iam("DeleteUser", UserName="bob").expect(200)
        second = stage.add_user("bob", OWN_SESSIONS)
        with stage.auditing("ResumeSession", session.session_id, error_code="AccessDenied"):
            answer = second.ssm("ResumeSession", SessionId=session.session_id)
        answer.expect(400, "AccessDeniedException")

    def test_end_before_their_name_in_no_wildcard(self, stage: Stage, session: Grant) -> None:
        """`session/al-*` covers neither alice's sessions nor those of a user named `al`."""
        lookalike = stage.add_user("al", OWN_SESSIONS)
        with stage.auditing("TerminateSession", session.session_id, error_code="AccessDenied"):
            answer = lookalike.ssm("TerminateSession", SessionId=session.session_id)
        answer.expect(400, "AccessDeniedException")


class TestRequests:
    def test_that_are_replayed_are_accepted_within_five_minutes(
        self, stage: Stage, honest: Peer, target: Node
    ) -> None:
        """SigV4 has no nonce: a signed request is as good as its bytes. TLS keeps them from others."""
        body = json.dumps({"Target": target.id, "DocumentName": "AWS-StartSSHSession"}).encode()
        headers = honest.signed("POST", "/", "ssm", _ssm("StartSession"), body)
        first = honest.send("POST", "/", headers, body).expect(200).json
        again = honest.send("POST", "/", headers, body).expect(200).json
        assert first["SessionId"] != again["SessionId"]
        assert first["TokenValue"] != again["TokenValue"]
        for answer in (first, again):
            stage.wait_for_audit("StartSession", answer["SessionId"], user_name="alice")

    def test_that_were_altered_are_refused(self, stage: Stage, honest: Peer, target: Node) -> None:
        body = json.dumps({"Target": target.id, "DocumentName": "AWS-StartSSHSession"}).encode()
        headers = honest.signed("POST", "/", "ssm", _ssm("StartSession"), body)
        altered = {
            "body": (headers, body.replace(b"SSH", b"ssh")),
            "operation": (_replaced(headers, "X-Amz-Target", "AmazonSSM.TerminateSession"), body),
            "date": (_replaced(headers, "X-Amz-Date", "20200101T000000Z"), body),
            "doubled": ([*headers, ("X-Amz-Target", "AmazonSSM.TerminateSession")], body),
            "unsigned header": ([*headers, ("X-Amz-Security-Token", "x")], body),
        }
        for what, (changed, sent) in altered.items():
            with stage.logging("credentials from", honest.source):
                answer = honest.send("POST", "/", changed, sent)
            assert answer.status in (400, 403), what
            assert "SessionId" not in answer.text, what

    def test_for_another_name_of_the_server_are_refused(self, honest: Peer, stage: Stage) -> None:
        before = len(stage.audit("StartSession"))
        headers = _replaced(honest.signed("POST", "/", "ssm", _ssm("StartSession")), "Host", "evil.example")
        answer = honest.send("POST", "/", headers, b"{}")
        assert answer.status == 421
        assert len(stage.audit("StartSession")) == before

    def test_that_guess_keys_are_slowed_down(self, stage: Stage, honest: Peer) -> None:
        """Sixty refusals at once, then one a second; who proves himself passes from the same address."""
        thief = Peer(stage, honest.credentials)
        body = b"{}"
        headers = thief.signed("POST", "/", "ssm", _ssm("DescribeSessions"), body)
        forged = _replaced(headers, "Authorization", dict(headers)["Authorization"][:-4] + "0000")
        codes = []
        while codes[-1:] != ["ThrottlingException"]:
            codes.append(thief.send("POST", "/", forged, body).code)
            assert len(codes) < 300, "even a slow machine guesses faster than one key a second"
        assert set(codes[:60]) == {"InvalidSignatureException"}
        assert thief.ssm("DescribeSessions", State="Active").status == 200
        stage.wait_for_log(f"credentials from {thief.source} refused")


class TestText:
    """Whatever stands in a field, nobody's terminal, log or database obeys it."""

    FIELDS = (
        ("StartSession", "Target", {"DocumentName": "AWS-StartSSHSession"}),
        ("StartSession", "DocumentName", {"Target": "mi-00000000000000000"}),
        ("ResumeSession", "SessionId", {}),
        ("TerminateSession", "SessionId", {}),
        ("GetConnectionStatus", "Target", {}),
        ("GetDocument", "Name", {}),
        ("DeleteActivation", "ActivationId", {}),
        ("DeregisterManagedInstance", "InstanceId", {}),
        ("DescribeSessions", "NextToken", {"State": "Active"}),
        ("DescribeSessions", "State", {}),
        ("CreateActivation", "IamRole", {}),
    )

    @pytest.mark.parametrize("text", [NASTY, CONTROL], ids=["nasty", "control"])
    @pytest.mark.parametrize(("operation", "member", "others"), FIELDS)
    def test_of_a_request_is_shown_escaped(
        self, stage: Stage, operation: str, member: str, others: dict[str, str], text: str
    ) -> None:
        before = len(stage.log)
        answer = stage.admin.ssm(operation, **{member: text, **others})
        assert answer.status in (200, 400)
        assert answer.code != "InternalServerError"
        assert "\x1b" not in answer.text
        assert "\x00" not in answer.text
        _is_clean(stage.log[before:])
        assert stage.audit("StartSession"), "the table is still there"

    def test_of_a_user_agent_is_refused_or_recorded_without_control_characters(
        self, stage: Stage, evil: Peer
    ) -> None:
        body = b'{"SessionId": "alice-x"}'
        headers = evil.signed("POST", "/", "ssm", _ssm("TerminateSession"), body)
        assert evil.send("POST", "/", [*headers, ("User-Agent", "evil \x1b]0;x\x07")], body).status == 400
        with stage.auditing("TerminateSession", user_name="mallory", error_code="AccessDenied"):
            evil.send("POST", "/", [*headers, ("User-Agent", "evil \x9b31m\xad %s")], body)
        assert stage.audit("TerminateSession", user_name="mallory")[-1]["user_agent"] == "evil 31m %s"

    def test_of_a_reason_is_kept_without_control_characters(
        self, stage: Stage, honest: Peer, target: Node
    ) -> None:
        for text in (NASTY, "tab\there \x1b[31mred\x07 \u202eevil"):
            grant = honest.start_session(target, Reason=text)
            row = stage.session_row(grant.session_id)
            assert row["reason"].isprintable()
            listed = honest.ssm("DescribeSessions", State="Active").expect(200).json["Sessions"]
            mine = next(item for item in listed if item["SessionId"] == grant.session_id)
            assert mine["Reason"].isprintable()
            assert "\u202e" not in mine["Reason"]
        stage.wait_for_audit("StartSession", grant.session_id)

    @pytest.mark.parametrize(
        "value", ["22\n", "22;id", "$(id)", "`id`", "\u0662\u0662", "0x16", " 22", "+22"]
    )
    def test_of_a_port_is_a_number_or_refused(
        self, stage: Stage, honest: Peer, target: Node, value: str
    ) -> None:
        members = {
            "Target": target.id,
            "DocumentName": "AWS-StartSSHSession",
            "Parameters": {"portNumber": [value]},
        }
        with stage.auditing("StartSession", user_name="alice", error_code="InvalidParameters"):
            honest.ssm("StartSession", **members).expect(400, "InvalidParameters")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe",
            b'{"Target": 5}',
            b'{"Target": ["x"]}',
            b'{"Target": "\\ud800", "DocumentName": "AWS-StartSSHSession"}',
            b'{"a":' * 5000,
            b"[" * 100_000,
            b'{"Target": ' + b"9" * 10_000 + b"}",
        ],
    )
    def test_that_is_no_request_is_answered_in_one_line(
        self, stage: Stage, honest: Peer, body: bytes
    ) -> None:
        before = len(stage.log)
        answer = honest.call("POST", "/", "ssm", _ssm("StartSession"), body)
        assert answer.status == 400
        assert "Traceback" not in answer.text + stage.log[before:]

    def test_that_is_too_long_is_refused_before_anybody_is_recognised(
        self, stage: Stage, honest: Peer
    ) -> None:
        before = resident_bytes(stage.stack.server.pid)
        answer = Peer(stage).call("POST", "/", "ssm", _ssm("StartSession"), bytes(512 * 1024))
        assert answer.status == 413
        assert resident_bytes(stage.stack.server.pid) - before < MAX_GROWTH_BYTES
        headers = [("Host", f"127.0.0.1:{stage.port}"), ("X-Long", "x" * 20_000)]
        assert Peer(stage).send("GET", "/", headers).status == 431


def _flood(client: ClientConnection, message: bytes) -> int:
    """Send until the socket has taken no more for a while, or all of the flood; the bytes that left."""
    client.socket.settimeout(1.0)
    sent = 0
    with contextlib.suppress(TimeoutError, OSError, ConnectionClosed):
        while sent < FLOOD_BYTES:
            client.send(message)
            sent += len(message)
    return sent


def _is_clean(log: str) -> None:
    assert all(character.isprintable() or character == "\n" for character in log), log
    assert not any(line.startswith("forged") for line in log.splitlines())
    assert "Traceback" not in log


def _ssm(operation: str) -> list[tuple[str, str]]:
    return [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", f"AmazonSSM.{operation}")]


def _replaced(headers: list[tuple[str, str]], name: str, value: str) -> list[tuple[str, str]]:
    return [(key, value if key == name else old) for key, old in headers]
