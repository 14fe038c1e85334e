"""Coming back with a resume secret: what it proves, who may still come, and what ends the session."""

import hashlib
import re
from dataclasses import replace

import pytest

from fairlead.control.environment import Rate
from fairlead.domain.callers import CallerKind, Origin
from fairlead.domain.errors import InvalidChannelToken, SessionEnded, Throttled, UnknownResumeSecret
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations.sessions import ResumeSessionRequest
from fairlead.domain.resumption import RESUME_REPEAT_S
from fairlead.domain.sessions import EndReason, SessionEnd, SessionStatus
from tests.support.control_world import (
    NODE_ID,
    STREAM_BASE_URL,
    World,
    policy,
    statement,
)
from tests.support.factories import a_user, an_access_key

SECRETS = [f"{number:064x}" for number in range(10)]
S1, S2, S3, OTHER = SECRETS[1:5]
ELSEWHERE = Origin(source_address="198.51.100.9", request_id="request-2")
END = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.IDLE_TIMEOUT)
KEY_ID = "AKIAIOSFODNN7EXAMPLE"


def digest_of(secret):
    return hashlib.sha256(bytes.fromhex(secret)).digest()


class Client:
    """A session, and its client, which has promised S1 with its token."""

    def __init__(self, world, caller):
        self.world = world
        self.caller = caller
        self.started = world.start(caller)
        self.session_id = self.started.session_id
        world.open_client(self.session_id, self.started.token_value, promised_digest=digest_of(S1))

    def show(self, secret, promised, **options):
        return self.world.open_client(
            self.session_id,
            resume_secret=secret,
            promised_digest=digest_of(promised),
            **{"origin": ELSEWHERE, **options},
        )

    @property
    def end(self):
        return self.world.session(self.session_id).end

    @property
    def events(self):
        return [
            record.event_name for record in self.world.audit if record.event_source == "fairlead.security"
        ]


@pytest.fixture
def client(world):
    world.node()
    alice = world.user("alice")
    world.key_of(alice)
    return Client(world, alice)


def test_each_secret_brings_the_client_back_once_to_the_next(client):
    assert client.show(S1, S2).id == client.session_id
    assert client.show(S2, S3).id == client.session_id
    assert client.show(S3, OTHER).id == client.session_id
    assert client.end is None


def test_a_return_voids_the_tokens_that_are_still_out(client):
    request = ResumeSessionRequest(session_id=client.session_id)
    token = client.world.sessions.resume_session(client.caller, request, STREAM_BASE_URL).token_value
    client.show(S1, S2)
    with pytest.raises(InvalidChannelToken):
        client.world.open_client(client.session_id, token)


def test_a_return_is_recorded_with_whence_and_the_decision_that_allowed_it(client):
    client.show(S1, S2)
    record = client.world.last_record
    assert (record.event_name, record.principal_id) == ("SessionReattached", client.caller.principal_id)
    assert (record.source_address, record.access_key_id) == (ELSEWHERE.source_address, KEY_ID)
    [decision] = record.decision["decisions"]
    assert (decision["action"], decision["verdict"]) == ("ssm:StartSession", "allowed")
    assert len(decision["resources"]) == 2


def test_when_the_answer_was_lost_the_same_again_is_good_for_a_while(client):
    client.show(S1, S2)
    client.world.advance(seconds=RESUME_REPEAT_S)
    client.show(S1, S2)
    client.show(S2, S3)


def test_when_it_comes_too_late_the_same_again_is_unknown_and_the_next_secret_good(client):
    client.show(S1, S2)
    client.world.advance(seconds=RESUME_REPEAT_S + 1)
    with pytest.raises(UnknownResumeSecret):
        client.show(S1, S2)
    client.show(S2, S3)


