from fairlead.control.setting_values import value_in_force, value_of
from fairlead.domain.service_settings import (
    ACTIVATION_TIER,
    MAX_ACTIVATION_DAYS,
    REMOVE_SILENT_NODES_DAYS,
    StoredSetting,
)
from tests.support.factories import NOW, SCOPE

GONE_BACK = StoredSetting(value=None, modified_at=NOW, modified_by="someone")


def test_a_decision_is_in_force_in_its_region(world):
    decided = StoredSetting(value="365", modified_at=NOW, modified_by="someone")
    with world.store.transaction() as uow:
        uow.service_settings.put(SCOPE, MAX_ACTIVATION_DAYS, decided)
        assert value_of(world.env, uow, SCOPE, MAX_ACTIVATION_DAYS) == "365"
        assert value_of(world.env, uow, SCOPE, REMOVE_SILENT_NODES_DAYS) == "never"


def test_the_tier_begins_as_the_installation_and_goes_back_to_awss_default(world):
    assert value_in_force(world.env, ACTIVATION_TIER, None) == "advanced"
    assert value_in_force(world.env, ACTIVATION_TIER, GONE_BACK) == "standard"
    assert value_in_force(world.env, MAX_ACTIVATION_DAYS, GONE_BACK) == "30"
