"""What a role must be for nodes to act with it, and who may give it to them."""

from functools import lru_cache

from fairlead.aws import arn
from fairlead.control.calls import Call
from fairlead.domain.errors import InvalidRequest
from fairlead.domain.identities import Role
from fairlead.domain.scope import Scope
from fairlead.policy.trust import trusts_service
from fairlead.policy.trust_parser import parse_trust_policy

SSM_SERVICE = "ssm.amazonaws.com"
_KEPT_ANSWERS = 64
_PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action, no password


def require_passable_role(call: Call, name_with_path: str) -> None:
    """The caller may hand this role on, and nodes can act with it.

    Raises AccessDenied, or InvalidRequest if there is no such role or it does not trust Systems Manager.
    """
    account_id = call.caller.scope.account_id
    path, _, name = name_with_path.rpartition("/")
    role_arn = str(arn.role(account_id, name, f"/{path}/" if path else "/"))
    call.authorize((role_arn,), action=_PASS_ROLE, context={"iam:PassedToService": SSM_SERVICE})
    role = call.uow.identities.get_role(account_id, name)
    if role is None or role.arn != role_arn or not trusts_ssm(role, call.caller.scope):
        raise InvalidRequest(f"Not existing role: {role_arn}")


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
        "aws:SourceArn": f"arn:{arn.PARTITION}:ssm:{scope.region}:{scope.account_id}:*",
    }
    return trusts_service(parse_trust_policy(trust_policy), SSM_SERVICE, context)
