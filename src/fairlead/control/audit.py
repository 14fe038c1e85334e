"""The record of a call or of a security event, with everything secret left out.

Which members are secret is part of their description (`String.sensitive`), so a new operation cannot forget
it. `calls` decides when records are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from typing import Any

from fairlead.aws.arn import session as session_resource
from fairlead.aws.shapes import (
    Blob,
    ListOf,
    MapOf,
    Operation,
    Shape,
    String,
    Structure,
    Timestamp,
    members_of,
)
from fairlead.control.environment import Environment
from fairlead.control.identifiers import uuid_text
from fairlead.domain.audit import AuditRecord, IdentityType, Resource
from fairlead.domain.callers import Caller, CallerKind, Origin
from fairlead.domain.errors import AccessDenied
from fairlead.policy.decision import Decision, ResourceDecision, Verdict

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
"""What stands in a record in place of a token, a code or a secret."""

MAX_TEXT_CHARACTERS = 4096
"""Longest text that a record repeats; what is longer is cut and ends with an ellipsis."""

MAX_ENTRIES = 200
"""Most entries of a list or map that a record repeats."""

ANONYMOUS = "anonymous"
SECURITY_EVENT_SOURCE = "fairlead.security"
MAX_RESOURCES = 20
"""Most resources that a record names beside its decisions."""

_READ_ONLY_PREFIXES = ("Describe", "Get", "List", "Simulate", "Explain", "Find", "Lookup", "Export", "Plan")
_IDENTITY_TYPES = {
    CallerKind.USER: IdentityType.USER,
    CallerKind.ROLE: IdentityType.ROLE,
    CallerKind.NODE: IdentityType.ROLE,
}
_SERVICES = {"ssm": "SSM", "iam": "IAM", "ec2": "EC2", "sts": "STS"}


def is_read_only(operation: Operation) -> bool:
    """True for operations that change nothing; their answers are not recorded."""
    return operation.name.startswith(_READ_ONLY_PREFIXES)


def call_record(
    env: Environment,
    caller: Caller,
    operation: Operation,
    request: object | None,
    *,
    response: object | None = None,
    error: Exception | None = None,
    decisions: Sequence[Decision] = (),
) -> AuditRecord:
    """The record of one call: answered with `response`, or refused with `error`."""
    if isinstance(error, AccessDenied) and error.decision is not None:
        decisions = (*decisions, error.decision)
    shows_response = response is not None and not is_read_only(operation)
    return AuditRecord(
        **_who(env, caller),
        event_source=f"{operation.service}.amazonaws.com",
        event_name=operation.name,
        is_read_only=is_read_only(operation),
        request_parameters=None if request is None else _structure(request),
        response_elements=_structure(response) if shows_response else None,
        error_code=None if error is None else env.error_code(error, operation),
        error_message=None if error is None else _cut(str(error)),
        resources=_resources(decisions, caller, getattr(response, "session_id", None)),
        decision=_decisions(decisions),
    )


def service_record(
    env: Environment, name: str, details: Mapping[str, object], source_address: str = ""
) -> AuditRecord:
    """The record of something that the server did by itself, or counted."""
    return AuditRecord(
        id=uuid_text(env.random_bytes),
        at=env.now(),
        scope=env.settings.default_scope,
        event_source=SECURITY_EVENT_SOURCE,
        event_name=name,
        principal_arn="server",
        principal_id="server",
        user_name="server",
        access_key_id="",
        source_address=source_address,
        user_agent="",
        request_id="",
        is_read_only=False,
        identity_type=IdentityType.SERVICE,
        is_service_event=True,
        request_parameters=dict(details),
    )


def security_record(
    env: Environment,
    who: Caller | Origin,
    name: str,
    details: Mapping[str, str | int],
    decision: Decision | None = None,
) -> AuditRecord:
    """The record of something outside the API: a refused frame or token, a client that came back."""
    caller = who if isinstance(who, Caller) else anonymous(env, who)
    decisions = [decision] if decision is not None else []
    return AuditRecord(
        **_who(env, caller),
        event_source=SECURITY_EVENT_SOURCE,
        event_name=name,
        is_read_only=False,
        is_service_event=True,
        request_parameters={
            key: _cut(value) if isinstance(value, str) else value for key, value in details.items()
        },
        resources=_resources(decisions, caller, details.get("sessionId")),
        decision=_decisions(decisions),
    )


def anonymous(env: Environment, origin: Origin) -> Caller:
    """The caller of an operation that is unsigned by design."""
    return Caller(
        kind=CallerKind.ANONYMOUS,
        scope=env.settings.default_scope,
        arn=ANONYMOUS,
        principal_id=ANONYMOUS,
        name=ANONYMOUS,
        access_key_id="",
        origin=origin,
    )


def _who(env: Environment, caller: Caller) -> dict[str, Any]:  # Any: keyword arguments of AuditRecord
    return {
        "id": uuid_text(env.random_bytes),
        "at": env.now(),
        "scope": caller.scope,
        "principal_arn": caller.arn,
        "principal_id": caller.principal_id,
        "identity_type": _identity_type(caller),
        "session_context": _session_context(caller),
        "user_name": caller.name,
        "access_key_id": caller.access_key_id,
        "source_address": caller.origin.source_address,
        "user_agent": _cut(caller.origin.user_agent),
        "request_id": caller.origin.request_id,
    }


def _identity_type(caller: Caller) -> IdentityType:
    if caller.kind is CallerKind.ANONYMOUS and caller.principal_id != ANONYMOUS:
        return IdentityType.WEB_IDENTITY
    return _IDENTITY_TYPES.get(caller.kind, IdentityType.UNKNOWN)


def _session_context(caller: Caller) -> dict[str, Any] | None:  # Any: JSON
    """What is true of a caller's temporary credentials, and whose session a session of a role is."""
    context: dict[str, Any] = {}
    if caller.role_arn is not None:
        context["sessionIssuer"] = {
            "type": "Role",
            "principalId": caller.identity_id,
            "arn": caller.role_arn,
            "accountId": caller.scope.account_id,
            "userName": caller.role_name,
        }
    if caller.temporary is not None:
        context["attributes"] = {
            "creationDate": moment_text(caller.temporary.issued_at.replace(microsecond=0)),
            "mfaAuthenticated": "true" if caller.temporary.mfa_at is not None else "false",
        }
        if caller.temporary.source_identity is not None:
            context["sourceIdentity"] = caller.temporary.source_identity
    return context or None


