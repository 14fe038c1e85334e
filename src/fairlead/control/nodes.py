"""Managed nodes: they register, come to credentials, tell how they are, and are listed and removed.

A machine registers with an activation's id and code, and proves itself with its RSA key from then on. What
a node says about itself is shown to people and decides nothing.
"""

import hmac
from dataclasses import replace
from functools import partial

from fairlead.control import node_listing, node_properties
from fairlead.control.activation_tier import require_room
from fairlead.control.audit import anonymous
from fairlead.control.authorization import deny, node_arn
from fairlead.control.calls import Call, perform, perform_unrecorded
from fairlead.control.environment import Environment
from fairlead.control.heartbeats import Heartbeats
from fairlead.control.identifiers import digest, node_id
from fairlead.control.node_credentials import issue
from fairlead.control.node_keys import parse_public_key
from fairlead.control.notifier import AgentNotifier
from fairlead.control.resource_tags import node_tag_keys
from fairlead.control.roles import trusts_ssm
from fairlead.control.security_events import SecurityEvents
from fairlead.control.text import printable
from fairlead.control.throttling import TokenBuckets, source_key
from fairlead.control.versions import OWN_AGENT_NAME
from fairlead.domain.activations import Activation
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import (
    ActivationExpired,
    InvalidActivation,
    InvalidActivationId,
    InvalidInstanceId,
    MachineFingerprintMismatch,
    RegistrationLimitReached,
    Throttled,
)
from fairlead.domain.nodes import Beat, Heartbeat, Node
from fairlead.domain.operations import nodes as operations
from fairlead.domain.operations.node_properties import (
    DESCRIBE_INSTANCE_PROPERTIES,
    DescribeInstancePropertiesRequest,
    DescribeInstancePropertiesResponse,
)
from fairlead.domain.sessions import ChannelSide, EndReason, SessionEnd, SessionStatus

MAX_HEARTBEAT_TEXT_CHARACTERS = 255
_NO_DIGEST = bytes(32)
_EVERYBODY = ""
_NOT_THE_NODE = "because a node may call this for itself only"
_NOT_ITS_KEY = "because it needs the signature of the node's own key"
_NO_ROLE = "because the node's role does not exist or does not trust ssm.amazonaws.com"


