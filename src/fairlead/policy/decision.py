"""What came out of an evaluation, and why.

One value feeds the error text, the audit record and the answer to "why?"; the verdicts are spelled as in
SimulatePrincipalPolicy's `EvalDecision`. The wording of a denial is documented in the IAM User Guide,
"Troubleshoot access denied error messages".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from fairlead.policy.context import ContextValue
from fairlead.policy.document import Effect, PolicyDocument, Statement


class Verdict(Enum):
    """The outcome for a request or for one of its resources."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicitDeny"
    IMPLICIT_DENY = "implicitDeny"


class Layer(Enum):
    """The kinds of policies that each have to allow a request; the value is the phrase in a refusal.

    In the order in which a refusal names them.
    """

    IDENTITY = "identity-based policy"
    BOUNDARY = "permissions boundary"
    SESSION = "session policy"


EVERY_LAYER = frozenset(Layer)


class Attachment(Enum):
    """How a policy came to apply to the principal; the value is the phrase for it in a text."""

    USER_INLINE = "inline policy of user"
    USER_MANAGED = "managed policy attached to user"
    GROUP_INLINE = "inline policy of group"
    GROUP_MANAGED = "managed policy attached to group"
    ROLE_INLINE = "inline policy of role"
    ROLE_MANAGED = "managed policy attached to role"
    USER_BOUNDARY = "permissions boundary of user"
    ROLE_BOUNDARY = "permissions boundary of role"
    SESSION = "session policy of role session"


_LAYERS = {
    Attachment.USER_BOUNDARY: Layer.BOUNDARY,
    Attachment.ROLE_BOUNDARY: Layer.BOUNDARY,
    Attachment.SESSION: Layer.SESSION,
}


@dataclass(frozen=True, slots=True)
class AttachedPolicy:
    """A policy that applies to the principal. `owner` is the name of the user, group or role it hangs on.

    `arn` is that of a managed policy, None for one without.
    """

    document: PolicyDocument
    name: str
    attachment: Attachment
    owner: str
    arn: str | None = None

    @property
    def layer(self) -> Layer:
        """Among which policies it counts."""
        return _LAYERS.get(self.attachment, Layer.IDENTITY)


@dataclass(frozen=True, slots=True)
class Question:
    """May this principal do this to these resources?

    `principal_arn` is the caller's ARN (the session's, for a role); `action` is spelled as the service does
    (`ssm:StartSession`); `resources` are ARNs, or `*` for actions without one, in the order in which a
    refusal should name them. ValueError if there is none. `context` holds for all of them,
    `resource_context` (by resource) for one of them only: its tags, for instance.
    """

    principal_arn: str
    action: str
    resources: tuple[str, ...]
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    resource_context: Mapping[str, Mapping[str, ContextValue]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.resources:
            raise ValueError("a question needs at least one resource")


@dataclass(frozen=True, slots=True)
class DecidingStatement:
    """A statement that settled the matter, and where it stands. `index` counts from 0."""

    policy_name: str
    attachment: Attachment
    owner: str
    sid: str | None
    index: int
    effect: Effect
    policy_arn: str | None = None

    def __str__(self) -> str:
        which = f'statement "{self.sid}"' if self.sid else f"statement {self.index + 1}"
        return (
            f'{self.effect.value} in {which} of "{self.policy_name}", {self.attachment.value} "{self.owner}"'
        )


def deciding_statement(policy: AttachedPolicy, statement: Statement) -> DecidingStatement:
    """The reference to a statement of an attached policy."""
    return DecidingStatement(
        policy.name,
        policy.attachment,
        policy.owner,
        statement.sid,
        statement.index,
        statement.effect,
        policy.arn,
    )


@dataclass(frozen=True, slots=True)
class ResourceDecision:
    """The outcome for one resource.

    `statements` are all that decided, in the order of the policies: the Denies of an explicit deny, the
    Allows of an allow, none for an implicit deny. `layer` is where a refusal came from. `missing_keys` are
    the context keys that the request lacked and that conditions on this action and resource look at.
    """

    resource: str
    verdict: Verdict
    statements: tuple[DecidingStatement, ...]
    layer: Layer = Layer.IDENTITY
    missing_keys: tuple[str, ...] = ()

    def reason(self, action: str) -> str:
        """The end of the sentence that refuses, in the service's words."""
        if self.verdict is Verdict.EXPLICIT_DENY:
            article = "an" if self.layer is Layer.IDENTITY else "a"
            return f"with an explicit deny in {article} {self.layer.value}"
        return f"because no {self.layer.value} allows the {action} action"


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome for a request; `results` has one entry per resource, in the order asked."""

    principal_arn: str
    action: str
    results: tuple[ResourceDecision, ...]

    @property
    def refused(self) -> ResourceDecision | None:
        """The first resource that is refused, the one a refusal names; None if the request is allowed."""
        return next((result for result in self.results if result.verdict is not Verdict.ALLOWED), None)

    @property
    def is_allowed(self) -> bool:
        """A request that needs several resources is allowed only if each of them is."""
        return self.refused is None

    @property
    def verdict(self) -> Verdict:
        """The verdict on the first refused resource, or allowed."""
        return self.refused.verdict if self.refused else Verdict.ALLOWED

    @property
    def statements(self) -> tuple[DecidingStatement, ...]:
        """What decided: for the first refused resource, or for all of them if the request is allowed."""
        decisive = (self.refused,) if self.refused else self.results
        return tuple(dict.fromkeys(found for result in decisive for found in result.statements))

    @property
    def missing_keys(self) -> tuple[str, ...]:
        """The context keys that conditions asked for in vain, each once."""
        return tuple(dict.fromkeys(key for result in self.results for key in result.missing_keys))

    def denial_text(self) -> str:
        """The refusal in the service's words; they name no policy. ValueError if the request is allowed."""
        refused = self.refused
        if refused is None:
            raise ValueError("the request is allowed")
        return denial_text(self.principal_arn, self.action, refused.resource, refused.reason(self.action))

    def explanation(self) -> str:
        """One line for an administrator: the outcome and the statements behind it."""
        if self.refused is None:
            return f"{self.action} is allowed: {_listed(self.statements)}"
        on = f"{self.action} on {self.refused.resource}"
        if self.statements:
            return f"{on} is denied: {_listed(self.statements)}"
        lacking = f" (the request has no {', '.join(self.missing_keys)})" if self.missing_keys else ""
        where = "" if self.refused.layer is Layer.IDENTITY else f" of the {self.refused.layer.value}"
        return f"{on} is not allowed by any statement{where}{lacking}"


def denial_text(principal_arn: str, action: str, resource: str, reason: str) -> str:
    """The sentence around the reason of a refusal."""
    return f"User: {principal_arn} is not authorized to perform: {action} on resource: {resource} {reason}"


def _listed(statements: tuple[DecidingStatement, ...]) -> str:
    return "; ".join(map(str, statements))