def _resources(decisions: Sequence[Decision], caller: Caller, session_id: object) -> tuple[Resource, ...]:
    """What was decided about, and the session that it was about or that came of it."""
    arns = [result.resource for decision in decisions for result in decision.results]
    if isinstance(session_id, str):
        arns.append(str(session_resource(caller.scope.region, caller.scope.account_id, session_id)))
    named = dict.fromkeys(_cut(arn) for arn in arns if arn.startswith("arn:"))
    return tuple(Resource(resource_type(arn), arn) for arn in named)[:MAX_RESOURCES]


def resource_type(arn: str) -> str:
    """The type of what an ARN names, as CloudFormation would call it: `AWS::SSM::ManagedInstance`."""
    parts = arn.split(":", 5)
    kind = parts[-1].partition("/")[0].partition(":")[0] if len(parts) == 6 else ""
    words = "".join(word[:1].upper() + word[1:] for word in kind.split("-"))
    service = parts[2] if len(parts) > 2 else ""
    return f"AWS::{_SERVICES.get(service, service)}::{words}"


def _structure(value: object) -> dict[str, Any]:  # Any: JSON
    """The members that are there, with lower-camel names."""
    present = {member: getattr(value, member.name) for member in members_of(type(value))}
    return {
        member.wire_name[:1].lower() + member.wire_name[1:]: _json(member.shape, item)
        for member, item in present.items()
        if item is not None
    }


def _json(shape: Shape, value: Any) -> Any:  # Any: a value of the shape in, JSON out
    match shape:
        case String(sensitive=True) | Blob():
            return HIDDEN
        case String():
            return _cut(value)
        case Timestamp():
            return moment_text(value)
        case ListOf(item=item):
            return [_json(item, entry) for entry in value[:MAX_ENTRIES]]
        case MapOf(value=item):
            entries = list(value.items())[:MAX_ENTRIES]
            return {_cut(key): _json(item, entry) for key, entry in entries}
        case Structure():
            assert is_dataclass(value)
            return _structure(value)
        case _:
            return value


def moment_text(moment: datetime) -> str:
    """ISO 8601 in UTC, as records write it."""
    return moment.isoformat().replace("+00:00", "Z")


def _decisions(decisions: Sequence[Decision]) -> dict[str, Any] | None:  # Any: JSON
    return {"decisions": [_decision(decision) for decision in decisions]} if decisions else None


def _decision(decision: Decision) -> dict[str, Any]:  # Any: JSON
    return {
        "action": decision.action,
        "verdict": decision.verdict.value,
        "resources": [_resource_decision(result) for result in decision.results],
    }


def _resource_decision(result: ResourceDecision) -> dict[str, Any]:  # Any: JSON
    """What was decided about one resource and by which statements; for a refusal, which kind of policy
    refused; and which context keys conditions looked for in vain."""
    record: dict[str, Any] = {
        "resource": _cut(result.resource),
        "verdict": result.verdict.value,
        "statements": [str(statement) for statement in result.statements[:MAX_ENTRIES]],
    }
    if result.verdict is not Verdict.ALLOWED:
        record["layer"] = result.layer.value
    if result.missing_keys:
        record["missing_keys"] = [_cut(key) for key in result.missing_keys[:MAX_ENTRIES]]
    return record


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else f"{text[:MAX_TEXT_CHARACTERS]}…"
