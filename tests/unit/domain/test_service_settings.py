from datetime import timedelta

import pytest

from fairlead.domain.service_settings import (
    ACTIVATION_TIER,
    DEFINITIONS,
    MAX_ACTIVATION_DAYS,
    REMOVE_SILENT_NODES_DAYS,
    days,
)


@pytest.mark.parametrize("setting_id", DEFINITIONS)
def test_a_setting_takes_its_own_default(setting_id: str) -> None:
    definition = DEFINITIONS[setting_id]
    assert definition.takes(definition.default)


@pytest.mark.parametrize(
    ("setting_id", "values"),
    [
        (ACTIVATION_TIER, ("standard", "advanced")),
        (MAX_ACTIVATION_DAYS, ("1", "365", "3650", "unlimited")),
        (REMOVE_SILENT_NODES_DAYS, ("1", "90", "never")),
    ],
)
def test_values_that_can_be(setting_id: str, values: tuple[str, ...]) -> None:
    assert all(map(DEFINITIONS[setting_id].takes, values))


@pytest.mark.parametrize(
    ("setting_id", "values"),
    [
        (ACTIVATION_TIER, ("Advanced", "", "1")),
        (MAX_ACTIVATION_DAYS, ("0", "-1", "3651", "007", "1.5", "", "never", "9" * 4000, "٣")),
        (REMOVE_SILENT_NODES_DAYS, ("0", "unlimited")),
    ],
)
def test_values_that_cannot_be(setting_id: str, values: tuple[str, ...]) -> None:
    assert not any(map(DEFINITIONS[setting_id].takes, values))


def test_days_are_a_duration_or_no_limit() -> None:
    assert days("30") == timedelta(days=30)
    assert days("unlimited") is None
    assert days("never") is None
