"""Inputs and outputs of the `ssm` operations on service settings.

Members and constraints are those of the Systems Manager API, version 2014-11-06.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Operation, String, Structure, Timestamp, member

_SETTING_ID = String(min=1, max=1000)
_SETTING_VALUE = String(min=1, max=4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSetting:
    """A setting as it is in force. `status` is `Default` or `Customized`."""

    setting_id: str | None = member("SettingId", _SETTING_ID)
    setting_value: str | None = member("SettingValue", _SETTING_VALUE)
    last_modified_date: datetime | None = member("LastModifiedDate", Timestamp())
    last_modified_user: str | None = member("LastModifiedUser", String())
    arn: str | None = member("ARN", String())
    status: str | None = member("Status", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceSettingRequest:
    """Which setting: its path or its ARN."""

    setting_id: str = member("SettingId", _SETTING_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceSettingResponse:
    """The setting (`GetServiceSettingResult` in the API)."""

    service_setting: ServiceSetting | None = member("ServiceSetting", Structure(ServiceSetting))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateServiceSettingRequest:
    """Which setting, and its next value."""

    setting_id: str = member("SettingId", _SETTING_ID, required=True)
    setting_value: str = member("SettingValue", _SETTING_VALUE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateServiceSettingResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetServiceSettingRequest:
    """Which setting goes back to its default."""

    setting_id: str = member("SettingId", _SETTING_ID, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetServiceSettingResponse:
    """The setting with its default."""

    service_setting: ServiceSetting | None = member("ServiceSetting", Structure(ServiceSetting))


GET_SERVICE_SETTING = Operation(
    "ssm", "GetServiceSetting", GetServiceSettingRequest, GetServiceSettingResponse
)
UPDATE_SERVICE_SETTING = Operation(
    "ssm", "UpdateServiceSetting", UpdateServiceSettingRequest, UpdateServiceSettingResponse
)
RESET_SERVICE_SETTING = Operation(
    "ssm", "ResetServiceSetting", ResetServiceSettingRequest, ResetServiceSettingResponse
)
