"""The temporary credentials of a managed node: made, sealed into their own session token, and opened again.

The token holds everything (node and its registration, key id, secret, expiry) under the master key. So a
server that was restarted, or another one with the same key, knows the credentials that an agent still has,
and none are stored.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.control.environment import Environment
from fairlead.control.identifiers import secret_access_key, temporary_access_key_id
from fairlead.control.sealing import SealBroken, Sealer
from fairlead.domain.errors import UnknownAccessKey

MAX_TOKEN_CHARACTERS = 2048
"""Longest session token that is looked at. Ours have about 400 characters."""

_BOUND_TO = b"registered-node-credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCredentials:
    """Credentials of one node. The secret and the token are not part of `repr`."""

    node_id: str
    registered_at: datetime
    """When the node was registered that they are of: they are not of one that takes its id later."""
    access_key_id: str
    secret_access_key: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"<NodeCredentials {self.access_key_id} of {self.node_id}>"


def issue(env: Environment, node_id: str, registered_at: datetime) -> tuple[NodeCredentials, str]:
    """New credentials for a node, and the session token that goes with them."""
    lifetime = timedelta(seconds=env.settings.node_token_lifetime_s)
    credentials = NodeCredentials(
        node_id=node_id,
        registered_at=registered_at,
        access_key_id=temporary_access_key_id(env.random_bytes),
        secret_access_key=secret_access_key(env.random_bytes),
        # Whole seconds: what the agent is told is then exactly what the token holds.
        expires_at=(env.now() + lifetime).replace(microsecond=0),
    )
    plain = json.dumps(
        [
            credentials.node_id,
            credentials.registered_at.isoformat(),
            credentials.access_key_id,
            credentials.secret_access_key,
            credentials.expires_at.isoformat(),
        ]
    )
    sealed = env.sealer.seal(plain.encode(), _BOUND_TO)
    return credentials, base64.b64encode(sealed).decode()


def open_token(sealer: Sealer, session_token: str, access_key_id: str) -> NodeCredentials:
    """The credentials in a session token; they may have expired.

    Raises UnknownAccessKey if the token was not made here or belongs to another access key.
    """
    if len(session_token) > MAX_TOKEN_CHARACTERS:
        raise UnknownAccessKey
    try:
        plain = sealer.open(base64.b64decode(session_token, validate=True), _BOUND_TO)
    except (ValueError, SealBroken):
        raise UnknownAccessKey from None
    node_id, registered_at, key_id, secret, expires_at = json.loads(plain)
    if key_id != access_key_id:
        raise UnknownAccessKey
    return NodeCredentials(
        node_id=node_id,
        registered_at=datetime.fromisoformat(registered_at),
        access_key_id=key_id,
        secret_access_key=secret,
        expires_at=datetime.fromisoformat(expires_at),
    )
