"""A registered node attacks the server and other nodes: its credentials are good, its intent is not."""

import contextlib
import json
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from fairlead.aws.sigv4 import Credentials, Request, sign_with
from fairlead.gateway.settings import GatewaySettings
from fairlead.protocol import message as m
from fairlead.protocol.control_channel import FinalTaskStatus, TaskComplete, encode_control_message
from tests.evil.stage import (
    MESSAGE_ID,
    Grant,
    Node,
    Peer,
    Stage,
    agent_open,
    client_open,
    control_channel,
    control_open,
    data_channel,
    frame,
    goodbye,
    is_closed_message,
    next_control_message,
    resident_bytes,
    send,
    told,
)
from tests.support.waiting import wait_until

LIMITS = GatewaySettings()
FLOOD_BYTES = 64 * 1024 * 1024
MAX_GROWTH_BYTES = 24 * 1024 * 1024
REFUSED = 1008
TOO_BIG = 1009


@pytest.fixture(scope="module")
def silent(stage: Stage, node: Node) -> Iterator[ClientConnection]:
    """A WebSocket of the node that never sends its open frame, from early on."""
    with node.websocket(control_channel(node.id)) as channel:
        yield channel


@pytest.fixture(scope="module")
def connected(silent: object, node: Node) -> Iterator[Node]:
    """The evil node, as connected as an honest one."""
    with node.control_channel():
        yield node


@pytest.fixture(scope="module")
def victim(other_node: Node) -> Iterator[Node]:
    """An honest node, connected."""
    with other_node.control_channel():
        yield other_node


@pytest.fixture
def session(stage: Stage, connected: Node) -> Grant:
    """A session to the evil node."""
    return stage.admin.start_session(connected)


@pytest.fixture
def foreign(stage: Stage, victim: Node) -> Grant:
    """A session to the other node."""
    return stage.admin.start_session(victim)


class TestAnotherNodesId:
    def test_gets_no_token_for_its_control_channel(self, stage: Stage, node: Node, other_node: Node) -> None:
        with stage.auditing("ChannelRefused", other_node.id, user_name=node.id):
            refused = node.channel_call(f"/v1/control-channel/{other_node.id}")
        refused.expect(403, "AccessDeniedException")

    def test_opens_no_websocket_for_its_control_channel(
        self, stage: Stage, node: Node, other_node: Node
    ) -> None:
        with stage.auditing("ChannelRefused", other_node.id, user_name=node.id):
            assert node.upgrade_status(control_channel(other_node.id)) == 403

    def test_gets_no_token_for_a_session_that_leads_to_it(
        self, stage: Stage, node: Node, foreign: Grant
    ) -> None:
        refused = node.channel_call(f"/v1/data-channel/{foreign.session_id}")
        refused.expect(403, "AccessDeniedException")
        stage.wait_for_audit("ChannelRefused", foreign.session_id, user_name=node.id)

    def test_opens_no_data_channel_with_its_stolen_token(
        self, stage: Stage, node: Node, victim: Node, foreign: Grant
    ) -> None:
        stolen = victim.channel_call(f"/v1/data-channel/{foreign.session_id}").expect(201).token
        with node.websocket(data_channel(foreign.session_id)) as channel:
            channel.send(agent_open(stolen, node.id))
            assert goodbye(channel).code == REFUSED
        stage.wait_for_audit("ChannelRefused", foreign.session_id, user_name=node.id)

    def test_sends_no_heartbeat_in_its_name(self, stage: Stage, node: Node, other_node: Node) -> None:
        members = {"AgentName": "amazon-ssm-agent", "AgentStatus": "Active", "AgentVersion": "9.9.9.9"}
        refused = node.ssm("UpdateInstanceInformation", InstanceId=other_node.id, **members)
        refused.expect(400, "AccessDeniedException")
        stage.wait_for_audit("UpdateInstanceInformation", user_name=node.id, error_code="AccessDenied")

    def test_claims_it_in_an_open_frame_in_vain(
        self, stage: Stage, connected: Node, other_node: Node, session: Grant
    ) -> None:
        token = connected.channel_call(f"/v1/data-channel/{session.session_id}").expect(201).token
        with connected.websocket(data_channel(session.session_id)) as channel:
            channel.send(agent_open(token, other_node.id))
            assert goodbye(channel).code == REFUSED
        stage.wait_for_audit("ChannelSideRefused", session.session_id, user_name=connected.id)

    def test_reports_no_end_of_its_session(self, stage: Stage, victim: Node, foreign: Grant) -> None:
        liar = stage.add_node()
        completion = TaskComplete(foreign.session_id, FinalTaskStatus.SUCCESS, victim.id)
        lie = encode_control_message(completion, message_id=MESSAGE_ID, created_date=1)
        with (
            stage.admin.client_channel(foreign),
            victim.agent_channel(foreign.session_id),
            liar.control_channel() as channel,
        ):
            with stage.auditing("ForeignCompletion", foreign.session_id, user_name=liar.id):
                channel.send(lie)
            assert stage.session_row(foreign.session_id)["status"] == "Connected"


