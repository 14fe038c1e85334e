"""Account and region: every resource belongs to one of each from the first day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The account (12 digits) and the region in which a resource lives."""

    account_id: str
    region: str
