"""Service settings as other use cases ask for them: the value in force."""

from fairlead.control.environment import Environment
from fairlead.domain.scope import Scope
from fairlead.domain.service_settings import ACTIVATION_TIER, DEFINITIONS, StoredSetting
from fairlead.domain.unit_of_work import UnitOfWork


def value_of(env: Environment, uow: UnitOfWork, scope: Scope, setting_id: str) -> str:
    """The value in force. `setting_id` is a path, one of `DEFINITIONS`."""
    return value_in_force(env, setting_id, uow.service_settings.get(scope, setting_id))


def value_in_force(env: Environment, setting_id: str, stored: StoredSetting | None) -> str:
    """What a stored decision comes to, or that there is none.

    The tier begins where the installation was told to begin; going back to the default leads to AWS's.
    """
    if stored is None and setting_id == ACTIVATION_TIER:
        return env.settings.initial_activation_tier.value
    if stored is None or stored.value is None:
        return DEFINITIONS[setting_id].default
    return stored.value
