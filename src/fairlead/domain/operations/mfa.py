"""Inputs and outputs of the `iam` operations on virtual MFA devices.

Members and constraints are those of the Identity and Access Management API, version 2010-05-08.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Blob, Boolean, ListOf, Operation, String, Structure, Timestamp, member
from fairlead.domain.operations.identities import (
    EXISTING_USER_NAME,
    MARKER,
    MAX_ITEMS,
    PATH,
    TAGS,
    USER_NAME,
    IamTag,
    UserDetail,
)

_VIRTUAL_MFA_DEVICE_NAME = String(min=1, pattern=r"[\w+=,.@-]+")
_SERIAL_NUMBER = String(min=9, max=256, pattern=r"[\w+=/:,.@-]+")
_AUTHENTICATION_CODE = String(min=6, max=6, pattern=r"[\d]+", sensitive=True)
_ASSIGNMENT_STATUS = String(
    enum=(
        "Assigned",
        "Unassigned",
        "Any",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMfaDeviceDetail:
    """One device (`VirtualMFADevice` in the API). The seed, in base32 and as a picture, is in the answer to
    creation only."""

    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)
    base32_string_seed: bytes | None = member("Base32StringSeed", Blob())
    qr_code_png: bytes | None = member("QRCodePNG", Blob())
    user: UserDetail | None = member("User", Structure(UserDetail))
    enable_date: datetime | None = member("EnableDate", Timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVirtualMfaDeviceRequest:
    """The name of a new device, and where in the tree of paths it stands."""

    path: str | None = member("Path", PATH)
    virtual_mfa_device_name: str = member("VirtualMFADeviceName", _VIRTUAL_MFA_DEVICE_NAME, required=True)
    tags: tuple[IamTag, ...] | None = member("Tags", TAGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVirtualMfaDeviceResponse:
    """The new device with its seed."""

    virtual_mfa_device: VirtualMfaDeviceDetail = member(
        "VirtualMFADevice", Structure(VirtualMfaDeviceDetail), required=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableMfaDeviceRequest:
    """Which device for which user, and two codes of it in a row."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)
    authentication_code1: str = member("AuthenticationCode1", _AUTHENTICATION_CODE, required=True)
    authentication_code2: str = member("AuthenticationCode2", _AUTHENTICATION_CODE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableMfaDeviceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncMfaDeviceRequest:
    """Which device of which user, and two codes of it in a row."""

    user_name: str = member("UserName", EXISTING_USER_NAME, required=True)
    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)
    authentication_code1: str = member("AuthenticationCode1", _AUTHENTICATION_CODE, required=True)
    authentication_code2: str = member("AuthenticationCode2", _AUTHENTICATION_CODE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResyncMfaDeviceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateMfaDeviceRequest:
    """Which device is no longer whose."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)
    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeactivateMfaDeviceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVirtualMfaDeviceRequest:
    """Which device."""

    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVirtualMfaDeviceResponse:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MfaDeviceDetail:
    """A device that is enabled for a user (`MFADevice` in the API)."""

    user_name: str = member("UserName", USER_NAME, required=True)
    serial_number: str = member("SerialNumber", _SERIAL_NUMBER, required=True)
    enable_date: datetime = member("EnableDate", Timestamp(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMfaDevicesRequest:
    """Whose devices, a page at a time."""

    user_name: str | None = member("UserName", EXISTING_USER_NAME)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMfaDevicesResponse:
    """One page, by serial number."""

    mfa_devices: tuple[MfaDeviceDetail, ...] = member(
        "MFADevices", ListOf(Structure(MfaDeviceDetail)), required=True
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVirtualMfaDevicesRequest:
    """Devices of the account, a page at a time."""

    assignment_status: str | None = member("AssignmentStatus", _ASSIGNMENT_STATUS)
    marker: str | None = member("Marker", MARKER)
    max_items: int | None = member("MaxItems", MAX_ITEMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListVirtualMfaDevicesResponse:
    """One page, by serial number, without seeds."""

    virtual_mfa_devices: tuple[VirtualMfaDeviceDetail, ...] = member(
        "VirtualMFADevices", ListOf(Structure(VirtualMfaDeviceDetail)), required=True
    )
    is_truncated: bool | None = member("IsTruncated", Boolean())
    marker: str | None = member("Marker", String())


CREATE_VIRTUAL_MFA_DEVICE = Operation(
    "iam", "CreateVirtualMFADevice", CreateVirtualMfaDeviceRequest, CreateVirtualMfaDeviceResponse
)
ENABLE_MFA_DEVICE = Operation("iam", "EnableMFADevice", EnableMfaDeviceRequest, EnableMfaDeviceResponse)
RESYNC_MFA_DEVICE = Operation("iam", "ResyncMFADevice", ResyncMfaDeviceRequest, ResyncMfaDeviceResponse)
DEACTIVATE_MFA_DEVICE = Operation(
    "iam", "DeactivateMFADevice", DeactivateMfaDeviceRequest, DeactivateMfaDeviceResponse
)
DELETE_VIRTUAL_MFA_DEVICE = Operation(
    "iam", "DeleteVirtualMFADevice", DeleteVirtualMfaDeviceRequest, DeleteVirtualMfaDeviceResponse
)
LIST_MFA_DEVICES = Operation("iam", "ListMFADevices", ListMfaDevicesRequest, ListMfaDevicesResponse)
LIST_VIRTUAL_MFA_DEVICES = Operation(
    "iam", "ListVirtualMFADevices", ListVirtualMfaDevicesRequest, ListVirtualMfaDevicesResponse
)
