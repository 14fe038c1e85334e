"""The table from operations to use cases. Each noun's module contributes its rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.api import (
    activations,
    attachments,
    audit_log,
    boundaries,
    callers,
    cloudtrail,
    documents,
    explanations,
    fleet,
    groups,
    identities,
    identity_changes,
    identity_tags,
    instance_identity,
    managed_policies,
    mfa,
    nodes,
    resource_tags,
    security_tokens,
    server_drain,
    service_settings,
    sessions,
    simulation,
    user_locks,
)
from fairlead.api.exchange import Exchange
from fairlead.aws.shapes import Operation
from fairlead.control.activations import Activations
from fairlead.control.attachments import Attachments
from fairlead.control.audit_proofs import AuditProofs
from fairlead.control.boundaries import Boundaries
from fairlead.control.callers import Callers
from fairlead.control.documents import Documents
from fairlead.control.event_history import EventHistory
from fairlead.control.explanations import Explanations
from fairlead.control.fleet import Fleet
from fairlead.control.groups import Groups
from fairlead.control.identities import Identities
from fairlead.control.identity_changes import IdentityChanges
from fairlead.control.identity_tags import IdentityTags
from fairlead.control.instance_identity import InstanceIdentities
from fairlead.control.managed_policies import ManagedPolicies
from fairlead.control.mfa import Mfa
from fairlead.control.nodes import Nodes
from fairlead.control.resource_tags import ResourceTags
from fairlead.control.security_tokens import SecurityTokens
from fairlead.control.server_drain import ServerDrain
from fairlead.control.service_settings import ServiceSettings
from fairlead.control.sessions import Sessions
from fairlead.control.simulation import Simulations
from fairlead.control.user_locks import UserLocks
from fairlead.control.web_identities import WebIdentities

# Any: the output dataclass of the operation at hand.
Handler = Callable[[Exchange], Any]
"""Runs a use case for an exchange that is decoded; called on a database thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases behind the API."""

    sessions: Sessions
    activations: Activations
    nodes: Nodes
    fleet: Fleet
    instance_identities: InstanceIdentities
    documents: Documents
    identities: Identities
    attachments: Attachments
    boundaries: Boundaries
    groups: Groups
    identity_changes: IdentityChanges
    identity_tags: IdentityTags
    managed_policies: ManagedPolicies
    mfa: Mfa
    user_locks: UserLocks
    security_tokens: SecurityTokens
    web_identities: WebIdentities
    resource_tags: ResourceTags
    callers: Callers
    server_drain: ServerDrain
    service_settings: ServiceSettings
    simulations: Simulations
    explanations: Explanations
    event_history: EventHistory
    audit_proofs: AuditProofs


def handlers_for(use_cases: UseCases) -> Mapping[Operation, Handler]:
    """One handler for every operation of the catalogue."""
    return {
        **sessions.handlers(use_cases.sessions),
        **activations.handlers(use_cases.activations),
        **nodes.handlers(use_cases.nodes),
        **fleet.handlers(use_cases.fleet),
        **instance_identity.handlers(use_cases.instance_identities),
        **documents.handlers(use_cases.documents),
        **identities.handlers(use_cases.identities),
        **attachments.handlers(use_cases.attachments),
        **boundaries.handlers(use_cases.boundaries),
        **groups.handlers(use_cases.groups),
        **identity_changes.handlers(use_cases.identity_changes),
        **identity_tags.handlers(use_cases.identity_tags),
        **managed_policies.handlers(use_cases.managed_policies),
        **mfa.handlers(use_cases.mfa),
        **user_locks.handlers(use_cases.user_locks),
        **security_tokens.handlers(use_cases.security_tokens, use_cases.web_identities),
        **resource_tags.handlers(use_cases.resource_tags),
        **callers.handlers(use_cases.callers),
        **server_drain.handlers(use_cases.server_drain),
        **service_settings.handlers(use_cases.service_settings),
        **simulation.handlers(use_cases.simulations),
        **explanations.handlers(use_cases.explanations),
        **cloudtrail.handlers(use_cases.event_history),
        **audit_log.handlers(use_cases.audit_proofs),
    }
