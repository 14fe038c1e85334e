"""Two agents alive under one node id: kept with the node, and in the audit trail.

It happens to the clones of an image that was made with a registration in it, and when a node's key was
stolen. Which of the two is the right one cannot be told here: the newest is served, both are shown.
"""

from datetime import timedelta

from fairlead.control.audit import moment_text, security_record
from fairlead.control.environment import Environment
from fairlead.domain.callers import Caller
from fairlead.domain.nodes import ChannelSighting, Twins

RECORDED_AGAIN_AFTER = timedelta(hours=1)
"""Twins take the channel from each other for as long as nobody ends it. They are in the trail once, and again
when they were not seen for so long."""

TWINS_EVENT = "TwinAgentsSeen"


def record_twins(
    env: Environment, caller: Caller, served: ChannelSighting, displaced: ChannelSighting
) -> None:
    """`displaced` was alive when the calling node opened `served`. Without effect for a node that is gone."""
    now = env.now()
    with env.store.transaction() as uow:
        node = uow.nodes.get(caller.scope, caller.node_id or "", to_change=True)
        if node is None:
            return
        before = node.twins
        twins = Twins(
            first_seen_at=now if before is None else before.first_seen_at,
            last_seen_at=now,
            count=1 if before is None else before.count + 1,
            served=served,
            displaced=displaced,
        )
        uow.nodes.set_twins(node.id, twins)
        if before is None or now - before.last_seen_at >= RECORDED_AGAIN_AFTER:
            details = {
                "nodeId": node.id,
                "servedAddress": served.source_address,
                "servedSince": moment_text(served.connected_since),
                "displacedAddress": displaced.source_address,
                "displacedSince": moment_text(displaced.connected_since),
            }
            uow.audit.add(security_record(env, caller, TWINS_EVENT, details))
