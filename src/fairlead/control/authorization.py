"""May this caller do this? Read from the store at every call, so a changed policy holds for the next one.

Here a question is put together: the caller's context, his policies (`principal_policies`) and what the use
case asks about. Which resources an operation touches the use cases know; the evaluation is `policy`'s.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from fairlead.aws import arn
from fairlead.control.principal_policies import standing_of
from fairlead.domain.callers import Caller, CallerKind, TemporaryCredentials
from fairlead.domain.errors import AccessDenied
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import Decision, Question, denial_text
from fairlead.policy.evaluation import evaluate

ResourceContext = Mapping[str, Mapping[str, ContextValue]]
"""Context keys by the ARN of the one resource that has them."""

NO_RESOURCE_KEYS: ResourceContext = {}
NO_MORE_KEYS: Mapping[str, ContextValue] = {}
START_SESSION_KEYS: Mapping[str, ContextValue] = {"ssm:SessionDocumentAccessCheck": "true"}


def authorize(
    uow: UnitOfWork,
    caller: Caller,
    action: str,
    resources: Sequence[str],
    now: datetime,
    context: Mapping[str, ContextValue] = NO_MORE_KEYS,
    resource_context: ResourceContext = NO_RESOURCE_KEYS,
) -> Decision:
    """The decision that allows the call.

    `action` is spelled as the service does (`ssm:StartSession`), `resources` are ARNs or `*`; all of them
    must be allowed. `context` holds the keys that only this operation has, `resource_context` those that only
    one of the resources has: its tags. Raises AccessDenied with the refusing decision.
    """
    standing = standing_of(uow, caller)
    known = {**context_of(caller, now), **standing.tags, **context}
    question = Question(caller.arn, action, tuple(resources), known, resource_context)
    decision = evaluate(question, standing.policies)
    if not decision.is_allowed:
        raise AccessDenied(decision.denial_text(), decision)
    return decision


def deny(caller: Caller, action: str, resource: str, reason: str) -> AccessDenied:
    """The refusal by a rule that no policy can lift; `reason` ends the sentence, as in "because …"."""
    return AccessDenied(denial_text(caller.arn, action, resource, reason))


def context_of(caller: Caller, now: datetime) -> dict[str, ContextValue]:
    """The context keys that policies may refer to (IAM User Guide, "AWS global condition context keys")."""
    return {
        **context_without_origin(caller, now),
        "aws:SourceIp": caller.origin.source_address,
        "aws:SecureTransport": "true" if caller.origin.secure else "false",
        "aws:UserAgent": caller.origin.user_agent,
    }


def context_without_origin(caller: Caller, now: datetime) -> dict[str, ContextValue]:
    """The keys that are known of a caller before he calls: all but those that his connection brings."""
    moment = now.astimezone(UTC)
    context: dict[str, ContextValue] = {
        "aws:userid": caller.principal_id,
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": caller.scope.account_id,
        "aws:PrincipalType": "User" if caller.kind is CallerKind.USER else "AssumedRole",
        "aws:RequestedRegion": caller.scope.region,
        "aws:ViaAWSService": "false",
        "aws:ResourceAccount": caller.scope.account_id,
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(moment.timestamp())),
    }
    if caller.kind is CallerKind.USER:
        context["aws:username"] = caller.name
    elif caller.role_arn is not None:
        context["aws:PrincipalArn"] = caller.role_arn
    if caller.temporary is not None:
        context.update(_temporary_keys(caller.temporary, now))
    return context


def _temporary_keys(temporary: TemporaryCredentials, now: datetime) -> dict[str, ContextValue]:
    """The keys that only temporary credentials have."""
    keys: dict[str, ContextValue] = {
        "aws:TokenIssueTime": temporary.issued_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:MultiFactorAuthPresent": "false" if temporary.mfa_at is None else "true",
    }
    if temporary.mfa_at is not None:
        keys["aws:MultiFactorAuthAge"] = str(int((now - temporary.mfa_at).total_seconds()))
    if temporary.source_identity is not None:
        keys["aws:SourceIdentity"] = temporary.source_identity
    return keys


def node_arn(caller: Caller, node_id: str) -> str:
    """The ARN of a node of the caller's account and region."""
    return str(arn.node(caller.scope.region, caller.scope.account_id, node_id))


def start_session_resources(caller: Caller, node_id: str, document_arn: str) -> tuple[str, str]:
    """What must be allowed to start a session, and again when its client comes back to it."""
    return node_arn(caller, node_id), document_arn


def session_arn(caller: Caller, session_id: str) -> str:
    """The ARN of a session of the caller's account and region."""
    return str(arn.session(caller.scope.region, caller.scope.account_id, session_id))
