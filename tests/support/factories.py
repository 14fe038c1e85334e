"""Domain values for tests: whole and valid, each field to be overridden by name."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fairlead.domain.activations import Activation
from fairlead.domain.audit import AuditRecord, IdentityType
from fairlead.domain.document_text import DocumentFormat
from fairlead.domain.documents import SessionType
from fairlead.domain.groups import Group
from fairlead.domain.identities import AccessKey, Role, User
from fairlead.domain.managed_policies import ManagedPolicy
from fairlead.domain.nodes import Heartbeat, Node
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import ChannelSide, ChannelToken, Session, SessionStatus
from fairlead.domain.stored_documents import DocumentVersion, StoredDocument

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SCOPE = Scope("111122223333", "us-east-1")
PORT_DOCUMENT = json.dumps(
    {
        "schemaVersion": "1.0",
        "description": "ssh to port 2222",
        "sessionType": "Port",
        "parameters": {"portNumber": {"type": "String", "default": "2222", "allowedPattern": "22|2222"}},
        "properties": {"portNumber": "{{ portNumber }}"},
    }
)
"""A document of an account's own that leads ssh to a port of the node."""


def a_session(**changes: Any) -> Session:
    session = Session(
        id="alice-0123456789abcdefghijklmnop",
        scope=SCOPE,
        target="mi-0123456789abcdef0",
        document_name="AWS-StartSSHSession",
        session_type=SessionType.PORT,
        parameters={"portNumber": "22"},
        properties={"portNumber": "22"},
        owner_arn="arn:aws:iam::111122223333:user/alice",
        owner_id="AIDAEXAMPLEALICE00001",
        source_address="192.0.2.7",
        status=SessionStatus.CONNECTING,
        started_at=NOW,
        reason="deploy",
    )
    return replace(session, **changes)


def a_token(**changes: Any) -> ChannelToken:
    token = ChannelToken(
        digest=b"\x01" * 32,
        side=ChannelSide.CLIENT,
        channel_id="alice-0123456789abcdefghijklmnop",
        holder="AIDAEXAMPLEALICE00001",
        expires_at=NOW,
    )
    return replace(token, **changes)


def a_node(**changes: Any) -> Node:
    node = Node(
        id="mi-0123456789abcdef0",
        scope=SCOPE,
        activation_id="0f0e0d0c-0b0a-4908-8706-050403020100",
        iam_role="service-role/FairleadNode",
        name="web-1",
        public_key=b"der",
        fingerprint="9e1f7c52-8f0a-4a43-9d6f-0d6f5a3f9a10",
        registered_at=NOW,
        heartbeat=Heartbeat(agent_version="3.3.0.0", platform_type="Linux"),
    )
    return replace(node, **changes)


def an_activation(**changes: Any) -> Activation:
    activation = Activation(
        id="0f0e0d0c-0b0a-4908-8706-050403020100",
        scope=SCOPE,
        code_digest=b"\x02" * 32,
        iam_role="service-role/FairleadNode",
        description=None,
        default_instance_name="web",
        registration_limit=2,
        registrations_count=0,
        expires_at=NOW,
        created_at=NOW,
        tags=(("Env", "Dev"),),
    )
    return replace(activation, **changes)


def a_stored_document(**changes: Any) -> StoredDocument:
    document = StoredDocument(
        name="Custom-Port",
        scope=SCOPE,
        default_version=1,
        latest_version=1,
        last_number=1,
        created_at=NOW,
        target_type=None,
        tags=(("Team", "db"),),
    )
    return replace(document, **changes)


def a_document_version(**changes: Any) -> DocumentVersion:
    version = DocumentVersion(
        number=1, form=DocumentFormat.JSON, created_at=NOW, name="first", content=PORT_DOCUMENT
    )
    return replace(version, **changes)


def a_user(**changes: Any) -> User:
    user = User(
        id="AIDAEXAMPLEALICE00001", account_id=SCOPE.account_id, name="alice", path="/", created_at=NOW
    )
    return replace(user, **changes)


def an_access_key(**changes: Any) -> AccessKey:
    key = AccessKey(
        id="AKIAIOSFODNN7EXAMPLE",
        user_id="AIDAEXAMPLEALICE00001",
        user_name="alice",
        is_active=True,
        created_at=NOW,
    )
    return replace(key, **changes)


def a_role(**changes: Any) -> Role:
    role = Role(
        id="AROAEXAMPLENODE000001",
        account_id=SCOPE.account_id,
        name="FairleadNode",
        path="/service-role/",
        trust_policy="{}",
        created_at=NOW,
    )
    return replace(role, **changes)


def a_group(**changes: Any) -> Group:
    group = Group(
        id="AGPAEXAMPLEOPS0000001", account_id=SCOPE.account_id, name="ops", path="/", created_at=NOW
    )
    return replace(group, **changes)


def a_managed_policy(**changes: Any) -> ManagedPolicy:
    policy = ManagedPolicy(
        id="ANPAEXAMPLESSH0000001",
        account_id=SCOPE.account_id,
        name="ssh",
        path="/team/",
        default_version=1,
        created_at=NOW,
        updated_at=NOW,
        description="ssh to the nodes of the team",
    )
    return replace(policy, **changes)


def an_audit_record(**changes: Any) -> AuditRecord:
    record = AuditRecord(
        id="6f6d0f0c-0000-4000-8000-000000000001",
        at=NOW,
        scope=SCOPE,
        event_source="ssm.amazonaws.com",
        event_name="StartSession",
        principal_arn="arn:aws:iam::111122223333:user/alice",
        principal_id="AIDAEXAMPLEALICE00001",
        user_name="alice",
        access_key_id="AKIAIOSFODNN7EXAMPLE",
        source_address="192.0.2.7",
        user_agent="aws-cli",
        request_id="6f6d0f0c-0000-4000-8000-000000000002",
        is_read_only=False,
        identity_type=IdentityType.USER,
        request_parameters={"target": "mi-0123456789abcdef0"},
    )
    return replace(record, **changes)
