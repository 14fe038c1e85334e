"""Service settings: both forms of id, who may change them, and the way back to the default."""

from dataclasses import replace

import pytest

from fairlead.domain.errors import AccessDenied, InvalidRequest, ServiceSettingNotFound
from fairlead.domain.nodes import MAX_STANDARD_NODES
from fairlead.domain.operations.service_settings import (
    GetServiceSettingRequest,
    ResetServiceSettingRequest,
    UpdateServiceSettingRequest,
)
from fairlead.domain.service_settings import ACTIVATION_TIER, MAX_ACTIVATION_DAYS, ActivationTier
from tests.support.control_world import World, policy, statement

ARN = "arn:aws:ssm:us-east-1:111122223333:servicesetting/ssm/managed-instance/activation-tier"


def get(world, caller, setting_id=ACTIVATION_TIER):
    request = GetServiceSettingRequest(setting_id=setting_id)
    return world.service_settings.get_service_setting(caller, request).service_setting


def update(world, caller, value, setting_id=ACTIVATION_TIER):
    request = UpdateServiceSettingRequest(setting_id=setting_id, setting_value=value)
    return world.service_settings.update_service_setting(caller, request)


def reset(world, caller, setting_id=ACTIVATION_TIER):
    request = ResetServiceSettingRequest(setting_id=setting_id)
    return world.service_settings.reset_service_setting(caller, request).service_setting


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_what_nobody_has_decided_is_said_to_be_the_systems(world, admin):
    shown = get(world, admin, MAX_ACTIVATION_DAYS)
    assert (shown.setting_value, shown.status, shown.last_modified_user) == ("30", "Default", "System")
    assert shown.last_modified_date is None


def test_an_installation_begins_with_the_tier_that_it_was_told(world, admin):
    shown = get(world, admin)
    assert (shown.setting_value, shown.status, shown.last_modified_user) == (
        "advanced",
        "Customized",
        "System",
    )
    other = World(initial_activation_tier=ActivationTier.STANDARD)
    shown = get(other, other.user("admin"))
    assert (shown.setting_value, shown.status) == ("standard", "Default")


@pytest.mark.parametrize("setting_id", [ACTIVATION_TIER, ARN, ACTIVATION_TIER.removeprefix("/")])
def test_path_and_arn_lead_to_the_same_setting_and_both_are_shown(world, admin, setting_id):
    update(world, admin, "standard", setting_id)
    shown = get(world, admin, setting_id)
    assert (shown.setting_id, shown.arn, shown.setting_value) == (ACTIVATION_TIER, ARN, "standard")
    assert (shown.status, shown.last_modified_user) == ("Customized", admin.arn)
    assert shown.last_modified_date == world.now


def test_going_back_leads_to_the_default_of_aws(world, admin):
    update(world, admin, "advanced")
    shown = reset(world, admin)
    assert (shown.setting_value, shown.status, shown.last_modified_user) == ("standard", "Default", "System")
    assert get(world, admin) == shown


def test_each_region_decides_for_itself(world, admin):
    update(world, admin, "standard")
    there = replace(admin, scope=replace(admin.scope, region="eu-central-1"))
    assert get(world, there).setting_value == "advanced"


@pytest.mark.parametrize(
    "setting_id",
    [
        "/ssm/parameter-store/high-throughput-enabled",
        ARN.replace("111122223333", "999999999999"),
        ARN.replace("us-east-1", "eu-central-1"),
        "arn:aws:ssm:us-east-1:111122223333:document/x",
    ],
)
def test_a_setting_that_is_none_here_is_not_found(world, admin, setting_id):
    with pytest.raises(ServiceSettingNotFound):
        get(world, admin, setting_id)


def test_an_arn_that_is_none_is_refused(world, admin):
    with pytest.raises(InvalidRequest, match="is not an ARN"):
        get(world, admin, "arn:aws")


def test_another_value_is_refused_with_those_that_can_be(world, admin):
    with pytest.raises(InvalidRequest, match="takes standard or advanced"):
        update(world, admin, "premium")
    assert world.last_record.error_code is not None


def test_the_arn_is_what_policies_speak_of(world):
    action = ["ssm:GetServiceSetting", "ssm:UpdateServiceSetting", "ssm:ResetServiceSetting"]
    allowed = world.user("ann", policy(statement("Allow", action, ARN)))
    assert get(world, allowed, ACTIVATION_TIER).setting_value == "advanced"
    with pytest.raises(AccessDenied, match=r"servicesetting/fairlead/activation/max-lifetime-days"):
        get(world, allowed, MAX_ACTIVATION_DAYS)
    reader = world.user(
        "rob", policy(statement("Allow", "*"), statement("Deny", ["ssm:Update*", "ssm:Reset*"], ARN))
    )
    assert get(world, reader).setting_value == "advanced"
    for change in (lambda: update(world, reader, "standard"), lambda: reset(world, reader)):
        with pytest.raises(AccessDenied, match="explicit deny"):
            change()


def test_access_comes_before_existence(world):
    nobody = world.user("nobody", policy(statement("Deny", "*")))
    with pytest.raises(AccessDenied):
        get(world, nobody, "/no/such")


def test_with_too_many_hybrid_nodes_there_is_no_way_to_the_standard_tier(world, admin):
    for number in range(MAX_STANDARD_NODES + 1):
        world.node(f"mi-{number:017x}", connected=False)
    for change in (lambda: update(world, admin, "standard"), lambda: reset(world, admin)):
        with pytest.raises(InvalidRequest, match="More than 1,000 hybrid nodes"):
            change()
    update(world, admin, "advanced")
    del world.store.tables.nodes[f"mi-{0:017x}"]
    assert reset(world, admin).setting_value == "standard"


def test_a_change_is_in_the_audit_trail(world, admin):
    update(world, admin, "standard")
    assert world.last_record.event_name == "UpdateServiceSetting"
    assert world.last_record.request_parameters == {
        "settingId": ACTIVATION_TIER,
        "settingValue": "standard",
    }
