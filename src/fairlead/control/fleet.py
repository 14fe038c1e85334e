"""Administration of managed nodes: another role, and what is known of them beyond AWS's listing."""

from fairlead.control.authorization import node_arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.notifier import AgentNotifier
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
from fairlead.control.resource_tags import node_tag_keys
from fairlead.control.roles import require_passable_role
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidInstanceId
from fairlead.domain.nodes import ChannelSighting, Node, NodeQuery, Twins
from fairlead.domain.operations import fleet as operations
from fairlead.domain.operations.activations import Tag
from fairlead.domain.operations.nodes import (
    UPDATE_MANAGED_INSTANCE_ROLE,
    UpdateManagedInstanceRoleRequest,
    UpdateManagedInstanceRoleResponse,
)

DEFAULT_PAGE = 50
MAX_SAME_MACHINE = 20


class Fleet:
    """The use cases of administrators that only concern nodes."""

    def __init__(self, env: Environment, notifier: AgentNotifier) -> None:
        self._env = env
        self._notifier = notifier

    def update_managed_instance_role(
        self, caller: Caller, request: UpdateManagedInstanceRoleRequest
    ) -> UpdateManagedInstanceRoleResponse:
        """Give a hybrid node another role, from its next call on.

        The caller must be allowed to pass the role on. Raises AccessDenied, InvalidInstanceId or
        InvalidRequest (no such role, or one that does not trust Systems Manager).
        """

        def work(call: Call) -> UpdateManagedInstanceRoleResponse:
            node = call.uow.nodes.get(caller.scope, request.instance_id)
            arn = node_arn(caller, request.instance_id)
            call.authorize((arn,), resource_context=node_tag_keys(caller, node))
            require_passable_role(call, request.iam_role)
            if node is None:
                raise _unknown(request.instance_id)
            call.uow.nodes.set_iam_role(node.id, request.iam_role)
            return UpdateManagedInstanceRoleResponse()

        return perform(self._env, caller, UPDATE_MANAGED_INSTANCE_ROLE, request, work)

    def describe_nodes(
        self, caller: Caller, request: operations.DescribeNodesRequest
    ) -> operations.DescribeNodesResponse:
        """One page of nodes, by id. Raises AccessDenied, InvalidInstanceId or InvalidNextToken."""

        def work(call: Call) -> operations.DescribeNodesResponse:
            call.authorize(("*",))
            scope = caller.scope
            asked = [*sorted(request.instance_ids or ()), str(bool(request.has_twins))]
            listing = Listing(call.operation, scope.account_id, scope.region, asked)
            position = decode_position(self._env.sealer, listing, request.next_token)
            for node_id in request.instance_ids or ():
                if call.uow.nodes.get(scope, node_id) is None:
                    raise _unknown(node_id)
            size = request.max_results or DEFAULT_PAGE
            query = NodeQuery(
                scope=scope,
                node_ids=request.instance_ids,
                has_twins=bool(request.has_twins),
                after_id=None if position is None else position[0],
                limit=size + 1,
            )
            page, has_more = cut_page(call.uow.nodes.describe(query), size)
            names_machines = request.instance_ids is not None
            return operations.DescribeNodesResponse(
                nodes=tuple(
                    self._described(call, node, _same_machine(call, node) if names_machines else None)
                    for node in page
                ),
                next_token=encode_position(self._env.sealer, listing, page[-1].id) if has_more else None,
            )

        return perform(self._env, caller, operations.DESCRIBE_NODES, request, work)

    def _described(
        self, call: Call, node: Node, same_machine: tuple[str, ...] | None
    ) -> operations.NodeDescription:
        heartbeat = node.heartbeat
        return operations.NodeDescription(
            instance_id=node.id,
            resource_type=node.kind.value,
            name=node.name,
            connection_status="connected" if self._notifier.is_connected(node.id) else "notconnected",
            ping_status=node.ping_status(call.now).value,
            last_ping_date_time=node.last_ping_at,
            agent_name=heartbeat.agent_name or None,
            agent_version=heartbeat.agent_version or None,
            platform_type=heartbeat.platform_type or None,
            platform_name=heartbeat.platform_name or None,
            platform_version=heartbeat.platform_version or None,
            ip_address=heartbeat.ip_address or None,
            computer_name=heartbeat.computer_name or None,
            iam_role=node.iam_role,
            activation_id=node.activation_id,
            registration_date=node.registered_at,
            fingerprint=node.fingerprint,
            tags=tuple(Tag(key=key, value=value) for key, value in node.tags),
            same_machine=same_machine,
            twins=None if node.twins is None else _twins(node.twins),
        )


def _same_machine(call: Call, node: Node) -> tuple[str, ...]:
    query = NodeQuery(scope=node.scope, fingerprint=node.fingerprint, limit=MAX_SAME_MACHINE)
    return tuple(other.id for other in call.uow.nodes.describe(query) if other.id != node.id)


def _twins(twins: Twins) -> operations.NodeTwins:
    return operations.NodeTwins(
        first_seen=twins.first_seen_at,
        last_seen=twins.last_seen_at,
        count=twins.count,
        served=_channel(twins.served),
        displaced=_channel(twins.displaced),
    )


def _channel(sighting: ChannelSighting) -> operations.ControlChannel:
    return operations.ControlChannel(
        source_address=sighting.source_address, connected_since=sighting.connected_since
    )


def _unknown(node_id: str) -> InvalidInstanceId:
    return InvalidInstanceId(f"Not existing InstanceId {node_id}")