class TestTokens:
    @pytest.fixture(autouse=True)
    def _connected(self, connected: Node) -> None:
        self.node = connected

    def _is_refused(self, stage: Stage, session_id: str, token: str) -> None:
        with (
            stage.auditing("ChannelTokenRefused", session_id, user_name=self.node.id),
            self.node.websocket(data_channel(session_id)) as channel,
        ):
            channel.send(agent_open(token, self.node.id))
            bye = goodbye(channel)
        assert bye.code == REFUSED
        assert "token" in bye.reason

    def _token(self, session: Grant) -> str:
        return self.node.channel_call(f"/v1/data-channel/{session.session_id}").expect(201).token

    def test_of_another_session_is_refused_and_used_up(self, stage: Stage, session: Grant) -> None:
        other = stage.admin.start_session(self.node)
        token = self._token(other)
        self._is_refused(stage, session.session_id, token)
        self._is_refused(stage, other.session_id, token)

    def test_of_the_client_is_refused_on_the_nodes_side(self, stage: Stage, session: Grant) -> None:
        self._is_refused(stage, session.session_id, session.token)

    def test_of_the_control_channel_is_refused_on_a_data_channel(self, stage: Stage, session: Grant) -> None:
        token = self.node.channel_call(f"/v1/control-channel/{self.node.id}").expect(201).token
        self._is_refused(stage, session.session_id, token)

    def test_that_was_used_is_refused(self, stage: Stage, session: Grant) -> None:
        token = self._token(session)
        with self.node.websocket(data_channel(session.session_id)) as channel:
            channel.send(agent_open(token, self.node.id))
            stage.wait_for_log(f"session {session.session_id}: the agent joined")
        self._is_refused(stage, session.session_id, token)

    def test_that_has_expired_is_refused(self, stage: Stage, session: Grant) -> None:
        token = self._token(session)
        stage.expire_tokens(session.session_id)
        self._is_refused(stage, session.session_id, token)

    def test_that_was_replaced_by_a_newer_one_is_refused(self, stage: Stage, session: Grant) -> None:
        token = self._token(session)
        self._token(session)
        self._is_refused(stage, session.session_id, token)

    def test_of_the_node_opens_nothing_without_its_signature(self, stage: Stage, session: Grant) -> None:
        token = self._token(session)
        thief = Peer(stage)
        for open_frame in (agent_open(token, self.node.id), client_open(token)):
            with thief.websocket(data_channel(session.session_id)) as channel:
                channel.send(open_frame)
                assert goodbye(channel).code == REFUSED
        stage.wait_for_audit("ChannelSideRefused", session.session_id, source_address=thief.source)
        stage.wait_for_audit("ChannelTokenRefused", session.session_id, source_address=thief.source)


ALTERED = [
    "/v1/control-channel%2f{id}",
    "/v1/control-channel/%6d{rest}",
    "/v1/control-channel/x/../{id}",
    "/v1/./control-channel/{id}",
    "/v1/data-channel/../control-channel/{id}",
    "//v1/control-channel/{id}",
    "/v1//control-channel/{id}",
    "/v1/control-channel/{id}/",
    "/v1/control-channel/{id}/x",
    "/V1/control-channel/{id}",
    "/v1/Control-Channel/{id}",
    "/v1/control-channel/{id};x=y",
    "/v1/control-channel/{id}%00",
]


