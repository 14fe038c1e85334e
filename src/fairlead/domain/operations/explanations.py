"""Inputs and outputs of the operations that explain access: why somebody may do something, and who may.

These are operations of our own (`Fairlead_20261101.`); their members follow the manners of AWS's.
"""

from dataclasses import dataclass

from fairlead.aws.shapes import Boolean, Integer, ListOf, Operation, String, Structure, member
from fairlead.domain.operations.identities import ARN
from fairlead.policy.decision import Attachment, Layer, Verdict
from fairlead.policy.document import Effect

_ACTION = String(min=3, max=128)
_RESOURCES = ListOf(String(min=1, max=2048), min=1, max=10)
_KEY = String(min=1, max=256)
_KEYS = ListOf(_KEY)
_VERDICT = String(enum=tuple(verdict.value for verdict in Verdict))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextKey:
    """A key of the request that is asked about; of several values for a multivalued key."""

    key: str = member("Key", _KEY, required=True)
    values: tuple[str, ...] = member("Values", ListOf(String(max=2048), min=1, max=50), required=True)


_CONTEXT = ListOf(Structure(ContextKey), max=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainAccessRequest:
    """May this principal do this to these resources, all of them? A name is a user's."""

    principal: str = member("Principal", String(min=1, max=2048), required=True)
    action: str = member("Action", _ACTION, required=True)
    resources: tuple[str, ...] = member("Resources", _RESOURCES, required=True)
    context: tuple[ContextKey, ...] | None = member("Context", _CONTEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementReference:
    """Where a statement stands. `Number` counts from 1; `PolicyArn` is there for managed policies."""

    effect: str = member("Effect", String(enum=tuple(effect.value for effect in Effect)), required=True)
    policy_name: str = member("PolicyName", String(), required=True)
    policy_arn: str | None = member("PolicyArn", ARN)
    attachment: str = member(
        "Attachment", String(enum=tuple(each.value for each in Attachment)), required=True
    )
    owner: str = member("Owner", String(), required=True)
    sid: str | None = member("Sid", String())
    number: int = member("Number", Integer(min=1), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmetStatement:
    """An Allow for the action and resource whose condition does not hold, and its keys without a value."""

    statement: StatementReference = member("Statement", Structure(StatementReference), required=True)
    missing_keys: tuple[str, ...] | None = member("MissingKeys", _KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceAccess:
    """The outcome for one resource.

    `Layer` is the kind of policy that refuses. `DependsOnMissingKeys` says that other values of the missing
    keys could change the verdict.
    """

    resource: str = member("Resource", String(), required=True)
    verdict: str = member("Verdict", _VERDICT, required=True)
    layer: str | None = member("Layer", String(enum=tuple(layer.value for layer in Layer)))
    statements: tuple[StatementReference, ...] = member(
        "Statements", ListOf(Structure(StatementReference)), required=True
    )
    unmet: tuple[UnmetStatement, ...] = member(
        "UnmetStatements", ListOf(Structure(UnmetStatement)), required=True
    )
    missing_keys: tuple[str, ...] = member("MissingKeys", _KEYS, required=True)
    depends_on_missing_keys: bool = member("DependsOnMissingKeys", Boolean(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainAccessResponse:
    """The verdict and what is behind it, resource by resource. `Denial` is what the caller would be told.

    `IsLocked`: a user who is locked out, so that no credentials of his are good, whatever the verdict.
    """

    principal_arn: str = member("PrincipalArn", ARN, required=True)
    action: str = member("Action", _ACTION, required=True)
    verdict: str = member("Verdict", _VERDICT, required=True)
    denial: str | None = member("Denial", String())
    is_locked: bool = member("IsLocked", Boolean(), required=True)
    resources: tuple[ResourceAccess, ...] = member(
        "Resources", ListOf(Structure(ResourceAccess)), required=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPrincipalsRequest:
    """Which users and roles may do this to these resources, all of them? A page at a time.

    `MaxResults` bounds how many are looked at for a page, not how many are found.
    """

    action: str = member("Action", _ACTION, required=True)
    resources: tuple[str, ...] = member("Resources", _RESOURCES, required=True)
    context: tuple[ContextKey, ...] | None = member("Context", _CONTEXT)
    max_results: int | None = member("MaxResults", Integer(min=1, max=50))
    next_token: str | None = member("NextToken", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPrincipal:
    """Somebody who may, or who may if the missing keys have the right values. `IsLocked` as above."""

    principal_arn: str = member("PrincipalArn", ARN, required=True)
    verdict: str = member("Verdict", _VERDICT, required=True)
    is_locked: bool = member("IsLocked", Boolean(), required=True)
    resources: tuple[ResourceAccess, ...] = member(
        "Resources", ListOf(Structure(ResourceAccess)), required=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPrincipalsResponse:
    """One page, users before roles and each by name; it may be empty and not the last."""

    principals: tuple[FoundPrincipal, ...] = member(
        "Principals", ListOf(Structure(FoundPrincipal)), required=True
    )
    next_token: str | None = member("NextToken", String())


EXPLAIN_ACCESS = Operation("fairlead", "ExplainAccess", ExplainAccessRequest, ExplainAccessResponse)
FIND_PRINCIPALS = Operation("fairlead", "FindPrincipals", FindPrincipalsRequest, FindPrincipalsResponse)
