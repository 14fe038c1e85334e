"""Who makes a call: the value that authentication yields and everything else relies on."""

from dataclasses import dataclass
from enum import Enum

from fairlead.domain.scope import Scope


class CallerKind(Enum):
    """What stands behind a set of credentials."""

    USER = "User"
    NODE = "Node"
    """A managed node with its role's credentials: arn is the assumed-role session named after the node."""
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
