"""The temporary credentials of users and role sessions: sealed into their own session token, never stored.

The token holds everything (principal, key id, secret, expiry, session policies, tags) under the master key,
as a node's does (`node_credentials`). Whether the principal still exists and what it may is asked at each
call.
"""

import base64
import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.control.environment import Environment
from fairlead.control.identifiers import secret_access_key, temporary_access_key_id
from fairlead.control.sealing import SealBroken, Sealer
from fairlead.domain.callers import TemporaryCredentials
from fairlead.domain.errors import PackedPolicyTooLarge, UnknownAccessKey

MAX_TOKEN_CHARACTERS = 4096
"""Longest session token: it travels in a header of every request."""

_MAX_PLAIN_BYTES = 65_536
_BOUND_TO = b"temporary-credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Temporary credentials. The secret is not part of `repr`.

    `principal_id` is that of a user, or of a role and the session's name, with a colon between.
    """

    principal_id: str
    account_id: str
    access_key_id: str
    secret_access_key: str
    expires_at: datetime
    facts: TemporaryCredentials

    def __repr__(self) -> str:
        return f"<Issued {self.access_key_id} to {self.principal_id}>"


def issue(
    env: Environment, principal_id: str, account_id: str, lifetime_s: int, facts: TemporaryCredentials
) -> tuple[Issued, str]:
    """New credentials, and the session token that goes with them.

    Raises PackedPolicyTooLarge when policies and tags do not fit into a token.
    """
    issued = Issued(
        principal_id=principal_id,
        account_id=account_id,
        access_key_id=temporary_access_key_id(env.random_bytes),
        secret_access_key=secret_access_key(env.random_bytes),
        expires_at=(env.now() + timedelta(seconds=lifetime_s)).replace(microsecond=0),
        facts=facts,
    )
    plain = json.dumps(
        {
            "principal": issued.principal_id,
            "account": issued.account_id,
            "key": issued.access_key_id,
            "secret": issued.secret_access_key,
            "expires": issued.expires_at.isoformat(),
            "facts": facts.to_json(),
        }
    )
    sealed = env.sealer.seal(zlib.compress(plain.encode(), 9), _BOUND_TO)
    token = base64.b64encode(sealed).decode()
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise PackedPolicyTooLarge(
            f"Session policies and tags take {len(token)} characters packed;"
            f" {MAX_TOKEN_CHARACTERS} are allowed."
        )
    return issued, token


def open_token(sealer: Sealer, session_token: str, access_key_id: str) -> Issued:
    """The credentials in a session token; they may have expired.

    Raises UnknownAccessKey if the token was not made here or belongs to another access key.
    """
    if len(session_token) > MAX_TOKEN_CHARACTERS:
        raise UnknownAccessKey
    try:
        packed = sealer.open(base64.b64decode(session_token, validate=True), _BOUND_TO)
    except (ValueError, SealBroken):
        raise UnknownAccessKey from None
    members = json.loads(zlib.decompressobj().decompress(packed, _MAX_PLAIN_BYTES))
    if members["key"] != access_key_id:
        raise UnknownAccessKey
    return Issued(
        principal_id=members["principal"],
        account_id=members["account"],
        access_key_id=members["key"],
        secret_access_key=members["secret"],
        expires_at=datetime.fromisoformat(members["expires"]),
        facts=TemporaryCredentials.from_json(members["facts"]),
    )