class Nodes:
    """The use cases of managed nodes."""

    def __init__(self, env: Environment, notifier: AgentNotifier) -> None:
        self._env = env
        self._notifier = notifier
        self._events = SecurityEvents(env)
        self.heartbeats = Heartbeats(env)
        self._throttle = TokenBuckets(env.settings.registration_rate, env.settings.rate_limited_keys)
        self._recorded_refusals = TokenBuckets(env.settings.anonymous_refusal_rate, max_keys=1)

    def register_managed_instance(
        self, origin: Origin, request: operations.RegisterManagedInstanceRequest
    ) -> operations.RegisterManagedInstanceResponse:
        """A new node for a machine that knows an activation's code. The call is unsigned by design.

        Only who knows the code learns whether the activation has expired or is used up. Anybody can cause a
        refusal, so not all of them are recorded when there are many. Raises Throttled,
        InvalidActivationId (no such activation), InvalidActivation (another code), ActivationExpired,
        RegistrationLimitReached or InvalidRequest (the public key).
        """
        if not self._throttle.take(source_key(origin.source_address), self._env.now()):
            raise Throttled
        with self._env.store.read() as uow:
            known = uow.activations.find(request.activation_id)
        caller = anonymous(self._env, origin)
        if known is not None:
            caller = replace(caller, scope=known.scope)

        def work(call: Call) -> operations.RegisterManagedInstanceResponse:
            activation = activation_with_code(call, request.activation_id, request.activation_code)
            public_key = parse_public_key(request.public_key)
            require_room(self._env, call.uow, activation.scope)
            if not call.uow.activations.claim_registration(activation.id):
                raise RegistrationLimitReached(
                    f"As many machines as activation {activation.id} allows have registered with it."
                )
            node = Node(
                id=node_id(self._env.random_bytes),
                scope=activation.scope,
                activation_id=activation.id,
                iam_role=activation.iam_role,
                name=activation.default_instance_name or None,
                public_key=public_key,
                fingerprint=request.fingerprint,
                registered_at=call.now,
                heartbeat=Heartbeat(),
                tags=tuple(sorted(activation.tags)),
            )
            call.uow.nodes.add(node)
            return operations.RegisterManagedInstanceResponse(instance_id=node.id)

        return perform(
            self._env,
            caller,
            operations.REGISTER_MANAGED_INSTANCE,
            request,
            work,
            may_record_refusal=lambda: self._recorded_refusals.take(_EVERYBODY, self._env.now()),
        )

    def request_managed_instance_role_token(
        self, caller: Caller, request: operations.RequestManagedInstanceRoleTokenRequest
    ) -> operations.RequestManagedInstanceRoleTokenResponse:
        """Credentials of its role for a node that signed with its key.

        Raises AccessDenied (also where the role is gone), InvalidInstanceId or MachineFingerprintMismatch.
        """
        operation = operations.REQUEST_MANAGED_INSTANCE_ROLE_TOKEN

        def work(call: Call) -> operations.RequestManagedInstanceRoleTokenResponse:
            node = self._own_node_by_key(call)
            if not hmac.compare_digest(digest(request.fingerprint), digest(node.fingerprint)):
                raise MachineFingerprintMismatch(
                    f"This machine is not the one that registered as {node.id}. Register it as a new node."
                )
            role = call.uow.identities.get_role(node.scope.account_id, node.role_name)
            if role is None or not trusts_ssm(role, node.scope):
                raise deny(caller, operation.action, node_arn(caller, node.id), _NO_ROLE)
            credentials, session_token = issue(self._env, node.id, node.registered_at)
            return operations.RequestManagedInstanceRoleTokenResponse(
                access_key_id=credentials.access_key_id,
                secret_access_key=credentials.secret_access_key,
                session_token=session_token,
                token_expiration_date=credentials.expires_at,
                update_key_pair=False,
            )

        try:
            return perform_unrecorded(self._env, caller, operation, work)
        except MachineFingerprintMismatch:
            self._events.record(caller, "MachineFingerprintMismatch", {"nodeId": caller.node_id or ""})
            raise

    def update_managed_instance_public_key(
        self, caller: Caller, request: operations.UpdateManagedInstancePublicKeyRequest
    ) -> operations.UpdateManagedInstancePublicKeyResponse:
        """The node's next key; the call is signed with the one it has.

        Raises AccessDenied, InvalidInstanceId or InvalidRequest.
        """

        def work(call: Call) -> operations.UpdateManagedInstancePublicKeyResponse:
            node = self._own_node_by_key(call)
            call.uow.nodes.set_public_key(node.id, parse_public_key(request.new_public_key))
            return operations.UpdateManagedInstancePublicKeyResponse()

        return perform(self._env, caller, operations.UPDATE_MANAGED_INSTANCE_PUBLIC_KEY, request, work)

    def update_instance_information(
        self, caller: Caller, request: operations.UpdateInstanceInformationRequest
    ) -> operations.UpdateInstanceInformationResponse:
        """Keep a node's heartbeat; `heartbeats` has it until it is recorded.

        Raises AccessDenied for any other caller, or InvalidInstanceId.
        """

        def work(call: Call) -> operations.UpdateInstanceInformationResponse:
            node = self._own_node(call, request.instance_id)
            self.heartbeats.add(Beat(node.id, _heartbeat(request), call.now))
            is_ours = request.agent_name == OWN_AGENT_NAME
            note = self._env.last_checkpoint.note if is_ours else ""
            return operations.UpdateInstanceInformationResponse(audit_checkpoint=note or None)

        return perform_unrecorded(self._env, caller, operations.UPDATE_INSTANCE_INFORMATION, work)

    def list_instance_associations(
        self, caller: Caller, request: operations.ListInstanceAssociationsRequest
    ) -> operations.ListInstanceAssociationsResponse:
        """None: there is no State Manager here. Raises AccessDenied or InvalidInstanceId."""

        def work(call: Call) -> operations.ListInstanceAssociationsResponse:
            self._own_node(call, request.instance_id)
            return operations.ListInstanceAssociationsResponse(associations=())

        return perform_unrecorded(self._env, caller, operations.LIST_INSTANCE_ASSOCIATIONS, work)

    def describe_instance_information(
        self, caller: Caller, request: operations.DescribeInstanceInformationRequest
    ) -> operations.DescribeInstanceInformationResponse:
        """One page of nodes, by id.

        Raises AccessDenied, InvalidFilterKey, InvalidFilterValue, InvalidInstanceId (an unknown id in a
        filter) or InvalidNextToken.
        """

        def work(call: Call) -> operations.DescribeInstanceInformationResponse:
            call.authorize(("*",))
            return node_listing.describe(call, self._env.sealer, request)

        self.heartbeats.record()
        return perform(self._env, caller, operations.DESCRIBE_INSTANCE_INFORMATION, request, work)

    def describe_instance_properties(
        self, caller: Caller, request: DescribeInstancePropertiesRequest
    ) -> DescribeInstancePropertiesResponse:
        """The same with conditions that may be turned round. Raises as `describe_instance_information`."""

        def work(call: Call) -> DescribeInstancePropertiesResponse:
            call.authorize(("*",))
            return node_properties.describe(call, self._env.sealer, request)

        self.heartbeats.record()
        return perform(self._env, caller, DESCRIBE_INSTANCE_PROPERTIES, request, work)

    def deregister_managed_instance(
        self, caller: Caller, request: operations.DeregisterManagedInstanceRequest
    ) -> operations.DeregisterManagedInstanceResponse:
        """Remove a node: its sessions end, its credentials and its key are worth nothing from now on.

        Raises AccessDenied or InvalidInstanceId.
        """

        def work(call: Call) -> operations.DeregisterManagedInstanceResponse:
            found = call.uow.nodes.get(caller.scope, request.instance_id)
            arn = node_arn(caller, request.instance_id)
            call.authorize((arn,), resource_context=node_tag_keys(caller, found))
            remove_node(call, self._notifier, existing_node(found, request.instance_id))
            return operations.DeregisterManagedInstanceResponse()

        return perform(self._env, caller, operations.DEREGISTER_MANAGED_INSTANCE, request, work)

    def _own_node(self, call: Call, instance_id: str) -> Node:
        """The calling node, if that is whom it speaks of."""
        caller = call.caller
        if caller.kind is not CallerKind.NODE or caller.node_id != instance_id:
            raise deny(caller, call.operation.action, node_arn(caller, instance_id), _NOT_THE_NODE)
        call.authorize((node_arn(caller, instance_id),))
        return existing_node(call.uow.nodes.get(caller.scope, instance_id), instance_id)

    def _own_node_by_key(self, call: Call) -> Node:
        """The calling node, if it signed with its key: credentials must not bring forth credentials."""
        caller = call.caller
        instance_id = caller.node_id or ""
        if caller.kind is not CallerKind.NODE or caller.access_key_id != instance_id:
            raise deny(caller, call.operation.action, "*", _NOT_ITS_KEY)
        return existing_node(call.uow.nodes.get(caller.scope, instance_id), instance_id)


