"""Every decoder of the product, once: hypothesis feeds them in each test run, atheris as long as one likes.

`tests/property/test_decoders.py` holds this list to the code: a function that reads what others wrote and is
neither here nor in `READ_ELSEWHERE` fails it.
"""

from fairlead.agent.errors import MalformedAnswerError, ServiceError, SessionRefusedError
from fairlead.agent.errors import SettingsError as AgentSettingsError
from fairlead.agent.handover import InvalidHandover
from fairlead.aws.errors import MalformedArn, RequestError, SignatureError
from fairlead.client import errors as client_errors
from fairlead.domain.errors import HostRefused, InvalidNextToken, InvalidRequest
from fairlead.gateway.doorkeeper import Refused
from fairlead.policy.errors import MalformedPolicy
from fairlead.protocol.errors import InvalidSnapshot, MalformedMessage
from fairlead.transparency.notes import NoteInvalid
from fairlead.transport.client_frames import FrameError
from fairlead.transport.errors import (
    AddressError,
    ConnectionLost,
    PeerError,
    ProxyError,
    TransportError,
    UpgradeError,
)
from tests.fuzz import audit_readers as audit
from tests.fuzz import document_readers as documents
from tests.fuzz import edge_readers as edge
from tests.fuzz import http_readers as http
from tests.fuzz import identity_readers as identity
from tests.fuzz import oidc_readers as oidc
from tests.fuzz import wire_readers as wire
from tests.fuzz.target import Target, recorded_frames, recorded_requests

_WIRE = (
    Target(
        "agent-message",
        wire.read_message,
        (MalformedMessage,),
        (
            "protocol.message:decode",
            "protocol.message:peek_type",
            "protocol.message:peek_payload_type",
            "protocol.message:peek_sequence_number",
            "protocol.message:peek_message_id",
        ),
        recorded_frames,
    ),
    Target("relayed-head", wire.peek, (MalformedMessage,), ("protocol.message:peek_type",), recorded_frames),
    Target(
        "control-message",
        wire.read_control_message,
        (MalformedMessage,),
        ("protocol.control_channel:decode_control_message", "protocol.control_channel:parse_channel_closed"),
        wire.control_seeds,
    ),
    Target(
        "data-open",
        wire.read_data_open,
        (MalformedMessage,),
        ("protocol.open_channel:parse_data_channel_open",),
        wire.open_seeds,
    ),
    Target(
        "control-open",
        wire.read_control_open,
        (MalformedMessage,),
        ("protocol.open_channel:parse_control_channel_open",),
        wire.open_seeds,
    ),
    Target(
        "handshake-request",
        wire.read_request,
        (MalformedMessage,),
        ("protocol.handshake:parse_handshake_request", "protocol.handshake:parse_session_type"),
        wire.handshake_seeds,
    ),
    Target(
        "handshake-response",
        wire.read_response,
        (MalformedMessage,),
        ("protocol.handshake:parse_handshake_response",),
        wire.handshake_seeds,
    ),
    Target(
        "handshake-complete",
        wire.handshake.parse_handshake_complete,
        (MalformedMessage,),
        ("protocol.handshake:parse_handshake_complete",),
        wire.handshake_seeds,
    ),
    Target(
        "acknowledgement",
        wire.acknowledgements.parse_acknowledgement,
        (MalformedMessage,),
        ("protocol.acknowledgements:parse_acknowledgement", "protocol.json_fields:parse_object"),
        wire.acknowledgement_seeds,
    ),
    Target(
        "channel-closed",
        wire.control_channel.parse_channel_closed,
        (MalformedMessage,),
        ("protocol.control_channel:parse_channel_closed",),
        wire.closed_seeds,
    ),
    Target(
        "snapshot",
        wire.read_snapshot,
        (InvalidSnapshot,),
        ("protocol.snapshot:decode_snapshot",),
        wire.snapshot_seeds,
    ),
    Target("data-channel", wire.run_channel, (), ("protocol.message:decode",), wire.channel_seeds),
    Target(
        "assist", wire.run_assist, (), ("protocol.acknowledgements:parse_acknowledgement",), wire.assist_seeds
    ),
    Target(
        "websocket-frames",
        wire.read_websocket_frames,
        (FrameError,),
        ("transport.client_frames:decode_close",),
        wire.websocket_seeds,
    ),
)

