"""Who a cloud says a machine is: its instance identity document, whose word counts, and what came of it.

A document is JSON that the cloud's metadata service gives to the machine and that the cloud has signed. It
names instance, account, region and the moment at which the machine was started. It says nothing about who
presents it: whoever can read it can, so an instance id belongs to the first key that it is presented with.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from fairlead.aws.strict_json import strict_object
from fairlead.domain.errors import InstanceIdentityRefused
from fairlead.domain.scope import Scope

MAX_DOCUMENT_BYTES = 4096
"""Longest document that is read; one of EC2 has about 500 bytes."""
LEEWAY = timedelta(minutes=5)
"""How far the cloud's clock may be ahead of ours, as for signed requests."""
LEAVE_LIFETIME = timedelta(hours=24)
"""How long an administrator's leave to register anew is good, as an activation is by default."""

_INSTANCE_ID = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})", re.ASCII)
_ACCOUNT_ID = re.compile(r"[0-9]{12}", re.ASCII)
_REGION = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceIdentity:
    """What a document says, as far as it counts here."""

    instance_id: str
    account_id: str
    """The account in the cloud, which is not one of this server."""
    region: str
    """The region of the cloud: it says whose signature the document must have."""
    pending_at: datetime
    """When the machine was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityTrust:
    """Whose documents are taken, and what machines become that present them."""

    issuer_keys: Mapping[str, tuple[bytes, ...]]
    """For each region of the cloud the public keys (DER SubjectPublicKeyInfo) that sign for it."""
    account_ids: frozenset[str]
    """Accounts of the cloud whose machines may join."""
    max_age: timedelta
    """How long after its start a machine may join by the document alone."""
    iam_role: str
    """The role that such nodes act with: a name, with its path when it has one."""

    def check_age(self, identity: InstanceIdentity, now: datetime) -> None:
        """Raise InstanceIdentityRefused for a document that is too old to be enough, or of the future."""
        if identity.pending_at > now + LEEWAY:
            raise InstanceIdentityRefused(
                f"The instance identity document of {identity.instance_id} is of a time to come: "
                "is a clock wrong?"
            )
        if now - identity.pending_at > self.max_age:
            raise InstanceIdentityRefused(
                f"The instance identity document of {identity.instance_id} is too old: the machine was "
                f"started at {identity.pending_at:%Y-%m-%dT%H:%M:%SZ}, and after "
                f"{self.max_age // timedelta(minutes=1)} minutes it needs an activation, too."
            )


NOBODY_TRUSTED = IdentityTrust(issuer_keys={}, account_ids=frozenset(), max_age=timedelta(0), iam_role="")
"""No machine joins by a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRegistration:
    """The memory that an instance id was taken once. It outlives the node: whoever registers it again has to
    prove more than a document does."""

    instance_id: str
    scope: Scope
    cloud_account_id: str
    cloud_region: str
    first_registered_at: datetime
    leave_until: datetime | None = None
    """Until when the id may be registered with another key, once: an administrator's leave."""

    def has_leave(self, now: datetime) -> bool:
        """True while an administrator's leave is neither used nor over."""
        return self.leave_until is not None and now < self.leave_until


class InstanceRegistrationRepository(Protocol):
    """Where it is kept which instance ids were taken."""

    def get(self, instance_id: str, *, to_change: bool = False) -> InstanceRegistration | None:
        """Instance ids are unique over accounts and regions, in the cloud as here.

        `to_change` keeps others from changing it until the transaction ends.
        """
        ...

    def claim(self, registration: InstanceRegistration) -> bool:
        """Take an instance id for the first time; False if it was taken before. Safe under races."""
        ...

    def replace(self, registration: InstanceRegistration) -> None:
        """Put this in the place of the one of the same instance id."""
        ...


def parse_identity(document: bytes) -> InstanceIdentity:
    """What a document says, which nobody need believe yet. Raises InstanceIdentityRefused."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise _malformed(f"longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        members = strict_object(document)
    except ValueError as error:
        raise _malformed(str(error)) from None
    pending_time = _text(members, "pendingTime", _MOMENT)
    try:
        pending_at = datetime.strptime(pending_time, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _malformed("pendingTime is no moment") from None
    return InstanceIdentity(
        instance_id=_text(members, "instanceId", _INSTANCE_ID),
        account_id=_text(members, "accountId", _ACCOUNT_ID),
        region=_text(members, "region", _REGION),
        pending_at=pending_at,
    )


def _text(members: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:  # Any: JSON of strangers
    value = members.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _malformed(f"{name} is missing or not what it should be")
    return value


def _malformed(reason: str) -> InstanceIdentityRefused:
    return InstanceIdentityRefused(f"The instance identity document is malformed: {reason}.")