def existing_node(node: Node | None, instance_id: str) -> Node:
    """What was found under this id. Raises InvalidInstanceId if that is nothing."""
    if node is None:
        raise InvalidInstanceId(f"Not existing InstanceId {instance_id}")
    return node


def remove_node(call: Call, notifier: AgentNotifier, node: Node) -> None:
    """Remove a node; its sessions end, and its control channel is closed after the commit."""
    end = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.NODE_DEREGISTERED)
    for session in call.uow.sessions.active_of_node(node.scope, node.id):
        call.uow.sessions.set_end(session.id, end, call.now)
        call.uow.sessions.void_tokens(session.id, ChannelSide.AGENT)
        call.after_commit(partial(notifier.session_terminated, session, end))
    call.uow.sessions.void_tokens(node.id)
    call.uow.nodes.delete(node.id)
    call.after_commit(lambda: notifier.node_removed(node.id))


def activation_with_code(call: Call, activation_id: str, code: str) -> Activation:
    """The activation, to whoever knows its code. The comparison takes as long for any code.

    Raises InvalidActivationId, InvalidActivation or ActivationExpired.
    """
    activation = call.uow.activations.find(activation_id)
    expected = activation.code_digest if activation is not None else _NO_DIGEST
    is_right = hmac.compare_digest(digest(code), expected)
    if activation is None:
        raise InvalidActivationId(f"Activation {activation_id} does not exist.")
    if not is_right:
        raise InvalidActivation("The activation code is not the one of this activation.")
    if activation.has_expired(call.now):
        raise ActivationExpired(f"Activation {activation.id} has expired. Create a new one.")
    return activation


def _heartbeat(request: operations.UpdateInstanceInformationRequest) -> Heartbeat:
    return Heartbeat(
        agent_name=_kept(request.agent_name),
        agent_version=_kept(request.agent_version),
        platform_type=_kept(request.platform_type),
        platform_name=_kept(request.platform_name),
        platform_version=_kept(request.platform_version),
        ip_address=_kept(request.ip_address),
        computer_name=_kept(request.computer_name),
    )


def _kept(text: str | None) -> str:
    return printable(text or "", MAX_HEARTBEAT_TEXT_CHARACTERS)
