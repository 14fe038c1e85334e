"""May this caller do this? Read from the store at every call, so a changed policy holds for the next one.

The policies of a caller are the inline policies of the user, or of the role that a node has. Nodes have one
more, which every role of a node carries: their own heartbeat and channels. It grants actions only; that the
node, or the target of the session, is the caller's own is a check of the use case, and comes first.

What is not here: which resources an operation touches (the use cases know) and the evaluation (`policy`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from fairlead.aws import arn
from fairlead.domain.callers import Caller, CallerKind
from fairlead.domain.errors import AccessDenied
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import AttachedPolicy, Attachment, Decision, Question, denial_text
from fairlead.policy.document import PolicyDocument
from fairlead.policy.evaluation import evaluate
from fairlead.policy.parser import parse_identity_policy

_PARSED_DOCUMENTS = 256
"""How many parsed documents are kept; a document is at most 128 KiB of text, nearly always far less."""

NO_MORE_KEYS: Mapping[str, ContextValue] = {}
START_SESSION_KEYS: Mapping[str, ContextValue] = {"ssm:SessionDocumentAccessCheck": "true"}

NODE_POLICY_NAME = "FairleadManagedNode"
NODE_POLICY = """{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "OwnHeartbeatAndChannels",
    "Effect": "Allow",
    "Action": [
      "ssm:UpdateInstanceInformation",
      "ssm:ListInstanceAssociations",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenDataChannel"
    ],
    "Resource": "*"
  }]
}"""


def authorize(
    uow: UnitOfWork,
    caller: Caller,
    action: str,
    resources: Sequence[str],
    now: datetime,
    context: Mapping[str, ContextValue] = NO_MORE_KEYS,
) -> Decision:
    """The decision that allows the call.

    `action` is spelled as the service does (`ssm:StartSession`), `resources` are ARNs or `*`; all of them
    must be allowed. `context` holds the keys that only this operation has. Raises AccessDenied with the
    refusing decision.
    """
    question = Question(caller.arn, action, tuple(resources), {**context_of(caller, now), **context})
    decision = evaluate(question, policies_of(uow, caller))
    if not decision.is_allowed:
        raise AccessDenied(decision.denial_text(), decision)
    return decision


def deny(caller: Caller, action: str, resource: str, reason: str) -> AccessDenied:
    """The refusal by a rule that no policy can lift; `reason` ends the sentence, as in "because …"."""
    return AccessDenied(denial_text(caller.arn, action, resource, reason))


def policies_of(uow: UnitOfWork, caller: Caller) -> Iterator[AttachedPolicy]:
    """Every policy that applies to the caller. Raises MalformedPolicy if a stored one is unreadable."""
    if caller.kind is CallerKind.USER:
        for policy in uow.identities.list_policies(caller.principal_id):
            document = _parsed(policy.document)
            yield AttachedPolicy(document, policy.name, Attachment.USER_INLINE, caller.name)
    elif caller.kind is CallerKind.NODE:
        yield from _policies_of_node(uow, caller)


def _policies_of_node(uow: UnitOfWork, caller: Caller) -> Iterator[AttachedPolicy]:
    owner = caller.role_name or ""
    yield AttachedPolicy(_parsed(NODE_POLICY), NODE_POLICY_NAME, Attachment.ROLE_MANAGED, owner)
    role = uow.identities.get_role(caller.scope.account_id, owner)
    for policy in uow.identities.list_policies(role.id) if role is not None else ():
        yield AttachedPolicy(_parsed(policy.document), policy.name, Attachment.ROLE_INLINE, owner)


def context_of(caller: Caller, now: datetime) -> dict[str, ContextValue]:
    """The context keys that policies may refer to (IAM User Guide, "AWS global condition context keys")."""
    moment = now.astimezone(UTC)
    context: dict[str, ContextValue] = {
        "aws:userid": caller.principal_id,
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": caller.scope.account_id,
        "aws:PrincipalType": "User" if caller.kind is CallerKind.USER else "AssumedRole",
        "aws:SourceIp": caller.origin.source_address,
        "aws:SecureTransport": "true" if caller.origin.secure else "false",
        "aws:RequestedRegion": caller.scope.region,
        "aws:UserAgent": caller.origin.user_agent,
        "aws:ViaAWSService": "false",
        "aws:ResourceAccount": caller.scope.account_id,
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(moment.timestamp())),
    }
    if caller.kind is CallerKind.USER:
        context["aws:username"] = caller.name
    elif caller.role_arn is not None:
        context["aws:PrincipalArn"] = caller.role_arn
    return context


def node_arn(caller: Caller, node_id: str) -> str:
    """The ARN of a node of the caller's account and region."""
    return str(arn.node(caller.scope.region, caller.scope.account_id, node_id))


def start_session_resources(caller: Caller, node_id: str, document_arn: str) -> tuple[str, str]:
    """What must be allowed to start a session, and again when its client comes back to it."""
    return node_arn(caller, node_id), document_arn


def session_arn(caller: Caller, session_id: str) -> str:
    """The ARN of a session of the caller's account and region."""
    return str(arn.session(caller.scope.region, caller.scope.account_id, session_id))


@lru_cache(maxsize=_PARSED_DOCUMENTS)
def _parsed(text: str) -> PolicyDocument:
    return parse_identity_policy(text)
