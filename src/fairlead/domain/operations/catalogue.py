"""Every operation that the API serves, and what is peculiar about some of them."""

from fairlead.aws.shapes import Operation
from fairlead.domain.operations import (
    activations,
    callers,
    documents,
    identities,
    inline_policies,
    nodes,
    server_drain,
    sessions,
)

ALL_OPERATIONS: tuple[Operation, ...] = (
    sessions.START_SESSION,
    sessions.RESUME_SESSION,
    sessions.TERMINATE_SESSION,
    sessions.DESCRIBE_SESSIONS,
    sessions.GET_CONNECTION_STATUS,
    activations.CREATE_ACTIVATION,
    activations.DESCRIBE_ACTIVATIONS,
    activations.DELETE_ACTIVATION,
    nodes.REGISTER_MANAGED_INSTANCE,
    nodes.REQUEST_MANAGED_INSTANCE_ROLE_TOKEN,
    nodes.UPDATE_MANAGED_INSTANCE_PUBLIC_KEY,
    nodes.UPDATE_INSTANCE_INFORMATION,
    nodes.LIST_INSTANCE_ASSOCIATIONS,
    nodes.DESCRIBE_INSTANCE_INFORMATION,
    nodes.DEREGISTER_MANAGED_INSTANCE,
    documents.GET_DOCUMENT,
    callers.GET_CALLER_IDENTITY,
    identities.CREATE_USER,
    identities.GET_USER,
    identities.LIST_USERS,
    identities.DELETE_USER,
    identities.CREATE_ACCESS_KEY,
    identities.LIST_ACCESS_KEYS,
    identities.DELETE_ACCESS_KEY,
    identities.CREATE_ROLE,
    identities.GET_ROLE,
    identities.LIST_ROLES,
    identities.DELETE_ROLE,
    inline_policies.PUT_USER_POLICY,
    inline_policies.GET_USER_POLICY,
    inline_policies.LIST_USER_POLICIES,
    inline_policies.DELETE_USER_POLICY,
    inline_policies.PUT_ROLE_POLICY,
    inline_policies.GET_ROLE_POLICY,
    inline_policies.LIST_ROLE_POLICIES,
    inline_policies.DELETE_ROLE_POLICY,
    server_drain.DRAIN_SERVER,
    server_drain.DESCRIBE_SERVER_DRAIN,
    server_drain.CANCEL_SERVER_DRAIN,
)

UNSIGNED_OPERATIONS: frozenset[Operation] = frozenset({nodes.REGISTER_MANAGED_INSTANCE})
"""Operations that come without a signature by design."""

NODE_KEY_OPERATIONS: frozenset[Operation] = frozenset(
    {nodes.REQUEST_MANAGED_INSTANCE_ROLE_TOKEN, nodes.UPDATE_MANAGED_INSTANCE_PUBLIC_KEY}
)
"""Operations that a node signs with its RSA key, before it has credentials."""
