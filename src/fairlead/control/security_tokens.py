"""AssumeRole and GetSessionToken: temporary credentials for those who may have them.

Who takes on a role needs the trust of the role and, unless its trust policy names him, a right of his own; an
explicit Deny on either side refuses (IAM User Guide, "Policy evaluation logic for roles"). What limits a role
session limits it there, too, unless the trust policy names that very session.
"""

from collections.abc import Mapping, Sequence

from fairlead.aws import arn
from fairlead.aws.errors import MalformedArn
from fairlead.control.authorization import context_of, deny
from fairlead.control.boundaries import require_policy
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import identity_keys
from fairlead.control.identity_tags import tag_keys, tags_of_request
from fairlead.control.mfa_codes import CodeResult, take_code
from fairlead.control.principal_policies import standing_of
from fairlead.control.temporary_credentials import MAX_TOKEN_CHARACTERS, Issued, issue
from fairlead.domain.callers import Caller, CallerKind, TemporaryCredentials
from fairlead.domain.errors import (
    AccessDenied,
    InvalidRequest,
    NoSuchEntity,
    PackedPolicyTooLarge,
    PolicyRefused,
)
from fairlead.domain.identities import Role
from fairlead.domain.operations import security_tokens as operations
from fairlead.policy.context import ContextValue
from fairlead.policy.decision import Question
from fairlead.policy.errors import MalformedPolicy
from fairlead.policy.evaluation import evaluate
from fairlead.policy.limits import SESSION_POLICY_MAX_CHARACTERS, counted_characters
from fairlead.policy.parser import parse_identity_policy
from fairlead.policy.trust import TrustPolicy, aws_trustee, evaluate_trust
from fairlead.policy.trust_parser import parse_trust_policy

DEFAULT_ROLE_SESSION_S = 3600
MAX_CHAINED_SESSION_S = 3600
"""A role session that takes on another role gets an hour at most."""
DEFAULT_USER_SESSION_S = 43_200
MAX_POLICY_ARNS = 10

_NO_TRUST = "because no role trust policy allows the {action} action"


class SecurityTokens:
    """The use cases of temporary credentials."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def assume_role(
        self, caller: Caller, request: operations.AssumeRoleRequest
    ) -> operations.AssumeRoleResponse:
        """Credentials of a role.

        Raises AccessDenied (also for a role that does not exist), InvalidRequest, PolicyRefused or
        PackedPolicyTooLarge.
        """

        code = take_code(self._env, caller, request.serial_number, request.token_code)

        def work(call: Call) -> operations.AssumeRoleResponse:
            facts = self._facts(call, request, code)
            role = _authorized_role(call, request, facts)
            check_duration(caller, role, request.duration_seconds)
            principal_id = f"{role.id}:{request.role_session_name}"
            lifetime_s = request.duration_seconds or DEFAULT_ROLE_SESSION_S
            issued, token = issue(self._env, principal_id, role.account_id, lifetime_s, facts)
            return operations.AssumeRoleResponse(
                credentials=credentials_detail(issued, token),
                assumed_role_user=operations.AssumedRoleUser(
                    assumed_role_id=principal_id,
                    arn=str(arn.assumed_role(role.account_id, role.name, request.role_session_name)),
                ),
                packed_policy_size=packed_percent(token, facts),
                source_identity=facts.source_identity,
            )

        return perform(self._env, caller, operations.ASSUME_ROLE, request, work)

    def get_session_token(
        self, caller: Caller, request: operations.GetSessionTokenRequest
    ) -> operations.GetSessionTokenResponse:
        """Temporary credentials of the calling user; no policy is asked. Raises AccessDenied."""
        code = take_code(self._env, caller, request.serial_number, request.token_code)

        def work(call: Call) -> operations.GetSessionTokenResponse:
            if caller.kind is not CallerKind.USER or caller.temporary is not None:
                raise AccessDenied("Cannot call GetSessionToken with session credentials")
            lifetime_s = request.duration_seconds or DEFAULT_USER_SESSION_S
            facts = TemporaryCredentials(issued_at=call.now, mfa_at=code.moment())
            issued, token = issue(self._env, caller.principal_id, caller.scope.account_id, lifetime_s, facts)
            return operations.GetSessionTokenResponse(credentials=credentials_detail(issued, token))

        return perform(self._env, caller, operations.GET_SESSION_TOKEN, request, work)

    def _facts(
        self, call: Call, request: operations.AssumeRoleRequest, code: CodeResult
    ) -> TemporaryCredentials:
        """What the new credentials will say of their holder. Raises as `assume_role`."""
        if request.provided_contexts:
            raise InvalidRequest("ProvidedContexts are not served; leave them out.")
        before, is_user = call.caller.temporary, call.caller.kind is CallerKind.USER
        tags = tags_of_request((tag.key, tag.value) for tag in request.tags or ())
        inherited = _transitive_tags(before, tags)
        transitive = {key.lower() for key in request.transitive_tag_keys or ()}
        if not transitive <= {key.lower() for key in tags}:
            raise InvalidRequest("TransitiveTagKeys must be among the keys of Tags.")
        return TemporaryCredentials(
            issued_at=call.now,
            mfa_at=code.moment() or (before.mfa_at if before is not None and is_user else None),
            policies=session_policies(request.policy),
            policy_arns=session_policy_arns(call, request.policy_arns),
            tags=(*inherited.items(), *tags.items()),
            transitive_tag_keys=(*inherited, *(key for key in tags if key.lower() in transitive)),
            source_identity=_source_identity(before, request.source_identity),
            user_id=call.caller.principal_id if is_user else before.user_id if before is not None else None,
        )


def credentials_detail(issued: Issued, token: str) -> operations.CredentialsDetail:
    """Credentials as the API shows them, once."""
    return operations.CredentialsDetail(
        access_key_id=issued.access_key_id,
        secret_access_key=issued.secret_access_key,
        session_token=token,
        expiration=issued.expires_at,
    )


def packed_percent(token: str, facts: TemporaryCredentials) -> int | None:
    """How much of a token policies and tags take, in percent; None without any."""
    if not (facts.policies or facts.policy_arns or facts.tags):
        return None
    return max(1, 100 * len(token) // MAX_TOKEN_CHARACTERS)


def session_policies(text: str | None) -> tuple[str, ...]:
    """The session policy of a request. Raises PolicyRefused or PackedPolicyTooLarge."""
    if text is None:
        return ()
    try:
        parse_identity_policy(text)
    except MalformedPolicy as error:
        raise PolicyRefused(str(error)) from error
    if counted_characters(text) > SESSION_POLICY_MAX_CHARACTERS:
        raise PackedPolicyTooLarge(
            f"A session policy may have {SESSION_POLICY_MAX_CHARACTERS} characters without white space."
        )
    return (text,)


def session_policy_arns(
    call: Call, descriptors: Sequence[operations.PolicyDescriptor] | None
) -> tuple[str, ...]:
    """The managed policies that limit a session. Raises PolicyRefused for one that does not exist."""
    arns = tuple(descriptor.arn or "" for descriptor in descriptors or ())
    if len(arns) > MAX_POLICY_ARNS:
        raise InvalidRequest(f"A session takes at most {MAX_POLICY_ARNS} PolicyArns.")
    for policy_arn in arns:
        try:
            require_policy(call, policy_arn)
        except (NoSuchEntity, MalformedArn) as error:
            raise PolicyRefused(str(error)) from error
    return arns


def role_by_arn(call: Call, role_arn: str) -> Role | None:
    """The role of the caller's installation with exactly this ARN."""
    parsed = arn.Arn.parse(role_arn)
    role = call.uow.identities.get_role(parsed.account, parsed.resource.rpartition("/")[2])
    return role if role is not None and role.arn == role_arn else None


