"""Who makes a call: the value that authentication yields and everything else relies on."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from fairlead.domain.scope import Scope


class CallerKind(Enum):
    """What stands behind a set of credentials."""

    USER = "User"
    NODE = "Node"
    """A managed node with its role's credentials: arn is the assumed-role session named after the node."""
    ROLE = "AssumedRole"
    """Somebody who took on a role: arn is the assumed-role session."""
    ACCOUNT = "Account"
    """The account itself, which may do everything in it. No credentials lead to it: the server makes calls in
    its name whose effects it undoes."""
    ANONYMOUS = "Anonymous"
    """An operation that is unsigned by design, such as RegisterManagedInstance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from, as the server saw it."""

    source_address: str
    user_agent: str = ""
    secure: bool = True
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporaryCredentials:
    """What is true of a caller because of the temporary credentials that he signs with.

    `policies` are the texts of session policies and `policy_arns` managed ones beside them: where there are
    any, they must allow a call, too. `mfa_at` is when a code was given, None if none was.
    """

    issued_at: datetime
    mfa_at: datetime | None = None
    policies: tuple[str, ...] = ()
    policy_arns: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str | None = None
    user_id: str | None = None
    """Of a role session: the unique id of the user who took on the role, or the first of a chain of roles.
    With a lock of his it is void. None where no user did."""

    # Any: JSON of our own making, in session tokens and with sessions.
    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; nothing of it is secret."""
        return {
            "issued_at": self.issued_at.isoformat(),
            "mfa_at": None if self.mfa_at is None else self.mfa_at.isoformat(),
            "policies": list(self.policies),
            "policy_arns": list(self.policy_arns),
            "tags": [list(tag) for tag in self.tags],
            "transitive_tag_keys": list(self.transitive_tag_keys),
            "source_identity": self.source_identity,
            "user_id": self.user_id,
        }

    # Any: as above.
    @classmethod
    def from_json(cls, members: dict[str, Any]) -> "TemporaryCredentials":
        """What `to_json` gave."""
        mfa_at = members["mfa_at"]
        return cls(
            issued_at=datetime.fromisoformat(members["issued_at"]),
            mfa_at=None if mfa_at is None else datetime.fromisoformat(mfa_at),
            policies=tuple(members["policies"]),
            policy_arns=tuple(members["policy_arns"]),
            tags=tuple((key, value) for key, value in members["tags"]),
            transitive_tag_keys=tuple(members["transitive_tag_keys"]),
            source_identity=members["source_identity"],
            user_id=members.get("user_id"),  # an earlier version did not write it
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated caller.

    `principal_id` is the unique id (`AIDA…` of a user, `AROA…:<session name>` of a role session); it does not
    come back when a name is used again. `name` is the first part of session ids: user or role session name.
    """

    kind: CallerKind
    scope: Scope
    arn: str
    principal_id: str
    name: str
    access_key_id: str
    origin: Origin
    node_id: str | None = None
    role_name: str | None = None
    role_arn: str | None = None
    temporary: TemporaryCredentials | None = None
    """None for a long-lived access key, and for a node, whose credentials are temporary in another way."""

    @property
    def identity_id(self) -> str:
        """The unique id of the user or role, without the name of a session."""
        return self.principal_id.partition(":")[0]
