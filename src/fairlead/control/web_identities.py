"""AssumeRoleWithWebIdentity: credentials of a role for whoever an identity provider vouches for.

The token is verified before the use case, outside of the database's thread: the issuer's keys may have to be
fetched over the network. What comes here is either what the token says, or why it is refused; here the
refusal is recorded, and the trust policy of the role decides.
"""

from dataclasses import replace

from fairlead.aws import arn
from fairlead.control.audit import anonymous
from fairlead.control.authorization import context_of
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.security_tokens import (
    DEFAULT_ROLE_SESSION_S,
    check_duration,
    credentials_detail,
    packed_percent,
    role_by_arn,
    session_policies,
    session_policy_arns,
)
from fairlead.control.temporary_credentials import issue
from fairlead.control.throttling import TokenBuckets, source_key
from fairlead.domain.callers import Origin, TemporaryCredentials
from fairlead.domain.errors import AccessDenied, InvalidRequest, Throttled, WebIdentityRefused
from fairlead.domain.identities import Role
from fairlead.domain.operations import security_tokens as operations
from fairlead.domain.web_identity import WebIdentity
from fairlead.policy.context import ContextValue
from fairlead.policy.trust import evaluate_trust, federated_trustee
from fairlead.policy.trust_parser import parse_trust_policy

_EVERYBODY = ""
_REFUSED = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
_KEYS_OF_PRINCIPALS = (
    "aws:userid",
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalType",
)
"""Whoever brings a token is no principal yet."""


class WebIdentities:
    """The use case of tokens of identity providers."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._throttle = TokenBuckets(env.settings.web_identity_rate, env.settings.rate_limited_keys)
        self._recorded_refusals = TokenBuckets(env.settings.anonymous_refusal_rate, max_keys=1)

    def admit(self, origin: Origin) -> None:
        """Before a token is looked at. Raises Throttled. Touches no database and may run anywhere."""
        if not self._throttle.take(source_key(origin.source_address), self._env.now()):
            raise Throttled

    def assume_role_with_web_identity(
        self,
        origin: Origin,
        request: operations.AssumeRoleWithWebIdentityRequest,
        identity: WebIdentity | WebIdentityRefused,
    ) -> operations.AssumeRoleWithWebIdentityResponse:
        """Credentials of a role. The call is unsigned by design: the token is the proof.

        Raises the refusal that `identity` is, AccessDenied (also for a role that does not exist),
        InvalidRequest, PolicyRefused or PackedPolicyTooLarge. Anybody can cause a refusal, so not all are
        recorded when there are many.
        """
        caller = anonymous(self._env, origin)
        if isinstance(identity, WebIdentity):
            caller = replace(caller, principal_id=identity.name, name=identity.subject)

        def work(call: Call) -> operations.AssumeRoleWithWebIdentityResponse:
            if isinstance(identity, WebIdentityRefused):
                raise identity
            if request.provider_id is not None:
                raise InvalidRequest("ProviderId is for OAuth 2.0 access tokens, which are not served.")
            role = _trusting_role(call, request, identity)
            check_duration(caller, role, request.duration_seconds)
            facts = TemporaryCredentials(
                issued_at=call.now,
                policies=session_policies(request.policy),
                policy_arns=session_policy_arns(call, request.policy_arns),
            )
            principal_id = f"{role.id}:{request.role_session_name}"
            lifetime_s = request.duration_seconds or DEFAULT_ROLE_SESSION_S
            issued, token = issue(self._env, principal_id, role.account_id, lifetime_s, facts)
            return operations.AssumeRoleWithWebIdentityResponse(
                credentials=credentials_detail(issued, token),
                subject_from_web_identity_token=identity.subject,
                assumed_role_user=operations.AssumedRoleUser(
                    assumed_role_id=principal_id,
                    arn=str(arn.assumed_role(role.account_id, role.name, request.role_session_name)),
                ),
                packed_policy_size=packed_percent(token, facts),
                provider=identity.provider_arn(role.account_id),
                audience=identity.audience,
            )

        return perform(
            self._env,
            caller,
            operations.ASSUME_ROLE_WITH_WEB_IDENTITY,
            request,
            work,
            may_record_refusal=lambda: self._recorded_refusals.take(_EVERYBODY, self._env.now()),
        )


def _trusting_role(
    call: Call, request: operations.AssumeRoleWithWebIdentityRequest, identity: WebIdentity
) -> Role:
    """The role, if its trust policy lets this identity in. One refusal for all causes: strangers ask here."""
    role = role_by_arn(call, request.role_arn)
    if role is None:
        raise AccessDenied(_REFUSED)
    trustee = federated_trustee(identity.provider_arn(role.account_id))
    context = _context(call, request, identity)
    action = call.operation.action
    if not evaluate_trust(parse_trust_policy(role.trust_policy), trustee, action, context).is_allowed:
        raise AccessDenied(_REFUSED)
    return role


def _context(
    call: Call, request: operations.AssumeRoleWithWebIdentityRequest, identity: WebIdentity
) -> dict[str, ContextValue]:
    known = context_of(call.caller, call.now)
    for key in _KEYS_OF_PRINCIPALS:
        del known[key]
    return {**known, "sts:RoleSessionName": request.role_session_name, **identity.context()}
