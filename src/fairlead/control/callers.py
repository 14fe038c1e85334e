"""GetCallerIdentity: who the caller is."""

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.domain.callers import Caller
from fairlead.domain.operations.callers import (
    GET_CALLER_IDENTITY,
    GetCallerIdentityRequest,
    GetCallerIdentityResponse,
)


class Callers:
    """The use cases of callers."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def get_caller_identity(
        self, caller: Caller, request: GetCallerIdentityRequest
    ) -> GetCallerIdentityResponse:
        """Who the caller is. Never refused, not even by an explicit Deny (STS API Reference); recorded."""

        def work(call: Call) -> GetCallerIdentityResponse:
            return get_caller_identity(call.caller)

        return perform(self._env, caller, GET_CALLER_IDENTITY, request, work)


def get_caller_identity(caller: Caller) -> GetCallerIdentityResponse:
    """The identity as a value."""
    return GetCallerIdentityResponse(
        user_id=caller.principal_id, account=caller.scope.account_id, arn=caller.arn
    )
