"""What a role must be for nodes to act with it."""

from functools import lru_cache

from fairlead.domain.identities import Role
from fairlead.policy.trust import trusts_service
from fairlead.policy.trust_parser import parse_trust_policy

SSM_SERVICE = "ssm.amazonaws.com"
_KEPT_ANSWERS = 64


def trusts_ssm(role: Role) -> bool:
    """True if the role's trust policy lets Systems Manager take it on, for nodes."""
    return _trusts_ssm(role.trust_policy)


@lru_cache(maxsize=_KEPT_ANSWERS)
def _trusts_ssm(trust_policy: str) -> bool:
    return trusts_service(parse_trust_policy(trust_policy), SSM_SERVICE)
