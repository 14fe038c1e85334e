"""Target and document of StartSession, by today's rule and by the older one."""

from hashlib import sha256

import pytest

from fairlead.domain.errors import AccessDenied
from tests.support.control_world import NODE_ID, World, policy, statement
from tests.support.factories import a_document_version, a_stored_document

NODE = f"arn:aws:ssm:*:*:managed-instance/{NODE_ID}"
SHELL = "arn:aws:ssm:*:*:document/SSM-SessionManagerRunShell"
CHECKED = {"BoolIfExists": {"ssm:SessionDocumentAccessCheck": "true"}}
UNCHECKED = {"Bool": {"ssm:SessionDocumentAccessCheck": "false"}}
TARGET_ONLY = statement("Allow", "ssm:StartSession", NODE)
BOTH = statement("Allow", "ssm:StartSession", [NODE, SHELL])


@pytest.fixture
def relaxed():
    world = World(default_document_is_checked=False)
    world.role()
    world.node()
    return world


def may_start(world, *statements, document=None):
    try:
        world.start(world.user("alice", policy(*statements)), document_name=document)
    except AccessDenied:
        return False
    return True


def test_by_todays_rule_the_default_document_must_be_allowed_too(world):
    world.node()
    assert not may_start(world, TARGET_ONLY)


def test_both_are_enough(world):
    world.node()
    assert may_start(world, BOTH)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([TARGET_ONLY], True),
        ([{**TARGET_ONLY, "Condition": UNCHECKED}], True),
        ([{**TARGET_ONLY, "Condition": CHECKED}], False),
        ([{**BOTH, "Condition": CHECKED}], True),
        ([{**TARGET_ONLY, "Condition": CHECKED}, TARGET_ONLY], True),  # one without it defeats the others
        ([TARGET_ONLY, statement("Deny", "ssm:StartSession", NODE)], False),
        ([statement("Allow", "ssm:StartSession", SHELL)], False),
    ],
)
def test_by_the_older_rule_the_target_is_enough_unless_the_statement_says_otherwise(
    relaxed, statements, expected
):
    assert may_start(relaxed, *statements) is expected


@pytest.mark.parametrize("document", ["SSM-SessionManagerRunShell", "AWS-StartSSHSession"])
def test_a_document_that_is_named_is_always_checked(relaxed, document):
    assert not may_start(relaxed, TARGET_ONLY, document=document)


def test_the_tags_of_a_document_are_seen_on_the_document_only(world):
    world.node(tags=(("Team", "db"),))
    with world.store.transaction() as uow:
        uow.documents.add(a_stored_document(tags=(("Team", "web"),)), a_document_version())

    def on(resource, team):
        condition = {"StringEquals": {"ssm:resourceTag/Team": team}}
        return {**statement("Allow", "ssm:StartSession", resource), "Condition": condition}

    document = "arn:aws:ssm:*:*:document/Custom-Port"
    caller = world.user("carl", policy(on(NODE, "db"), on(document, "web")))
    world.start(caller, document_name="Custom-Port")
    for number, wrong in enumerate(([on(NODE, "db"), on(document, "db")], [on([NODE, document], "db")])):
        with pytest.raises(AccessDenied, match="document/Custom-Port"):
            world.start(world.user(f"user{number}", policy(*wrong)), document_name="Custom-Port")


def test_a_client_that_comes_back_is_judged_by_the_same_rule(relaxed):
    caller = relaxed.user("alice", policy(TARGET_ONLY))
    relaxed.key_of(caller)
    started = relaxed.start(caller, document_name=None)
    secret, promised = b"1" * 32, sha256(b"2" * 32).digest()
    relaxed.open_client(started.session_id, started.token_value, promised_digest=sha256(secret).digest())
    relaxed.open_client(started.session_id, resume_secret=secret.hex(), promised_digest=promised)
    assert relaxed.session(started.session_id).status.is_active
