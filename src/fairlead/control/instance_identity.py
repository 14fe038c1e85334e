"""Machines that join by what their cloud says of them, and the id that belongs to the first key.

The cloud's document proves that an instance exists, not who presents it. So an instance id is taken once;
whoever registers it again shows that he holds the key that it belongs to, or has an administrator's leave,
which is good for one time. A document is enough only for a machine that was started just now.
"""

from dataclasses import replace
from datetime import datetime

from fairlead.aws import arn
from fairlead.control.audit import anonymous
from fairlead.control.authorization import node_arn
from fairlead.control.calls import Call, perform
from fairlead.control.document_signatures import check_signature
from fairlead.control.environment import Environment
from fairlead.control.node_keys import is_signed_by, parse_public_key
from fairlead.control.nodes import activation_with_code, existing_node, remove_node
from fairlead.control.notifier import AgentNotifier
from fairlead.control.resource_tags import node_tag_keys
from fairlead.control.roles import trusts_ssm
from fairlead.control.throttling import TokenBuckets, source_key
from fairlead.domain.activations import Activation
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import (
    InstanceAlreadyRegistered,
    InstanceIdentityRefused,
    InvalidInstanceId,
    InvalidRequest,
    RegistrationLimitReached,
    Throttled,
)
from fairlead.domain.instance_identity import (
    LEAVE_LIFETIME,
    IdentityTrust,
    InstanceIdentity,
    InstanceRegistration,
    parse_identity,
)
from fairlead.domain.nodes import Heartbeat, Node
from fairlead.domain.operations import instance_identity as operations
from fairlead.domain.scope import Scope
from fairlead.protocol.registration_proof import possession_text

_EVERYBODY = ""


class InstanceIdentities:
    """The use cases of nodes that are known by their cloud's word."""

    def __init__(self, env: Environment, notifier: AgentNotifier, trust: IdentityTrust) -> None:
        self._env = env
        self._notifier = notifier
        self._trust = trust
        self._throttle = TokenBuckets(env.settings.registration_rate, env.settings.rate_limited_keys)
        self._recorded_refusals = TokenBuckets(env.settings.anonymous_refusal_rate, max_keys=1)

    def register_instance(
        self, origin: Origin, request: operations.RegisterInstanceRequest
    ) -> operations.RegisterInstanceResponse:
        """A node for a machine that its cloud vouches for. The call is unsigned by design.

        One that is registered already gets the new key: its sessions end, and what the old key brought it is
        worth nothing. Tags and name stay; they never come from the machine. Anybody can cause a refusal, so
        not all of them are recorded when there are many. Raises Throttled, InstanceIdentityRefused (the
        document, its signature, account, region or age, or a proof of possession), InstanceAlreadyRegistered,
        InvalidRequest, and for an activation what `activation_with_code` does or RegistrationLimitReached.
        """
        if not self._throttle.take(source_key(origin.source_address), self._env.now()):
            raise Throttled

        def work(call: Call) -> operations.RegisterInstanceResponse:
            document = request.document.encode()
            identity = self._verified(document, request)
            public_key = parse_public_key(request.public_key)
            text = possession_text(public_key, document)
            if not is_signed_by(public_key, text, request.possession_proof):
                raise InstanceIdentityRefused("The machine did not prove that it has the private key.")
            taken = call.uow.instance_registrations.get(identity.instance_id, to_change=True)
            known = call.uow.nodes.find(identity.instance_id)
            vouched = known is not None and _vouches(known.public_key, public_key, text, request)
            if taken is not None and not vouched and not taken.has_leave(call.now):
                raise _already_registered(identity.instance_id, request.previous_key_proof)
            activation = self._activation(call, request)
            if activation is None and not vouched:
                self._trust.check_age(identity, call.now)
            node = self._node(call, identity, activation, known, public_key, request.fingerprint)
            registration = _registration(identity, node, taken, call.now)
            if taken is not None:
                call.uow.instance_registrations.replace(registration)
            elif not call.uow.instance_registrations.claim(registration):
                raise _already_registered(identity.instance_id, request.previous_key_proof)
            if known is not None:
                remove_node(call, self._notifier, known)
            call.uow.nodes.add(node)
            return operations.RegisterInstanceResponse(instance_id=node.id, region=node.scope.region)

        return perform(
            self._env,
            anonymous(self._env, origin),
            operations.REGISTER_INSTANCE,
            request,
            work,
            may_record_refusal=lambda: self._recorded_refusals.take(_EVERYBODY, self._env.now()),
        )

    def allow_instance_re_registration(
        self, caller: Caller, request: operations.AllowInstanceReRegistrationRequest
    ) -> operations.AllowInstanceReRegistrationResponse:
        """Leave for an instance to register once with a key that nobody vouches for.

        Raises AccessDenied, or InvalidInstanceId for an id that was never taken.
        """

        def work(call: Call) -> operations.AllowInstanceReRegistrationResponse:
            found = call.uow.nodes.get(caller.scope, request.instance_id)
            _authorize(call, request.instance_id, found)
            taken = call.uow.instance_registrations.get(request.instance_id, to_change=True)
            if taken is None or taken.scope != caller.scope:
                raise InvalidInstanceId(f"Not existing InstanceId {request.instance_id}")
            until = call.now + LEAVE_LIFETIME
            call.uow.instance_registrations.replace(replace(taken, leave_until=until))
            return operations.AllowInstanceReRegistrationResponse(
                instance_id=taken.instance_id, allowed_until=until
            )

        return perform(self._env, caller, operations.ALLOW_INSTANCE_RE_REGISTRATION, request, work)

    def deregister_instance(
        self, caller: Caller, request: operations.DeregisterInstanceRequest
    ) -> operations.DeregisterInstanceResponse:
        """Remove such a node: its sessions end, its credentials and its key are worth nothing from now on.

        Its id stays taken, so that no document brings it back without an administrator's leave. Raises
        AccessDenied or InvalidInstanceId.
        """

        def work(call: Call) -> operations.DeregisterInstanceResponse:
            found = call.uow.nodes.get(caller.scope, request.instance_id)
            _authorize(call, request.instance_id, found)
            remove_node(call, self._notifier, existing_node(found, request.instance_id))
            taken = call.uow.instance_registrations.get(request.instance_id, to_change=True)
            if taken is not None:
                call.uow.instance_registrations.replace(replace(taken, leave_until=None))
            return operations.DeregisterInstanceResponse()

        return perform(self._env, caller, operations.DEREGISTER_INSTANCE, request, work)

    def _verified(self, document: bytes, request: operations.RegisterInstanceRequest) -> InstanceIdentity:
        """What the document says, signed by the issuer of its region and of an account that may join."""
        identity = parse_identity(document)
        keys = self._trust.issuer_keys.get(identity.region)
        if keys is None:
            raise InstanceIdentityRefused(f"No issuer of the region {identity.region} is trusted here.")
        check_signature(document, request.signature, request.signature_type, keys)
        if identity.account_id not in self._trust.account_ids:
            raise InstanceIdentityRefused(f"Machines of the account {identity.account_id} may not join here.")
        return identity

    def _activation(self, call: Call, request: operations.RegisterInstanceRequest) -> Activation | None:
        """The activation that comes with the document, one registration of which is then used up."""
        if request.activation_id is None and request.activation_code is None:
            return None
        if request.activation_id is None or request.activation_code is None:
            raise InvalidRequest("An activation needs both ActivationId and ActivationCode.")
        activation = activation_with_code(call, request.activation_id, request.activation_code)
        if not call.uow.activations.claim_registration(activation.id):
            raise RegistrationLimitReached(
                f"As many machines as activation {activation.id} allows have registered with it."
            )
        return activation

    def _node(
        self,
        call: Call,
        identity: InstanceIdentity,
        activation: Activation | None,
        known: Node | None,
        public_key: bytes,
        fingerprint: str,
    ) -> Node:
        """The node that the machine becomes; name and tags are those of the node before it, if there is one.

        The role is that of the activation, else the one before, else the one of the settings.
        """
        if activation is not None:
            scope, iam_role = activation.scope, activation.iam_role
        elif known is not None:
            scope, iam_role = known.scope, known.iam_role
        else:
            scope, iam_role = self._scope_for(identity), self._trust.iam_role
        _check_role(call, scope, iam_role)
        node = Node(
            id=identity.instance_id,
            scope=scope,
            activation_id=None if activation is None else activation.id,
            iam_role=iam_role,
            name=None if activation is None else activation.default_instance_name or None,
            public_key=public_key,
            fingerprint=fingerprint,
            registered_at=call.now,
            heartbeat=Heartbeat(),
            tags=() if activation is None else tuple(sorted(activation.tags)),
        )
        return node if known is None else replace(node, name=known.name, tags=known.tags)

    def _scope_for(self, identity: InstanceIdentity) -> Scope:
        """This server's account, and the region of the cloud if it is served here, else the default one."""
        settings = self._env.settings
        region = identity.region if identity.region in settings.regions else settings.default_scope.region
        return Scope(settings.account_id, region)