_HTTP = (
    Target(
        "signature",
        http.judge_signature,
        (SignatureError,),
        ("aws.signed_request:parse", "aws.basic_dates:parse_basic"),
        recorded_requests,
    ),
    Target("api-request", http.identify_request, (HostRefused,), (), recorded_requests),
    Target("upgrade", http.read_upgrade, (Refused,), ("gateway.upgrade:parse_request",), http.upgrade_seeds),
    Target(
        "json-body", http.read_json_body, (RequestError,), ("aws.json_protocol:decode",), http.json_body_seeds
    ),
    Target(
        "form",
        http.read_form,
        (RequestError,),
        ("aws.query_protocol:decode", "aws.query_protocol:parse_form"),
        http.form_seeds,
    ),
    Target("arn", http.read_arn, (MalformedArn,), (), lambda: [b"arn:aws:ssm:us-east-1:1:document/x"]),
    Target(
        "identity-policy",
        http.read_identity_policy,
        (MalformedPolicy,),
        ("policy.parser:parse_identity_policy",),
        http.policy_seeds,
    ),
    Target(
        "trust-policy",
        http.read_trust_policy,
        (MalformedPolicy,),
        ("policy.trust_parser:parse_trust_policy",),
        http.policy_seeds,
    ),
    Target(
        "policy-variables",
        http.read_template,
        (MalformedPolicy,),
        ("policy.variables:parse_template",),
        lambda: [b"user/${aws:username}-${*}${?}${$}", b"${aws:userid, 'x'}"],
    ),
    Target(
        "public-key",
        http.read_public_key,
        (InvalidRequest,),
        ("control.node_keys:parse_public_key",),
        http.public_key_seeds,
    ),
    Target(
        "paging-token",
        http.read_paging_token,
        (InvalidNextToken,),
        ("control.paging:decode_position", "control.paging:decode_moment_and_id"),
        http.paging_seeds,
    ),
    Target(
        "http-answer",
        http.read_http_answer,
        (PeerError, ConnectionLost),
        ("transport.http:parse_head",),
        http.answer_seeds,
    ),
    Target(
        "upgrade-answer", http.read_upgrade_answer, (UpgradeError, PeerError), (), http.upgrade_answer_seeds
    ),
    Target("connect-answer", http.read_connect_answer, (ProxyError,), (), http.connect_seeds),
    Target(
        "url",
        http.read_url,
        (AddressError,),
        ("transport.addresses:parse_endpoint",),
        lambda: [b"wss://gateway.example:8443/v1/data-channel/x?role=a", b"ws://[::1]:80/"],
    ),
    Target(
        "proxy",
        http.read_proxy,
        (ProxyError,),
        ("transport.proxies:parse_proxy",),
        lambda: [b"http://user:p%40ss@proxy:3128\n.example.com, 10.0.0.0/8:443 [::1]:8 *"],
    ),
)