def test_a_used_secret_with_another_promise_ends_the_session(client):
    client.show(S1, S2)
    with pytest.raises(SessionEnded) as refused:
        client.show(S1, OTHER)
    assert client.end.reason is EndReason.RESUME_REUSED
    assert refused.value.explanation == client.end.explanation
    assert "somebody else may know it" in client.end.explanation
    assert client.world.notifier.news[-1] == ("terminated", client.session_id, EndReason.RESUME_REUSED)
    assert client.world.notifier.commits_when_told[-1] == client.world.store.commits
    assert client.events[-1] == "ResumeSecretReused"


@pytest.mark.parametrize("secret", [OTHER, "ff" * 32])
def test_a_secret_that_nobody_promised_is_refused_and_recorded_and_changes_nothing(client, secret):
    with pytest.raises(UnknownResumeSecret) as refused:
        client.show(secret, S2)
    assert client.events == ["ResumeSecretRefused"]
    assert client.world.last_record.source_address == ELSEWHERE.source_address
    assert secret not in str(refused.value)
    client.show(S1, S2)


def test_a_refusal_is_not_recorded_where_the_gateway_says_so(client):
    with pytest.raises(UnknownResumeSecret):
        client.show(OTHER, S2, may_record_refusal=lambda: False)
    assert client.events == []


def test_what_is_not_refused_takes_nothing_from_what_may_be_recorded(client):
    def asked():
        raise AssertionError("asked for what was not refused")

    client.show(S1, S2, may_record_refusal=asked)


def test_a_session_that_does_not_exist_is_refused_with_the_same_words(client):
    client.session_id = "alice-x"
    with pytest.raises(UnknownResumeSecret):
        client.show(S1, S2)


def test_a_client_that_promised_nothing_cannot_come_back(world):
    world.node()
    started = world.start(world.user("alice"))
    world.open_client(started.session_id, started.token_value)
    with pytest.raises(UnknownResumeSecret):
        world.open_client(started.session_id, resume_secret=S1, promised_digest=digest_of(S2))


def test_a_token_begins_a_new_chain_and_the_one_before_is_void(client):
    request = ResumeSessionRequest(session_id=client.session_id)
    token = client.world.sessions.resume_session(client.caller, request, STREAM_BASE_URL).token_value
    client.world.open_client(client.session_id, token, promised_digest=digest_of(S3))
    with pytest.raises(UnknownResumeSecret):
        client.show(S1, S2)
    client.show(S3, OTHER)


def test_who_knows_the_secret_of_a_session_that_is_over_learns_how_it_ended(client):
    client.world.channels.end_session(client.session_id, END)
    with pytest.raises(SessionEnded) as refused:
        client.show(S1, S2)
    assert refused.value.explanation == END.explanation
    with pytest.raises(UnknownResumeSecret):
        client.show(OTHER, S2)
    assert client.events == ["ResumeSecretRefused"]


def test_a_secret_that_comes_again_when_the_session_is_over_tells_nothing(client):
    client.show(S1, S2)
    client.world.channels.end_session(client.session_id, END)
    with pytest.raises(UnknownResumeSecret):
        client.show(S1, OTHER)
    assert client.end == END


# -- the owner's right, as it is now --


def deny_everything(client):
    with client.world.store.transaction() as uow:
        document = policy(statement("Deny", "*"))
        uow.identities.put_policy(client.caller.principal_id, InlinePolicy(name="lock", document=document))


def take_the_right_away(client):
    with client.world.store.transaction() as uow:
        uow.identities.delete_policy(client.caller.principal_id, "policy-0")


def deny_the_document(client):
    with client.world.store.transaction() as uow:
        document = policy(
            statement("Deny", "ssm:StartSession", "arn:aws:ssm:*::document/AWS-StartSSHSession")
        )
        uow.identities.put_policy(client.caller.principal_id, InlinePolicy(name="lock", document=document))


