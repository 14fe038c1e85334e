"""Inputs and outputs of the operations of `fairlead` that lock users out and let them in again.

These are operations of our own (`Fairlead_20261101.`); their members follow the manners of AWS's.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Integer, Operation, Timestamp, member
from fairlead.domain.operations.identities import EXISTING_USER_NAME, USER_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class LockUserRequest:
    """Whom to lock out."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockUserResponse:
    """Since when he is locked (since an earlier call, if there was one), and what this call took away."""

    user_name: str | None = member("UserName", USER_NAME)
    locked_since: datetime | None = member("LockedSince", Timestamp())
    access_key_count: int | None = member("AccessKeyCount", Integer(min=0))
    session_count: int | None = member("SessionCount", Integer(min=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockUserRequest:
    """Whom to let in again."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockUserResponse:
    """How many access keys are active again."""

    user_name: str | None = member("UserName", USER_NAME)
    access_key_count: int | None = member("AccessKeyCount", Integer(min=0))


LOCK_USER = Operation("fairlead", "LockUser", LockUserRequest, LockUserResponse)
UNLOCK_USER = Operation("fairlead", "UnlockUser", UnlockUserRequest, UnlockUserResponse)