def _authorized_role(call: Call, request: operations.AssumeRoleRequest, facts: TemporaryCredentials) -> Role:
    role = role_by_arn(call, request.role_arn)
    if role is None:
        action = operations.ASSUME_ROLE.action
        raise deny(call.caller, action, request.role_arn, _NO_TRUST.format(action=action))
    keys: dict[str, ContextValue] = {"sts:RoleSessionName": request.role_session_name}
    if request.token_code is not None:  # it was accepted: the trust policy may ask for it
        keys |= {"aws:MultiFactorAuthPresent": "true", "aws:MultiFactorAuthAge": "0"}
    if request.external_id is not None:
        keys["sts:ExternalId"] = request.external_id
    if facts.source_identity is not None:
        keys["sts:SourceIdentity"] = facts.source_identity
    keys.update(tag_keys({tag.key: tag.value for tag in request.tags or ()}))
    if request.transitive_tag_keys:
        keys["sts:TransitiveTagKeys"] = request.transitive_tag_keys
    actions = [operations.ASSUME_ROLE.action]
    # What a session inherits from the one before has to be trusted like what the request brings.
    actions += ["sts:TagSession"] if facts.tags else []
    actions += ["sts:SetSourceIdentity"] if facts.source_identity else []
    for action in actions:
        _require_trust_and_right(call, role, parse_trust_policy(role.trust_policy), action, keys)
    return role


def _require_trust_and_right(
    call: Call, role: Role, trust: TrustPolicy, action: str, keys: Mapping[str, ContextValue]
) -> None:
    caller = call.caller
    standing = standing_of(call.uow, caller)
    context = {**context_of(caller, call.now), **standing.tags, **keys}
    trustee = aws_trustee(caller.arn, caller.principal_id, caller.role_arn)
    trusted = evaluate_trust(trust, trustee, action, context)
    if not trusted.is_allowed:
        raise AccessDenied(trusted.denial_text(caller.arn, role.arn, action))
    question = Question(caller.arn, action, (role.arn,), {**context, **identity_keys(call, role.id)})
    decision = evaluate(question, standing.policies, trusted.needed)
    call.decisions.append(decision)
    if not decision.is_allowed:
        raise AccessDenied(decision.denial_text(), decision)


def check_duration(caller: Caller, role: Role, duration_s: int | None) -> None:
    """Raise InvalidRequest if a session of the role may not last so long."""
    is_chained = caller.kind in (CallerKind.ROLE, CallerKind.NODE)
    if duration_s is None:
        return
    if is_chained and duration_s > MAX_CHAINED_SESSION_S:
        raise InvalidRequest(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role"
            " chaining"
        )
    if duration_s > role.max_session_duration_s:
        raise InvalidRequest(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )


def _transitive_tags(before: TemporaryCredentials | None, tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that go on from role to role. Raises InvalidRequest if the request would change one."""
    if before is None:
        return {}
    kept = {key.lower() for key in before.transitive_tag_keys}
    inherited = {key: value for key, value in before.tags if key.lower() in kept}
    if {key.lower() for key in inherited} & {key.lower() for key in tags}:
        raise InvalidRequest("One of the Tags is transitive in the calling session and cannot be changed.")
    return inherited


def _source_identity(before: TemporaryCredentials | None, asked: str | None) -> str | None:
    set_before = before.source_identity if before is not None else None
    if set_before is not None and asked is not None and asked != set_before:
        raise InvalidRequest("The SourceIdentity of the calling session cannot be changed.")
    return set_before or asked
