"""What every use case works with: the store, the clock, chance, the sealer and the settings.

A value made once by the composition root. Time and chance come from here and from nowhere else, so a test
decides both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fairlead.aws.shapes import Operation
from fairlead.control.sealing import Sealer
from fairlead.control.tallies import LastCheckpoint, Tallies
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import ActivationTier
from fairlead.domain.unit_of_work import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How often something may happen: `burst` times at once, then `per_s` times a second."""

    burst: int
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSettings:
    """The numbers that use cases need. Lifetimes are in seconds."""

    account_id: str
    """The account of this installation: 12 digits."""
    regions: tuple[str, ...]
    """The regions served; the first is the default."""
    client_token_lifetime_s: int = 60
    """How long a client may take from StartSession or ResumeSession to its data channel."""
    agent_token_lifetime_s: int = 60
    """How long an agent may take from creating a channel to opening it."""
    node_token_lifetime_s: int = 3600
    """How long a node's role credentials last. Agents renew them at half of it."""
    start_session_rate: Rate = Rate(burst=100, per_s=10)
    """StartSession and ResumeSession, for each principal: fifty parallel ssh and some more at once."""
    reattachment_rate: Rate = Rate(burst=60, per_s=2)
    """Returns of a client by its resume secret, for each session; our own client makes one in two seconds."""
    registration_rate: Rate = Rate(burst=200, per_s=5)
    """RegisterManagedInstance, for each source address: a rack behind one NAT at once."""
    anonymous_refusal_rate: Rate = Rate(burst=100, per_s=0.1)
    """Recorded refusals of registrations, and of web identities, of all sources together: nobody may fill
    the disk with them."""
    web_identity_rate: Rate = Rate(burst=100, per_s=5)
    """AssumeRoleWithWebIdentity, for each source address: a class room behind one NAT at once."""
    failed_signature_rate: Rate = Rate(burst=60, per_s=1)
    """Refused credentials, for each source address; calls that prove who they are do not count."""
    security_event_rate: Rate = Rate(burst=100, per_s=1)
    """Recorded security events, for each principal or source address."""
    default_document_is_checked: bool = True
    """Whether a session that names no document needs the right to the account's default one. False: AWS's
    rule of before 2025, by which the right to the target is enough."""
    initial_activation_tier: ActivationTier = ActivationTier.ADVANCED
    """The tier of accounts and regions for which nobody has decided yet."""
    audit_days: int = 90
    """How long audit records are kept; CloudTrail's event history has the same 90 days."""
    rate_limited_keys: int = 10_000
    """How many principals or addresses each of these limits remembers."""

    @property
    def default_scope(self) -> Scope:
        """Where something is recorded that names neither account nor region."""
        return Scope(self.account_id, self.regions[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The surroundings of a use case. `now` gives aware moments in UTC, `random_bytes` that many bytes."""

    store: Store
    now: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]
    sealer: Sealer
    settings: ControlSettings
    error_code: Callable[[Exception, Operation | None], str]
    """The code by which a caller is told of an error: what the audit trail calls it."""
    has_room: Callable[[], bool] = lambda: True
    """False when the disk has no room for what a new session writes."""
    tallies: Tallies = field(default_factory=Tallies)
    last_checkpoint: LastCheckpoint = field(default_factory=LastCheckpoint)
