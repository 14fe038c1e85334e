"""Service settings: read, changed and set back by administrators.

A setting has two forms of id, its path and its ARN, and is authorized by its ARN. Each account and region
decides for itself.
"""

from fairlead.aws.arn import Arn, service_setting
from fairlead.aws.errors import MalformedArn
from fairlead.control.activation_tier import require_fit_for_standard
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.setting_values import value_in_force
from fairlead.domain.callers import Caller
from fairlead.domain.errors import InvalidRequest, ServiceSettingNotFound
from fairlead.domain.operations import service_settings as operations
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import ACTIVATION_TIER, DEFINITIONS, ActivationTier, StoredSetting

SYSTEM = "System"
"""Who decided what nobody has decided, in the service's words."""

_ARN_PREFIX = "arn:"


class ServiceSettings:
    """The use cases of service settings; a change holds from the next call on."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def get_service_setting(
        self, caller: Caller, request: operations.GetServiceSettingRequest
    ) -> operations.GetServiceSettingResponse:
        """The setting as it is in force. Raises AccessDenied or ServiceSettingNotFound."""

        def work(call: Call) -> operations.GetServiceSettingResponse:
            setting_id = _authorized(call, request.setting_id)
            stored = call.uow.service_settings.get(caller.scope, setting_id)
            return operations.GetServiceSettingResponse(
                service_setting=_shown(self._env, caller.scope, setting_id, stored)
            )

        return perform(self._env, caller, operations.GET_SERVICE_SETTING, request, work)

    def update_service_setting(
        self, caller: Caller, request: operations.UpdateServiceSettingRequest
    ) -> operations.UpdateServiceSettingResponse:
        """Decide on a value. Raises AccessDenied, ServiceSettingNotFound or InvalidRequest."""

        def work(call: Call) -> operations.UpdateServiceSettingResponse:
            setting_id = _authorized(call, request.setting_id)
            definition = DEFINITIONS[setting_id]
            if not definition.takes(request.setting_value):
                raise InvalidRequest(f"The setting {setting_id} takes {definition.expected}.")
            _decide(call, setting_id, request.setting_value)
            return operations.UpdateServiceSettingResponse()

        return perform(self._env, caller, operations.UPDATE_SERVICE_SETTING, request, work)

    def reset_service_setting(
        self, caller: Caller, request: operations.ResetServiceSettingRequest
    ) -> operations.ResetServiceSettingResponse:
        """Go back to the default. Raises AccessDenied, ServiceSettingNotFound or InvalidRequest."""

        def work(call: Call) -> operations.ResetServiceSettingResponse:
            setting_id = _authorized(call, request.setting_id)
            stored = _decide(call, setting_id, None)
            return operations.ResetServiceSettingResponse(
                service_setting=_shown(self._env, caller.scope, setting_id, stored)
            )

        return perform(self._env, caller, operations.RESET_SERVICE_SETTING, request, work)


def _authorized(call: Call, given: str) -> str:
    """The path of a setting that the caller may do this to, by whichever form of its id."""
    scope = call.caller.scope
    own_prefix = str(service_setting(scope.region, scope.account_id, "/"))
    arn = _setting_arn(given) if given.startswith(_ARN_PREFIX) else own_prefix + given.removeprefix("/")
    call.authorize((arn,))
    setting_id = "/" + arn.removeprefix(own_prefix)
    if not arn.startswith(own_prefix) or setting_id not in DEFINITIONS:
        raise ServiceSettingNotFound(f"The setting {given} does not exist in this account and region.")
    return setting_id


def _setting_arn(given: str) -> str:
    try:
        return str(Arn.parse(given))
    except MalformedArn as error:
        raise InvalidRequest(str(error)) from error


def _decide(call: Call, setting_id: str, value: str | None) -> StoredSetting:
    scope = call.caller.scope
    if setting_id == ACTIVATION_TIER and value != ActivationTier.ADVANCED.value:
        require_fit_for_standard(call.uow, scope)
    stored = StoredSetting(value=value, modified_at=call.now, modified_by=call.caller.arn)
    call.uow.service_settings.put(scope, setting_id, stored)
    return stored


def _shown(
    env: Environment, scope: Scope, setting_id: str, stored: StoredSetting | None
) -> operations.ServiceSetting:
    value = value_in_force(env, setting_id, stored)
    is_decided = stored is not None and stored.value is not None
    return operations.ServiceSetting(
        setting_id=setting_id,
        setting_value=value,
        last_modified_date=None if stored is None else stored.modified_at,
        last_modified_user=stored.modified_by if stored is not None and is_decided else SYSTEM,
        arn=str(service_setting(scope.region, scope.account_id, setting_id)),
        status="Customized" if is_decided or value != DEFINITIONS[setting_id].default else "Default",
    )