class TestAlteredPaths:
    """Each of them is signed as it is sent; only the one true spelling is a channel."""

    @pytest.mark.parametrize("path", ALTERED)
    def test_lead_to_no_channel(self, stage: Stage, node: Node, path: str) -> None:
        path = path.format(id=node.id, rest=node.id[1:])
        assert node.channel_call(path).status in (400, 403, 404)
        with stage.logging("refused an upgrade", node.source):
            assert node.upgrade_status(f"{path}?role=subscribe&stream=input") in (400, 403, 404)

    def test_in_another_case_name_nobody(self, stage: Stage, node: Node) -> None:
        with stage.auditing("ChannelRefused", node.id.upper(), user_name=node.id):
            assert node.channel_call(f"/v1/control-channel/{node.id.upper()}").status == 403
        with stage.auditing("ChannelRefused", node.id.upper(), user_name=node.id):
            assert node.upgrade_status(control_channel(node.id.upper())) == 403

    def test_that_only_the_signature_takes_for_the_same_are_refused(self, stage: Stage, node: Node) -> None:
        """SigV4 signs a path without dot segments and empty ones: the signature fits, the path does not."""
        host = ("Host", f"127.0.0.1:{stage.port}")
        honest = Request("POST", f"/v1/control-channel/{node.id}", "", [host])
        headers = [host, *node.signature(honest, "ssmmessages")]
        assert node.send("POST", honest.path, headers).status == 201
        for path in (f"//v1/control-channel/{node.id}", f"/v1/x/../control-channel/{node.id}"):
            assert node.send("POST", path, headers).status in (400, 403, 404)

    def test_with_more_in_the_query_than_was_signed_are_refused(self, stage: Stage, node: Node) -> None:
        host = ("Host", f"127.0.0.1:{stage.port}")
        path = f"/v1/control-channel/{node.id}"
        headers = [host, *node.signature(Request("POST", path, "", [host]), "ssmmessages")]
        with stage.logging("refused a channel call", node.source):
            node.send("POST", f"{path}?id=mi-0", headers).expect(403, "InvalidSignatureException")

    @pytest.mark.parametrize("path", ["//", "/%2f", "/x", "/.", "/v1/control-channel/../.."])
    def test_of_the_api_call_nothing(self, stage: Stage, node: Node, path: str) -> None:
        headers = [
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", "AmazonSSM.UpdateInstanceInformation"),
        ]
        body = json.dumps({"InstanceId": node.id, "AgentVersion": "6.6.6.6"}).encode()
        answer = node.call("POST", path, "ssm", headers, body)
        assert answer.status >= 400 or answer.body == b"{}"
        assert "6.6.6.6" not in stage.admin.ssm("DescribeInstanceInformation").expect(200).text