def deny_the_place(client):
    with client.world.store.transaction() as uow:
        deny = {
            **statement("Deny", "ssm:StartSession"),
            "Condition": {"IpAddress": {"aws:SourceIp": f"{ELSEWHERE.source_address}/32"}},
        }
        uow.identities.put_policy(
            client.caller.principal_id, InlinePolicy(name="lock", document=policy(deny))
        )


def delete_the_user(client):
    with client.world.store.transaction() as uow:
        uow.identities.delete_access_key(KEY_ID)
        uow.identities.delete_user(client.caller.principal_id)


def let_a_namesake_take_the_place(client):
    delete_the_user(client)
    namesake = a_user(id="AIDASOMEBODYELSE00001", name="alice")
    with client.world.store.transaction() as uow:
        uow.identities.add_user(namesake)
        uow.identities.add_access_key(an_access_key(id=KEY_ID, user_id=namesake.id), "secret")


def lock_the_user(client):
    with client.world.store.transaction() as uow:
        uow.identities.lock_user(client.caller.principal_id, client.world.now)


def delete_the_key(client):
    with client.world.store.transaction() as uow:
        uow.identities.delete_access_key(KEY_ID)


def deactivate_the_key(client):
    key, secret = client.world.store.tables.keys[KEY_ID]
    client.world.store.tables.keys[KEY_ID] = (replace(key, is_active=False), secret)


@pytest.mark.parametrize(
    ("withdraw", "words"),
    [
        (deny_everything, "not authorized to perform: ssm:StartSession .* with an explicit deny"),
        (take_the_right_away, "because no identity-based policy allows"),
        (deny_the_document, "document/AWS-StartSSHSession with an explicit deny"),
        (deny_the_place, "with an explicit deny"),
        (delete_the_user, "user/alice was deleted"),
        (let_a_namesake_take_the_place, "user/alice was deleted"),
        (lock_the_user, "user/alice is locked"),
        (delete_the_key, f"{KEY_ID} of .*user/alice was deactivated or deleted"),
        (deactivate_the_key, f"{KEY_ID} of .*user/alice was deactivated or deleted"),
    ],
)
def test_an_owner_without_the_right_does_not_come_back_and_the_session_ends(client, withdraw, words):
    withdraw(client)
    with pytest.raises(SessionEnded) as refused:
        client.show(S1, S2)
    assert client.end.reason is EndReason.ACCESS_REVOKED
    assert refused.value.explanation == client.end.explanation
    assert re.search(words, client.end.explanation)
    assert client.world.notifier.news[-1] == ("terminated", client.session_id, EndReason.ACCESS_REVOKED)
    record = client.world.last_record
    assert (record.event_name, record.principal_id) == ("SessionAccessRevoked", client.caller.principal_id)
    assert record.request_parameters["sessionId"] == client.session_id
    assert ("explicit" in words or "no identity" in words) == (record.decision is not None)


def test_after_that_the_tokens_of_both_sides_are_void(world, client):
    agent = replace(world.user("x"), kind=CallerKind.NODE, node_id=NODE_ID)
    world.channels.create_data_channel(agent, client.session_id)
    assert world.store.tables.tokens
    deny_everything(client)
    with pytest.raises(SessionEnded):
        client.show(S1, S2)
    assert world.store.tables.tokens == {}


def test_a_temporary_key_that_has_expired_does_not_end_a_transfer(world):
    world.node()
    alice = replace(world.user("alice"), access_key_id="ASIAEXPIREDLONGAGO001")
    client = Client(world, alice)
    world.advance(days=1)
    assert client.show(S1, S2).id == client.session_id


def test_the_right_to_resume_is_not_asked_for(world):
    world.node()
    alice = world.user("alice", policy(statement("Allow", "*"), statement("Deny", "ssm:ResumeSession")))
    world.key_of(alice)
    Client(world, alice).show(S1, S2)


def test_a_policy_sees_the_user_agent_of_the_start(world):
    world.node()
    allow = {**statement("Allow", "*"), "Condition": {"StringLike": {"aws:UserAgent": "aws-cli/*"}}}
    alice = world.user("alice", policy(allow))
    world.key_of(alice)
    Client(world, alice).show(S1, S2)


