"""Trust policies: who may take on a role.

A trust policy names principals where an identity policy names resources; besides users, roles and services
also identity providers, whose tokens are exchanged for credentials of the role. Source: IAM User Guide,
"IAM JSON policy elements: Principal". `trust_parser` makes the values here from a document's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.policy.conditions import Condition
from fairlead.policy.context import Context, ContextValue
from fairlead.policy.decision import EVERY_LAYER, Layer, Verdict, denial_text
from fairlead.policy.document import Effect, Version
from fairlead.policy.grammar import PARTITION
from fairlead.policy.matching import ActionSet

ASSUME_ROLE = "sts:AssumeRole"
NO_CONTEXT = Context({})
_LIMITS_OF_SESSIONS = frozenset({Layer.BOUNDARY, Layer.SESSION})


@dataclass(frozen=True, slots=True)
class PrincipalSet:
    """The principals of a statement: those listed, or (`negated`) all but those listed.

    An account is listed as its root ARN, whichever way the document named it; users, roles and role sessions
    by their ARN or their unique id.
    """

    anyone: bool
    aws: frozenset[str]
    services: frozenset[str]
    federated: frozenset[str]
    negated: bool


@dataclass(frozen=True, slots=True)
class TrustStatement:
    """One statement, compiled. `index` counts from 0; `sid` is None if absent or empty."""

    index: int
    sid: str | None
    effect: Effect
    principals: PrincipalSet
    actions: ActionSet
    condition: Condition


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A parsed trust policy."""

    version: Version
    statements: tuple[TrustStatement, ...]


@dataclass(frozen=True, slots=True)
class TrustDecision:
    """May the principal take on the role, as far as its trust policy goes?

    `needed` are the layers of the principal's own policies that must allow the action, too: all if the policy
    trusts the account (or anyone), none if it names the user or the role session. A role session whose role
    is named stays within its boundary and session policies (IAM User Guide, "Evaluating identity-based
    policies with resource-based policies"). `statements` are the indexes of those that decided.
    """

    verdict: Verdict
    needed: frozenset[Layer]
    statements: tuple[int, ...]

    @property
    def is_allowed(self) -> bool:
        """Does the trust policy allow it?"""
        return self.verdict is Verdict.ALLOWED

    def denial_text(self, principal_arn: str, role_arn: str, action: str = ASSUME_ROLE) -> str:
        """The refusal in the service's words. ValueError if the trust policy allows the request."""
        if self.is_allowed:
            raise ValueError("the request is allowed")
        reason = (
            "with an explicit deny in the role trust policy"
            if self.verdict is Verdict.EXPLICIT_DENY
            else f"because no role trust policy allows the {action} action"
        )
        return denial_text(principal_arn, action, role_arn, reason)


@dataclass(frozen=True, slots=True)
class Trustee:
    """Whoever asks to take on a role: an AWS principal by all its names (`role_names` are those of the role
    that a role session is of), a service, or the holder of a token from an identity provider, which is then
    named by its ARN."""

    names: frozenset[str] = frozenset()
    role_names: frozenset[str] = frozenset()
    account_root: str | None = None
    service: str | None = None
    provider: str | None = None

    @property
    def is_aws(self) -> bool:
        """Is it a user or a role session?"""
        return self.service is None and self.provider is None


def service_trustee(service: str) -> Trustee:
    """A service, such as `ssm.amazonaws.com`."""
    return Trustee(service=service)


def federated_trustee(provider: str) -> Trustee:
    """The holder of a token that the identity provider with this ARN has issued."""
    return Trustee(provider=provider)


def aws_trustee(arn: str, principal_id: str, role_arn: str | None = None) -> Trustee:
    """A user or a role session. A session's ARN lacks the path of its role, so `role_arn` comes beside it;
    its unique id is that of the role and the name of the session, with a colon between."""
    of_role = frozenset() if role_arn is None else frozenset({role_arn, principal_id.partition(":")[0]})
    return Trustee(frozenset({arn, principal_id}), of_role, root_arn(arn.split(":")[4]))


def root_arn(account: str) -> str:
    """The ARN that stands for a whole account."""
    return f"arn:{PARTITION}:iam::{account}:root"


def evaluate_trust(
    policy: TrustPolicy,
    trustee: Trustee,
    action: str = ASSUME_ROLE,
    context: Mapping[str, ContextValue] | None = None,
) -> TrustDecision:
    """Decide, from the trust policy alone: any Deny that applies, else any Allow, else no."""
    known = Context(context) if context else NO_CONTEXT
    about = [
        statement
        for statement in policy.statements
        if statement.actions.contains(action.lower()) and statement.condition.holds(known)
    ]
    applying = [statement for statement in about if _applies(statement, trustee)]
    denies = [statement for statement in applying if statement.effect is Effect.DENY]
    if denies:
        return _decision(Verdict.EXPLICIT_DENY, denies)
    if not applying:
        return _decision(Verdict.IMPLICIT_DENY, [])
    needed = min((_needed(statement.principals, trustee) for statement in applying), key=len)
    return _decision(Verdict.ALLOWED, applying, needed)


def trusts_service(
    policy: TrustPolicy, service: str, context: Mapping[str, ContextValue] | None = None
) -> bool:
    """May the service take on the role?"""
    return evaluate_trust(policy, service_trustee(service), context=context).is_allowed


def _decision(
    verdict: Verdict, statements: list[TrustStatement], needed: frozenset[Layer] = EVERY_LAYER
) -> TrustDecision:
    return TrustDecision(verdict, needed, tuple(statement.index for statement in statements))


def _applies(statement: TrustStatement, trustee: Trustee) -> bool:
    principals = statement.principals
    named = _names(principals, trustee) or _names_role(principals, trustee)
    if statement.effect is Effect.ALLOW and not trustee.is_aws:
        # "Anyone" in an Allow means AWS principals; a service or a provider has to be named.
        return named
    return (named or _covers(principals, trustee)) is not principals.negated


def _names(principals: PrincipalSet, trustee: Trustee) -> bool:
    return (
        trustee.service in principals.services
        or trustee.provider in principals.federated
        or not principals.aws.isdisjoint(trustee.names)
    )


def _names_role(principals: PrincipalSet, trustee: Trustee) -> bool:
    return not principals.aws.isdisjoint(trustee.role_names)


def _needed(principals: PrincipalSet, trustee: Trustee) -> frozenset[Layer]:
    """The layers that must allow what a statement with these principals allows."""
    if _names(principals, trustee):
        return frozenset()
    return _LIMITS_OF_SESSIONS if _names_role(principals, trustee) else EVERY_LAYER


def _covers(principals: PrincipalSet, trustee: Trustee) -> bool:
    return principals.anyone or trustee.account_root in principals.aws
