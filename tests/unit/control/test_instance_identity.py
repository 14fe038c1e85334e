"""Machines that join by their cloud's word: who may, who may again, and what is refused with which words."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.aws import sigv4
from fairlead.control.environment import Rate
from fairlead.control.instance_identity import InstanceIdentities
from fairlead.control.node_credentials import issue
from fairlead.domain.errors import (
    AccessDenied,
    ActivationExpired,
    InstanceAlreadyRegistered,
    InstanceIdentityRefused,
    InvalidActivation,
    InvalidInstanceId,
    InvalidRequest,
    RegistrationLimitReached,
    Throttled,
    UnknownAccessKey,
)
from fairlead.domain.instance_identity import LEAVE_LIFETIME, NOBODY_TRUSTED
from fairlead.domain.nodes import NodeKind
from fairlead.domain.operations.activations import CreateActivationRequest, Tag
from fairlead.domain.operations.instance_identity import (
    RSA_SHA256,
    AllowInstanceReRegistrationRequest,
    DeregisterInstanceRequest,
)
from fairlead.domain.operations.resource_tags import AddTagsToResourceRequest
from fairlead.domain.scope import Scope
from fairlead.domain.sessions import EndReason
from tests.support.control_world import (
    ORIGIN,
    World,
    node_signed_request,
    policy,
    public_key_der,
    rsa_key,
    signed_request,
    statement,
)
from tests.support.factories import NOW, SCOPE
from tests.support.identity_issuer import CLOUD_ACCOUNT, CLOUD_REGION, INSTANCE_ID, an_issuer, document
from tests.support.instance_requests import ISSUER, TRUST, a_request, proof

ARN = f"arn:aws:ec2:eu-central-1:{SCOPE.account_id}:instance/{INSTANCE_ID}"


@pytest.fixture
def world():
    world = World()
    world.role()
    return world


@pytest.fixture
def use_cases(world):
    return InstanceIdentities(world.env, world.notifier, TRUST)


@pytest.fixture
def admin(world):
    return replace(world.user("admin"), scope=Scope(SCOPE.account_id, CLOUD_REGION))


def the_node(world):
    return world.store.tables.nodes[INSTANCE_ID]


def test_a_machine_that_was_started_just_now_becomes_a_node_under_its_own_id(world, use_cases) -> None:
    answer = use_cases.register_instance(ORIGIN, a_request())
    assert (answer.instance_id, answer.region) == (INSTANCE_ID, CLOUD_REGION)
    node = the_node(world)
    assert node.kind is NodeKind.EC2
    assert node.scope == Scope(SCOPE.account_id, CLOUD_REGION)
    assert (node.activation_id, node.name, node.tags) == (None, None, ())
    assert node.iam_role == "service-role/FairleadNode"
    assert node.public_key == public_key_der(rsa_key())
    taken = world.store.tables.instance_registrations[INSTANCE_ID]
    assert (taken.cloud_account_id, taken.cloud_region) == (CLOUD_ACCOUNT, CLOUD_REGION)
    record = world.last_record
    assert (record.event_name, record.error_code) == ("RegisterInstance", None)


def test_a_region_that_is_not_served_leads_to_the_default_one(world) -> None:
    trust = replace(TRUST, issuer_keys={"ap-south-9": (ISSUER.public_key,)})
    use_cases = InstanceIdentities(world.env, world.notifier, trust)
    answer = use_cases.register_instance(ORIGIN, a_request(document(NOW, region="ap-south-9")))
    assert answer.region == "us-east-1"
    assert the_node(world).scope == SCOPE


def test_the_bare_signature_is_taken_too(use_cases) -> None:
    text = document(NOW)
    request = a_request(text, signature=ISSUER.bare(text).decode(), signature_type=RSA_SHA256)
    assert use_cases.register_instance(ORIGIN, request).instance_id == INSTANCE_ID


def test_the_node_is_known_by_its_key_and_signs_in_its_region(world, use_cases) -> None:
    use_cases.register_instance(ORIGIN, a_request())
    request = node_signed_request(INSTANCE_ID, rsa_key(), world.now, region=CLOUD_REGION)
    assert world.authenticator.authenticate_node_key(request, ORIGIN).node_id == INSTANCE_ID


@pytest.mark.parametrize(
    ("text", "members", "error", "words"),
    [
        (b"{}", {}, InstanceIdentityRefused, "malformed"),
        (document(NOW, region="mars-1"), {}, InstanceIdentityRefused, "No issuer of the region mars-1"),
        (document(NOW, accountId="0" * 12), {}, InstanceIdentityRefused, "account 0+ may not join"),
        (document(NOW - timedelta(minutes=16)), {}, InstanceIdentityRefused, "too old.*an activation"),
        (document(NOW + timedelta(minutes=6)), {}, InstanceIdentityRefused, "time to come"),
        (
            document(NOW),
            {"signature": an_issuer(1).pkcs7(document(NOW)).decode()},
            InstanceIdentityRefused,
            "signature .* is not valid: no key of the region's issuer",
        ),
        (document(NOW), {"public_key": "A" * 392}, InvalidRequest, "public key"),
        (
            document(NOW),
            {"possession_proof": proof(rsa_key(1), rsa_key(), document(NOW))},
            InstanceIdentityRefused,
            "did not prove that it has the private key",
        ),
        (
            document(NOW),
            {"possession_proof": proof(rsa_key(), rsa_key(), b"another document")},
            InstanceIdentityRefused,
            "did not prove",
        ),
        (document(NOW), {"activation_id": "x" * 36}, InvalidRequest, "both ActivationId and ActivationCode"),
        (document(NOW), {"activation_code": "x" * 20}, InvalidRequest, "both"),
    ],
    ids=[
        "malformed", "region", "account", "old", "future", "issuer", "public-key", "possession-key",
        "possession-document", "no-code", "no-id",
    ],
)  # fmt: skip
def test_a_refusal_names_what_was_wrong_and_is_recorded(
    world, use_cases, text, members, error, words
) -> None:
    with pytest.raises(error, match=words) as caught:
        use_cases.register_instance(ORIGIN, a_request(text, **members))
    assert world.store.tables.nodes == {}
    assert world.store.tables.instance_registrations == {}
    record = world.last_record
    assert (record.event_name, record.error_message) == ("RegisterInstance", str(caught.value))
    assert record.source_address == ORIGIN.source_address


def test_without_settings_or_with_no_account_nobody_joins(world) -> None:
    nobody = InstanceIdentities(world.env, world.notifier, NOBODY_TRUSTED)
    with pytest.raises(InstanceIdentityRefused, match=f"No issuer of the region {CLOUD_REGION}"):
        nobody.register_instance(ORIGIN, a_request())
    nobody = InstanceIdentities(world.env, world.notifier, replace(TRUST, account_ids=frozenset()))
    with pytest.raises(InstanceIdentityRefused, match=CLOUD_ACCOUNT):
        nobody.register_instance(ORIGIN, a_request())


def test_a_role_that_nodes_cannot_act_with_is_named(world, use_cases) -> None:
    world.store.tables.roles.clear()
    with pytest.raises(InvalidRequest, match=r"Not existing role: arn:aws:iam::.*service-role/FairleadNode"):
        use_cases.register_instance(ORIGIN, a_request())


class TestAnIdThatIsTaken:
    @pytest.fixture(autouse=True)
    def registered(self, world, use_cases):
        use_cases.register_instance(ORIGIN, a_request())

    def test_is_not_given_to_another_key(self, world, use_cases) -> None:
        with pytest.raises(InstanceAlreadyRegistered, match=r"no proof .* fairlead instances allow-regist"):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1)))
        stranger = a_request(key=rsa_key(1), previous=rsa_key(2))
        with pytest.raises(InstanceAlreadyRegistered, match="the proof is not by that key"):
            use_cases.register_instance(ORIGIN, stranger)
        assert the_node(world).public_key == public_key_der(rsa_key())
        assert world.last_record.error_message is not None

    def test_is_given_to_a_key_that_the_one_before_vouches_for_however_old_the_document(
        self, world, use_cases
    ) -> None:
        world.advance(days=30)
        use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1), previous=rsa_key()))
        assert the_node(world).public_key == public_key_der(rsa_key(1))
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(2), previous=rsa_key()))

    def test_is_given_to_its_own_key_again_as_after_an_answer_that_was_lost(self, world, use_cases) -> None:
        world.advance(hours=1)
        use_cases.register_instance(ORIGIN, a_request())
        assert the_node(world).registered_at == world.now

    def test_is_vouched_for_by_the_key_that_the_node_has_now(self, world, use_cases) -> None:
        with world.store.transaction() as uow:
            uow.nodes.set_public_key(INSTANCE_ID, public_key_der(rsa_key(1)))
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(2), previous=rsa_key()))
        use_cases.register_instance(ORIGIN, a_request(key=rsa_key(2), previous=rsa_key(1)))

    def test_keeps_its_tags_and_name_and_loses_sessions_and_credentials(
        self, world, use_cases, admin
    ) -> None:
        request = AddTagsToResourceRequest(
            resource_type="ManagedInstance", resource_id=INSTANCE_ID, tags=(Tag(key="Env", value="Dev"),)
        )
        world.resource_tags.add_tags_to_resource(admin, request)
        world.notifier.connected.add(INSTANCE_ID)
        started = world.start(admin, INSTANCE_ID)
        issued, token = issue(world.env, INSTANCE_ID, the_node(world).registered_at)
        before = sigv4.Credentials(issued.access_key_id, issued.secret_access_key, token)
        world.advance(minutes=1)
        use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1), previous=rsa_key()))
        assert the_node(world).tags == (("Env", "Dev"),)
        assert world.session(started.session_id).end.reason is EndReason.NODE_DEREGISTERED
        assert ("removed", INSTANCE_ID) in world.notifier.news
        with pytest.raises(UnknownAccessKey):
            world.authenticator.authenticate(
                signed_request(before, world.now, region=CLOUD_REGION), ORIGIN, "ssm"
            )

    def test_is_given_away_once_by_an_administrators_leave(self, world, use_cases, admin) -> None:
        leave = AllowInstanceReRegistrationRequest(instance_id=INSTANCE_ID)
        answer = use_cases.allow_instance_re_registration(admin, leave)
        assert (answer.instance_id, answer.allowed_until) == (INSTANCE_ID, world.now + LEAVE_LIFETIME)
        use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1)))
        assert the_node(world).public_key == public_key_der(rsa_key(1))
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(2)))

    def test_a_leave_ends_by_itself_and_does_not_make_a_document_younger(
        self, world, use_cases, admin
    ) -> None:
        leave = AllowInstanceReRegistrationRequest(instance_id=INSTANCE_ID)
        use_cases.allow_instance_re_registration(admin, leave)
        world.advance(minutes=16)
        with pytest.raises(InstanceIdentityRefused, match="too old"):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1)))
        world.now += LEAVE_LIFETIME
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request(document(world.now), rsa_key(1)))

    def test_a_removed_node_comes_back_by_leave_only(self, world, use_cases, admin) -> None:
        use_cases.deregister_instance(admin, DeregisterInstanceRequest(instance_id=INSTANCE_ID))
        assert world.store.tables.nodes == {}
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request())
        with pytest.raises(InvalidInstanceId):
            use_cases.deregister_instance(admin, DeregisterInstanceRequest(instance_id=INSTANCE_ID))
        leave = AllowInstanceReRegistrationRequest(instance_id=INSTANCE_ID)
        use_cases.allow_instance_re_registration(admin, leave)
        use_cases.register_instance(ORIGIN, a_request())
        assert the_node(world).registered_at == world.now

    def test_a_removal_takes_a_leave_back(self, world, use_cases, admin) -> None:
        leave = AllowInstanceReRegistrationRequest(instance_id=INSTANCE_ID)
        use_cases.allow_instance_re_registration(admin, leave)
        use_cases.deregister_instance(admin, DeregisterInstanceRequest(instance_id=INSTANCE_ID))
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, a_request(key=rsa_key(1)))

    @pytest.mark.parametrize("action", ["AllowInstanceReRegistration", "DeregisterInstance"])
    def test_leave_and_removal_are_rights_on_the_instance(self, world, use_cases, action) -> None:
        def call(caller):
            if action == "DeregisterInstance":
                use_cases.deregister_instance(caller, DeregisterInstanceRequest(instance_id=INSTANCE_ID))
            else:
                request = AllowInstanceReRegistrationRequest(instance_id=INSTANCE_ID)
                use_cases.allow_instance_re_registration(caller, request)

        scope = Scope(SCOPE.account_id, CLOUD_REGION)
        nobody = world.user("nobody", policy(statement("Allow", f"fairlead:{action}", f"{ARN}0")))
        with pytest.raises(AccessDenied, match=ARN):
            call(replace(nobody, scope=scope))
        somebody = world.user("somebody", policy(statement("Allow", f"fairlead:{action}", ARN)))
        call(replace(somebody, scope=scope))

    def test_leave_is_for_an_id_that_is_taken_in_this_region(self, world, use_cases, admin) -> None:
        for caller, instance_id in ((admin, "i-00000000"), (replace(admin, scope=SCOPE), INSTANCE_ID)):
            request = AllowInstanceReRegistrationRequest(instance_id=instance_id)
            with pytest.raises(InvalidInstanceId, match=f"Not existing InstanceId {instance_id}"):
                use_cases.allow_instance_re_registration(caller, request)


class TestAnOldMachine:
    TEXT = document(NOW - timedelta(days=3))

    @pytest.fixture
    def activation(self, world):
        request = CreateActivationRequest(
            iam_role="service-role/FairleadNode",
            default_instance_name="web",
            tags=(Tag(key="Env", value="Dev"),),
        )
        return world.activations.create_activation(world.user("giver"), request)

    def a_request(self, activation, **members):
        code = {"activation_id": activation.activation_id, "activation_code": activation.activation_code}
        return a_request(self.TEXT, **{**code, **members})

    def test_joins_with_an_activation_which_gives_name_and_tags_and_is_used_up(
        self, world, use_cases, activation
    ) -> None:
        use_cases.register_instance(ORIGIN, self.a_request(activation))
        node = the_node(world)
        assert (node.activation_id, node.name) == (activation.activation_id, "web")
        assert node.tags == (("Env", "Dev"),)
        other = document(NOW, instanceId="i-00000000")
        request = a_request(
            other, activation_id=activation.activation_id, activation_code=activation.activation_code
        )
        with pytest.raises(RegistrationLimitReached):
            use_cases.register_instance(ORIGIN, request)

    def test_needs_its_code_and_its_time(self, world, use_cases, activation) -> None:
        with pytest.raises(InvalidActivation):
            use_cases.register_instance(ORIGIN, self.a_request(activation, activation_code="x" * 20))
        world.advance(days=2)
        with pytest.raises(ActivationExpired):
            use_cases.register_instance(ORIGIN, self.a_request(activation))

    def test_does_not_get_an_id_that_is_taken_by_an_activation(self, world, use_cases, activation) -> None:
        use_cases.register_instance(ORIGIN, a_request())
        with pytest.raises(InstanceAlreadyRegistered):
            use_cases.register_instance(ORIGIN, self.a_request(activation, key=rsa_key(1)))
        assert world.store.tables.activations[activation.activation_id].registrations_count == 0

    def test_the_signature_is_not_in_the_audit_trail_of_a_machine_that_has_yet_to_join(
        self, world, use_cases
    ) -> None:
        request = a_request(fingerprint="x", public_key="A" * 392)
        with pytest.raises(InvalidRequest):
            use_cases.register_instance(ORIGIN, request)
        parameters = world.last_record.request_parameters
        assert parameters["document"] == request.document
        assert parameters["signature"] == "HIDDEN_DUE_TO_SECURITY_REASONS"

    def test_the_code_is_not_in_the_audit_trail(self, world, use_cases, activation) -> None:
        use_cases.register_instance(ORIGIN, self.a_request(activation))
        assert activation.activation_code not in json.dumps(world.last_record.request_parameters)


def test_registrations_are_looked_at_in_a_bounded_number() -> None:
    world = World(
        registration_rate=Rate(burst=2, per_s=0.001), anonymous_refusal_rate=Rate(burst=1, per_s=0.001)
    )
    use_cases = InstanceIdentities(world.env, world.notifier, TRUST)
    for _ in range(2):
        with pytest.raises(InstanceIdentityRefused):
            use_cases.register_instance(ORIGIN, a_request(b"{}"))
    with pytest.raises(Throttled):
        use_cases.register_instance(ORIGIN, a_request(b"{}"))
    assert len(world.audit) == 1