@pytest.fixture
def by_a_node():
    world = World()
    world.role(policy(statement("Allow", "ssm:StartSession")))
    world.node()
    return Client(world, world.node("mi-00000000000000001"))


def test_a_node_that_started_a_session_comes_back_with_its_credentials_expired(by_a_node):
    by_a_node.world.advance(days=1)
    by_a_node.show(S1, S2)


@pytest.mark.parametrize("table", ["nodes", "roles"])
def test_a_node_that_was_deregistered_or_lost_its_role_does_not(by_a_node, table):
    tables = by_a_node.world.store.tables
    key = "mi-00000000000000001" if table == "nodes" else next(iter(tables.roles))
    del getattr(tables, table)[key]
    with pytest.raises(SessionEnded):
        by_a_node.show(S1, S2)
    assert "mi-00000000000000001 was deleted" in by_a_node.end.explanation


# -- old clients, limits, and what stays secret --


@pytest.mark.parametrize("version", ["1.1.22.0", "nonsense\x1b[31m"])
def test_a_plugin_that_is_too_old_is_refused_and_its_session_ends(world, version):
    world.node()
    started = world.start(world.user("alice"))
    with pytest.raises(SessionEnded) as refused:
        world.open_client(started.session_id, started.token_value, version=version)
    end = world.session(started.session_id).end
    assert end.reason is EndReason.CLIENT_OUTDATED
    assert "update the Session Manager plugin to 1.1.23.0 or later" in refused.value.explanation
    assert "\x1b" not in refused.value.explanation
    assert world.last_record.event_name == "ClientRefused"
    assert world.notifier.news[-1] == ("terminated", started.session_id, EndReason.CLIENT_OUTDATED)


@pytest.mark.parametrize("version", ["", "1.1.23.0", "1.2.764.0"])
def test_a_plugin_that_is_new_enough_or_tells_no_version_is_let_in(world, version):
    world.node()
    started = world.start(world.user("alice"))
    world.open_client(started.session_id, started.token_value, version=version)


def test_our_own_client_is_refused_where_it_would_have_to_be_a_terminal(world):
    world.node()
    for our_word, is_refused in ((True, True), (False, False)):
        started = world.start(world.user(f"user-{our_word}"), document_name="SSM-SessionManagerRunShell")
        if not is_refused:
            world.open_client(started.session_id, started.token_value, is_ours=our_word)
            continue
        with pytest.raises(SessionEnded) as refused:
            world.open_client(started.session_id, started.token_value, is_ours=our_word)
        assert "use AWS's session-manager-plugin" in refused.value.explanation
        assert world.session(started.session_id).end.reason is EndReason.CLIENT_UNSUPPORTED


def test_our_own_client_carries_a_plain_stream_of_any_document(world):
    world.node()
    started = world.start(world.user("alice"))
    world.open_client(started.session_id, started.token_value, is_ours=True)


def test_the_returns_of_one_session_are_limited_and_a_refused_one_uses_nothing_up():
    world = World(reattachment_rate=Rate(burst=1, per_s=1))
    world.node()
    alice = world.user("alice")
    world.key_of(alice)
    client, other = Client(world, alice), Client(world, alice)
    client.show(S1, S2)
    with pytest.raises(Throttled):
        client.show(S2, S3)
    other.show(S1, S2)
    world.advance(seconds=1)
    client.show(S2, S3)


def test_no_secret_gets_into_the_trail(client):
    client.show(S1, S2)
    for secret, promised in ((OTHER, S2), (S1, OTHER)):
        with pytest.raises((UnknownResumeSecret, SessionEnded)):
            client.show(secret, promised)
    trail = repr(client.world.audit)
    assert not any(secret in trail or repr(digest_of(secret)) in trail for secret in SECRETS[1:])