def _vouches(
    known_key: bytes, public_key: bytes, text: str, request: operations.RegisterInstanceRequest
) -> bool:
    """Whether the key that the id belongs to is the new one, or has signed for it."""
    if known_key == public_key:
        return True
    proof = request.previous_key_proof
    return proof is not None and is_signed_by(known_key, text, proof)


def _already_registered(instance_id: str, proof: str | None) -> InstanceAlreadyRegistered:
    given = "no proof by that key came with the request" if proof is None else "the proof is not by that key"
    return InstanceAlreadyRegistered(
        f"{instance_id} is registered with another key, and {given}. An administrator can give leave: "
        f"fairlead instances allow-registration {instance_id}"
    )


def _registration(
    identity: InstanceIdentity, node: Node, taken: InstanceRegistration | None, now: datetime
) -> InstanceRegistration:
    """The memory of this registration. A leave is used up by it, needed or not."""
    return InstanceRegistration(
        instance_id=node.id,
        scope=node.scope,
        cloud_account_id=identity.account_id,
        cloud_region=identity.region,
        first_registered_at=now if taken is None else taken.first_registered_at,
    )


def _authorize(call: Call, instance_id: str, found: Node | None) -> None:
    caller = call.caller
    call.authorize((node_arn(caller, instance_id),), resource_context=node_tag_keys(caller, found))


def _check_role(call: Call, scope: Scope, name_with_path: str) -> None:
    """Raise InvalidRequest unless nodes can act with the role."""
    path, _, name = name_with_path.rpartition("/")
    role_arn = str(arn.role(scope.account_id, name, f"/{path}/" if path else "/"))
    role = call.uow.identities.get_role(scope.account_id, name)
    if role is None or role.arn != role_arn or not trusts_ssm(role, scope):
        raise InvalidRequest(f"Not existing role: {role_arn}")