class TestFrames:
    @pytest.mark.parametrize(
        "message_type",
        [
            m.INPUT_STREAM_DATA,
            m.CHANNEL_CLOSED,
            m.START_PUBLICATION,
            m.PAUSE_PUBLICATION,
            m.INTERACTIVE_SHELL,
            m.AGENT_TASK_COMPLETE,
            b"OUTPUT_STREAM_DATA",
            b"\x1b[2Jforged\n",
        ],
    )
    def test_of_a_forbidden_type_end_the_session(
        self, stage: Stage, connected: Node, session: Grant, message_type: bytes
    ) -> None:
        with (
            stage.admin.client_channel(session) as client,
            connected.agent_channel(session.session_id) as agent,
        ):
            agent.send(frame(message_type))
            text = told(client)
        assert "the agent may not send" in text
        assert text.isprintable()
        stage.wait_for_audit("FrameRefused", session.session_id, user_name=connected.id)
        stage.wait_for_status(session.session_id, "Terminated")

    @pytest.mark.slow
    def test_that_nobody_acknowledges_are_not_kept_without_end(
        self, stage: Stage, connected: Node, session: Grant
    ) -> None:
        """The node poses as an official agent, whose messages the gateway keeps until they are acknowledged;
        the user, who reads them, never does that."""
        token = connected.channel_call(f"/v1/data-channel/{session.session_id}").expect(201).token
        opening = {"TokenValue": token, "ClientInstanceId": connected.id, "ClientId": "", "RequestId": "r"}
        with (
            stage.admin.client_channel(session),
            connected.websocket(data_channel(session.session_id)) as agent,
        ):
            agent.send(json.dumps({"MessageSchemaVersion": "1.0", **opening}))
            stage.wait_for_log(f"session {session.session_id}: the agent joined")
            before = resident_bytes(stage.stack.server.pid)
            agent.socket.settimeout(1.0)
            sent = 0
            with contextlib.suppress(TimeoutError, OSError, ConnectionClosed):
                while sent < FLOOD_BYTES:
                    message = frame(m.OUTPUT_STREAM_DATA, bytes(64 * 1024), sent // (64 * 1024))
                    agent.send(message)
                    sent += 64 * 1024
            growth = resident_bytes(stage.stack.server.pid) - before
            stage.admin.ssm("TerminateSession", SessionId=session.session_id).expect(200)
        assert sent < FLOOD_BYTES, "the server took everything that was sent"
        assert growth < LIMITS.max_assist_bytes + MAX_GROWTH_BYTES

    def test_that_are_malformed_end_the_session(self, stage: Stage, connected: Node, session: Grant) -> None:
        with (
            stage.admin.client_channel(session) as client,
            connected.agent_channel(session.session_id) as agent,
        ):
            agent.send(b"\x00" * 8)
            assert "malformed" in told(client)
        stage.wait_for_audit("FrameRefused", session.session_id, user_name=connected.id)

    def test_over_the_limit_of_a_data_channel_close_it(
        self, stage: Stage, connected: Node, session: Grant
    ) -> None:
        with connected.agent_channel(session.session_id) as agent:
            self._send_and_lose(agent, frame(m.OUTPUT_STREAM_DATA, bytes(LIMITS.max_frame_bytes)))
        stage.wait_for_log(f"session {session.session_id}: the agent left")

    def test_over_the_limit_of_a_control_channel_close_it(self, stage: Stage) -> None:
        evil = stage.add_node()
        with evil.control_channel() as channel:
            self._send_and_lose(channel, bytes(LIMITS.max_control_message_bytes + 1))
        stage.wait_for_log(f"node {evil.id} is no longer connected")

    @pytest.mark.parametrize("garbage", [b"", b"\x00", bytes(200), b"[" * 200])
    def test_of_garbage_close_a_control_channel(self, stage: Stage, garbage: bytes) -> None:
        evil = stage.add_node()
        with evil.control_channel() as channel:
            channel.send(garbage)
            assert goodbye(channel).code == REFUSED
        stage.wait_for_log(f"closing the control channel of node {evil.id}")

    @staticmethod
    def _send_and_lose(channel: ClientConnection, message: bytes) -> None:
        send(channel, message)
        assert goodbye(channel).code in (TOO_BIG, None)


class TestOpenFrames:
    def test_over_8_kib_are_refused(self, stage: Stage, node: Node) -> None:
        with node.websocket(control_channel(node.id)) as channel:
            channel.send(control_open("x" * LIMITS.max_open_frame_bytes))
            assert goodbye(channel).code == REFUSED
        stage.wait_for_log(f"closing a WebSocket from {node.source}: one open frame of at most")

    def test_far_over_it_are_cut_before_they_are_read(self, stage: Stage, node: Node) -> None:
        with node.websocket(control_channel(node.id)) as channel:
            send(channel, control_open("x" * 50 * LIMITS.max_opening_bytes))
            assert goodbye(channel).code in (None, TOO_BIG)
        stage.wait_for_log("sent too much before its open frame was accepted")

    def test_may_not_come_after_a_binary_one(self, stage: Stage, node: Node) -> None:
        token = node.channel_call(f"/v1/control-channel/{node.id}").expect(201).token
        with node.websocket(control_channel(node.id)) as channel:
            send(channel, frame(m.AGENT_TASK_COMPLETE), control_open(token))
            bye = goodbye(channel)
        assert (bye.code, bye.reason) == (REFUSED, "the first frame must be the open frame, a text frame")
        stage.wait_for_log(f"closing a WebSocket from {node.source}: the first frame must be")

    @pytest.mark.parametrize(
        "garbage",
        [
            "",
            "{}",
            "[]",
            "null",
            "not JSON",
            '{"TokenValue": 7}',
            '{"TokenValue": null}',
            '{"TokenValue": {"TokenValue": "x"}}',
            '{"TokenValue": "\\ud800"}',
            '{"TokenValue": "x", "Fairlead": {"Version": 1e999}}',
            '{"TokenValue": "x", "Fairlead": {"Version": NaN}}',
            '{"TokenValue": "x", "n": ' + "9" * 5000 + "}",
            "[" * 8000,
            '{"a":' * 1300,
        ],
    )
    def test_of_garbage_are_refused(self, stage: Stage, node: Node, garbage: str) -> None:
        before = len(stage.log)
        with (
            stage.logging("refused an open frame", node.source),
            node.websocket(control_channel(node.id)) as channel,
        ):
            channel.send(garbage)
            assert goodbye(channel).code == REFUSED
        assert "Traceback" not in stage.log[before:]

    def test_that_never_come_are_waited_for_ten_seconds(
        self, stage: Stage, node: Node, silent: ClientConnection
    ) -> None:
        bye = goodbye(silent)
        assert (bye.code, bye.reason) == (REFUSED, "no open frame within 10 s")
        stage.wait_for_log(f"closing a WebSocket from {node.source}: no open frame within 10 s")


USER_OPERATIONS = [
    ("StartSession", {"Target": "{other}", "DocumentName": "AWS-StartSSHSession"}),
    ("ResumeSession", {"SessionId": "{session}"}),
    ("TerminateSession", {"SessionId": "{session}"}),
    ("DescribeSessions", {"State": "Active"}),
    ("GetConnectionStatus", {"Target": "{other}"}),
    ("CreateActivation", {"IamRole": "service-role/FairleadNode"}),
    ("DescribeActivations", {}),
    ("DeleteActivation", {"ActivationId": "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10"}),
    ("DescribeInstanceInformation", {}),
    ("DeregisterManagedInstance", {"InstanceId": "{other}"}),
    ("GetDocument", {"Name": "AWS-StartSSHSession"}),
]


class TestNodeCredentials:
    @pytest.mark.parametrize(("operation", "members"), USER_OPERATIONS)
    def test_are_good_for_no_operation_of_a_user(
        self,
        stage: Stage,
        node: Node,
        other_node: Node,
        foreign: Grant,
        operation: str,
        members: dict[str, str],
    ) -> None:
        filled = {
            name: value.format(other=other_node.id, session=foreign.session_id)
            for name, value in members.items()
        }
        with stage.auditing(operation, user_name=node.id, error_code="AccessDenied"):
            node.ssm(operation, **filled).expect(400, "AccessDeniedException")
        assert stage.session_row(foreign.session_id)["status"] == "Connecting"

    @pytest.mark.parametrize(
        ("operation", "members"),
        [
            ("CreateUser", {"UserName": "mallory"}),
            ("CreateAccessKey", {"UserName": "admin"}),
            ("ListUsers", {}),
            ("PutRolePolicy", {"RoleName": "FairleadNode", "PolicyName": "p", "PolicyDocument": "{}"}),
            ("DeleteUser", {"UserName": "admin"}),
        ],
    )
    def test_administer_nothing(
        self, stage: Stage, node: Node, operation: str, members: dict[str, str]
    ) -> None:
        with stage.auditing(operation, user_name=node.id, error_code="AccessDenied"):
            node.iam(operation, **members).expect(403, "AccessDenied")

    def test_beget_no_credentials(self, stage: Stage, node: Node) -> None:
        with stage.logging("credentials from", node.source):
            answer = node.ssm("RequestManagedInstanceRoleToken", Fingerprint=node.fingerprint)
        answer.expect(400, "UnrecognizedClientException")
        with stage.logging("credentials from", node.source):
            answer = node.ssm("UpdateManagedInstancePublicKey", NewPublicKey="x", NewPublicKeyType="Rsa")
        answer.expect(400, "UnrecognizedClientException")

    def test_are_not_replaced_by_the_nodes_key(self, stage: Stage, node: Node) -> None:
        """The key is good for two operations and no other."""
        for operation in ("UpdateInstanceInformation", "StartSession", "DescribeSessions"):
            with stage.logging("credentials from", node.source):
                answer = node.by_key(operation, InstanceId=node.id, Target=node.id, State="Active")
            answer.expect(400, "UnrecognizedClientException")

    def test_of_a_copied_machine_are_not_renewed(self, stage: Stage, node: Node) -> None:
        with stage.auditing("MachineFingerprintMismatch", node.id):
            answer = node.by_key("RequestManagedInstanceRoleToken", Fingerprint="another-machine")
        answer.expect(400, "MachineFingerprintDoesNotMatch")

    def test_that_were_altered_are_unknown(self, stage: Stage, node: Node, other_node: Node) -> None:
        """The sealed token is bound to its key id: neither half of two pairs can be mixed."""
        assert node.credentials is not None
        assert other_node.credentials is not None
        mine, theirs = node.credentials, other_node.credentials
        assert mine.session_token is not None
        mixed = [
            Credentials(theirs.access_key_id, mine.secret_access_key, theirs.session_token),
            Credentials(theirs.access_key_id, mine.secret_access_key, mine.session_token),
            Credentials(mine.access_key_id, mine.secret_access_key, mine.session_token[::-1]),
            Credentials(mine.access_key_id, mine.secret_access_key, mine.session_token[:-8]),
            Credentials(mine.access_key_id, mine.secret_access_key, None),
        ]
        for credentials in mixed:
            thief = Peer(stage, credentials)
            answer = thief.ssm("ListInstanceAssociations", InstanceId=other_node.id)
            assert answer.code in ("UnrecognizedClientException", "InvalidSignatureException")
            stage.wait_for_log(thief.source)

    def test_signed_for_one_service_are_refused_by_another(self, stage: Stage, node: Node) -> None:
        assert node.credentials is not None
        headers = [
            ("Host", f"127.0.0.1:{stage.port}"),
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", "AmazonSSM.ListInstanceAssociations"),
        ]
        body = json.dumps({"InstanceId": node.id}).encode()
        request = Request("POST", "/", "", headers, body)
        signature = sign_with(
            node.credentials, request, region=stage.region, service="ssmmessages", now=time.time()
        )
        with stage.logging("credentials from", node.source):
            answer = node.send("POST", "/", headers + signature, body)
        answer.expect(400, "InvalidSignatureException")

    def test_die_with_the_deregistration(self, stage: Stage) -> None:
        evil = stage.add_node()
        with evil.control_channel() as channel:
            session = stage.admin.start_session(evil)
            with evil.agent_channel(session.session_id) as agent:
                stage.admin.ssm("DeregisterManagedInstance", InstanceId=evil.id).expect(200)
                assert goodbye(channel).reason == "the node was deregistered"
                assert goodbye(agent).code is not None
        with stage.logging("credentials from", evil.source):
            answer = evil.ssm("ListInstanceAssociations", InstanceId=evil.id)
        answer.expect(400, "UnrecognizedClientException")
        evil.channel_call(f"/v1/control-channel/{evil.id}").expect(403, "UnrecognizedClientException")
        assert evil.upgrade_status(control_channel(evil.id)) == 403
        evil.by_key("RequestManagedInstanceRoleToken", Fingerprint=evil.fingerprint).expect(
            400, "InvalidInstanceId"
        )
        stage.wait_for_status(session.session_id, "Terminated")
        stage.wait_for_audit("DeregisterManagedInstance", evil.id)


class TestWhatANodeSaysOfItself:
    def test_role_tags_and_name_change_nothing(self, stage: Stage, node: Node) -> None:
        claims = {
            "IamRole": "Administrator",
            "Tags": [{"Key": "Env", "Value": "Prod"}],
            "Name": "the-payroll-server",
            "RegistrationDate": 0,
            "ActivationId": "9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10",
        }
        node.ssm("UpdateInstanceInformation", InstanceId=node.id, **claims)
        listed = stage.admin.ssm("DescribeInstanceInformation").expect(200).json["InstanceInformationList"]
        mine = next(item for item in listed if item["InstanceId"] == node.id)
        assert mine["IamRole"] == "service-role/FairleadNode"
        assert not {"Administrator", "the-payroll-server", "Prod"} & set(map(str, mine.values()))
        node.ssm("DescribeSessions", State="Active").expect(400, "AccessDeniedException")
        stage.wait_for_audit("DescribeSessions", user_name=node.id, error_code="AccessDenied")

    def test_control_characters_are_not_kept(self, stage: Stage, node: Node) -> None:
        name = "web\x1b]0;owned\x07\r\n2026-01-01 INFO forged \u202egnp"
        node.ssm("UpdateInstanceInformation", InstanceId=node.id, ComputerName=name).expect(200)
        listed = stage.admin.ssm("DescribeInstanceInformation").expect(200).json["InstanceInformationList"]
        mine = next(item for item in listed if item["InstanceId"] == node.id)
        assert mine["ComputerName"].isprintable()
        assert mine["ComputerName"].startswith("web]0;owned")

    def test_a_second_control_channel_replaces_the_first(self, stage: Stage) -> None:
        twin = stage.add_node()
        with twin.control_channel() as first, _second_control_channel(twin) as second:
            assert goodbye(first).reason == "a newer control channel took this place"
            session = stage.admin.start_session(twin)
            assert next_control_message(second).session_id == session.session_id
            stage.admin.ssm("TerminateSession", SessionId=session.session_id).expect(200)
            wait_until(
                lambda: is_closed_message(next_control_message(second), session.session_id),
                "the end of the session",
            )
        stage.wait_for_log(f"node {twin.id} opened a new control channel; the older one is closed")


@contextlib.contextmanager
def _second_control_channel(node: Node) -> Iterator[ClientConnection]:
    """Without waiting for the log, which knows the node as connected already."""
    token = node.channel_call(f"/v1/control-channel/{node.id}").expect(201).token
    with node.websocket(control_channel(node.id)) as channel:
        channel.send(control_open(token))
        yield channel