_EDGE = (
    Target(
        "offer",
        edge.read_offer,
        (MalformedMessage, SessionRefusedError),
        ("agent.session_document:parse_port_request",),
        edge.offer_seeds,
    ),
    Target(
        "token-answer",
        edge.read_token_answer,
        (MalformedAnswerError,),
        ("agent.gateway_client:parse_token",),
        edge.token_seeds,
    ),
    Target(
        "service-answer",
        edge.read_service_answer,
        (MalformedAnswerError, ServiceError),
        ("agent.service_client:parse_answer",),
        edge.service_seeds,
    ),
    Target(
        "api-answer",
        edge.read_api_answer,
        (client_errors.ServiceError, TransportError),
        ("client.api_calls:parse_http_date",),
        edge.api_seeds,
    ),
    Target(
        "sts-answer",
        edge.read_sts_answer,
        (client_errors.CredentialsError, TransportError),
        ("client.resolved:parse_expiration",),
        edge.sts_seeds,
    ),
    Target(
        "dates",
        edge.read_dates,
        (),
        ("client.api_calls:parse_http_date", "client.resolved:parse_expiration"),
        edge.date_seeds,
    ),
    Target(
        "plugin-call",
        edge.read_plugin_call,
        (client_errors.UsageError,),
        ("client.plugin:parse_call",),
        edge.plugin_seeds,
    ),
    Target(
        "aws-files",
        edge.read_ini,
        (client_errors.SettingsError,),
        ("client.aws_files:parse_ini",),
        edge.ini_seeds,
    ),
    Target(
        "os-release",
        edge.read_os_release,
        (),
        ("agent.host_facts:parse_os_release",),
        lambda: [b'NAME="Debian GNU/Linux"\nVERSION_ID=12\n'],
    ),
    Target(
        "handover",
        edge.read_handover,
        (InvalidHandover,),
        ("agent.handover:decode",),
        edge.handover_seeds,
    ),
    Target(
        "agent-arguments",
        edge.read_program,
        (AgentSettingsError,),
        ("agent.program:parse_program",),
        edge.program_seeds,
    ),
    Target("ceiling", edge.refuse_target, (), (), lambda: [b"localhost\n" + b"x" * 22, b"127.0.0.1\n"]),
)

_OIDC = (
    Target(
        "oidc-discovery",
        oidc.read_discovery,
        oidc.REFUSALS,
        ("server.oidc_keys:parse_discovery",),
        oidc.discovery_seeds,
    ),
    Target("oidc-keys", oidc.read_keys, oidc.REFUSALS, ("server.oidc_keys:parse_key_set",), oidc.key_seeds),
    Target("oidc-token", oidc.read_token, oidc.REFUSALS, (), oidc.token_seeds),
)

_INSTANCE = (
    Target(
        "instance-identity",
        identity.read_document,
        identity.REFUSALS,
        ("domain.instance_identity:parse_identity",),
        identity.document_seeds,
    ),
    Target(
        "signed-data",
        identity.read_message,
        identity.REFUSALS,
        ("aws.signed_data:parse_signed_data",),
        identity.message_seeds,
    ),
)

_AUDIT = (
    Target(
        "checkpoint",
        audit.read_note,
        (NoteInvalid,),
        ("transparency.notes:parse_checkpoint",),
        audit.note_seeds,
    ),
    Target("log-key", audit.read_key, (NoteInvalid,), ("transparency.notes:parse_key",), audit.key_seeds),
    Target(
        "audit-proof",
        audit.read_proof,
        (client_errors.ClientError,),
        ("client.audit_verify:parse_proof",),
        audit.proof_seeds,
    ),
)

_DOCUMENTS = (
    Target(
        "document-json",
        documents.read_json,
        documents.REFUSALS,
        ("domain.document_text:read_text", "domain.document_schema:read_session_document"),
        documents.json_seeds,
    ),
    Target(
        "document-yaml",
        documents.read_yaml,
        documents.REFUSALS,
        ("domain.document_text:read_text", "domain.document_schema:read_session_document"),
        documents.yaml_seeds,
    ),
    Target(
        "document-pattern",
        documents.read_pattern,
        documents.REFUSALS,
        ("domain.document_patterns:matches",),
        documents.pattern_seeds,
    ),
)

TARGETS = {
    target.name: target for target in (*_WIRE, *_HTTP, *_EDGE, *_OIDC, *_INSTANCE, *_DOCUMENTS, *_AUDIT)
}

READ_ELSEWHERE = {
    "agent.ceiling:parse_hosts": "settings of the node's owner",
    "agent.ceiling:parse_ports": "settings of the node's owner",
    "agent.ceiling:parse_session_types": "settings of the node's owner",
    "agent.registration:parse_pin": "an argument of the node's owner",
    "client.proxy:parse_arguments": "arguments of the user",
    "server.admin_env:parse": "a file that the server wrote for its owner",
}
"""Functions with a decoder's name whose input nobody else writes, and who does."""
