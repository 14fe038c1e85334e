"""The activation tier: how many hybrid nodes there may be, and whether sessions to them are served.

Nodes with an EC2 instance id need no tier (Systems Manager User Guide, "Configuring instance tiers").
"""

from fairlead.control.environment import Environment
from fairlead.control.setting_values import value_of
from fairlead.domain.errors import InvalidRequest, RegistrationLimitReached, TierRequired
from fairlead.domain.nodes import MAX_STANDARD_NODES, Node, NodeKind
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import ACTIVATION_TIER, ActivationTier
from fairlead.domain.unit_of_work import UnitOfWork


def activation_tier(env: Environment, uow: UnitOfWork, scope: Scope) -> ActivationTier:
    """The tier in force in an account and region."""
    return ActivationTier(value_of(env, uow, scope, ACTIVATION_TIER))


def require_session_tier(env: Environment, uow: UnitOfWork, node: Node) -> None:
    """Raise TierRequired unless sessions to a node of its kind are served."""
    if node.kind is NodeKind.HYBRID and activation_tier(env, uow, node.scope) is ActivationTier.STANDARD:
        raise TierRequired


def require_room(env: Environment, uow: UnitOfWork, scope: Scope) -> None:
    """Raise RegistrationLimitReached if the tier allows no further hybrid node.

    Registrations that run at the same moment on several threads are not counted against each other.
    """
    if activation_tier(env, uow, scope) is ActivationTier.ADVANCED:
        return
    if uow.nodes.count_hybrid(scope, MAX_STANDARD_NODES) >= MAX_STANDARD_NODES:
        raise RegistrationLimitReached(
            f"{MAX_STANDARD_NODES:,} hybrid nodes are registered, as many as the standard-instances tier "
            "allows. Enable the advanced-instances tier, or deregister some."
        )


def require_fit_for_standard(uow: UnitOfWork, scope: Scope) -> None:
    """Raise InvalidRequest if there are more hybrid nodes than the standard tier allows."""
    if uow.nodes.count_hybrid(scope, MAX_STANDARD_NODES + 1) > MAX_STANDARD_NODES:
        raise InvalidRequest(
            f"More than {MAX_STANDARD_NODES:,} hybrid nodes are registered in this account and region, which "
            "the standard-instances tier does not allow. Deregister some of them first."
        )
