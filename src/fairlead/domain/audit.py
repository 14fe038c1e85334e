"""Audit records: what was asked, by whom, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from fairlead.domain.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One API call of a person or a security event of a node. Holds no secret.

    `request_parameters` and `response_elements` are JSON with lower-camel keys, secrets replaced by a fixed
    text; `decision` names the statements that decided.
    """

    id: str
    at: datetime
    scope: Scope
    event_source: str
    event_name: str
    principal_arn: str
    principal_id: str
    user_name: str
    access_key_id: str
    source_address: str
    user_agent: str
    request_id: str
    is_read_only: bool
    request_parameters: Mapping[str, Any] | None = None  # Any: JSON
    response_elements: Mapping[str, Any] | None = None  # Any: JSON
    error_code: str | None = None
    error_message: str | None = None
    decision: Mapping[str, Any] | None = None  # Any: JSON


class AuditRepository(Protocol):
    """Where audit records are kept; they are added, read newest first, and forgotten by age."""

    def add(self, record: AuditRecord) -> None: ...
    def latest(self, scope: Scope, limit: int) -> list[AuditRecord]: ...
    def purge(self, before: datetime) -> int:
        """Delete what was recorded earlier, in every scope; return how many records."""
        ...
