"""What a role must be for nodes to act with it."""

from functools import lru_cache

from fairlead.aws.arn import PARTITION
from fairlead.domain.identities import Role
from fairlead.domain.scope import Scope
from fairlead.policy.trust import trusts_service
from fairlead.policy.trust_parser import parse_trust_policy

SSM_SERVICE = "ssm.amazonaws.com"
_KEPT_ANSWERS = 64


def trusts_ssm(role: Role, scope: Scope) -> bool:
    """True if the role's trust policy lets Systems Manager take it on, for nodes of this account and region.

    Policies may say for whose sake the service acts (AWS Systems Manager User Guide, "Cross-service confused
    deputy prevention").
    """
    return _trusts_ssm(role.trust_policy, scope)


@lru_cache(maxsize=_KEPT_ANSWERS)
def _trusts_ssm(trust_policy: str, scope: Scope) -> bool:
    context = {
        "aws:SourceAccount": scope.account_id,
        "aws:SourceArn": f"arn:{PARTITION}:ssm:{scope.region}:{scope.account_id}:*",
    }
    return trusts_service(parse_trust_policy(trust_policy), SSM_SERVICE, context)
