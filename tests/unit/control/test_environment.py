"""Settings."""

from fairlead.control.environment import ControlSettings
from fairlead.domain.scope import Scope


def test_the_first_region_is_the_default():
    settings = ControlSettings(account_id="111122223333", regions=("eu-central-1", "us-east-1"))
    assert settings.default_scope == Scope("111122223333", "eu-central-1")


def test_fifty_sessions_of_one_principal_can_start_at_once():
    assert ControlSettings(account_id="1", regions=("r",)).start_session_rate.burst >= 50
