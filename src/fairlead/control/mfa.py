"""Virtual MFA devices: made, enabled for a user, listed and taken away. Their use is `mfa_codes`.

Access is decided as by AWS: on the device's ARN to create or delete it, on the user's for everything that
is between the two. The seed is in the answer to CreateVirtualMFADevice only.
"""

import base64

from fairlead.aws import arn
from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_user
from fairlead.control.identity_pages import DEFAULT_PAGE, DEFAULT_PATH, IdentityPages
from fairlead.control.identity_views import user_detail
from fairlead.control.mfa_qr_codes import otpauth_uri, qr_code_png
from fairlead.control.paging import Listing, cut_page, decode_position, encode_position
from fairlead.domain.callers import Caller
from fairlead.domain.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    InvalidAuthenticationCode,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
)
from fairlead.domain.identities import User
from fairlead.domain.mfa import MAX_DEVICES_PER_USER, MAX_SERIAL_CHARACTERS, RESYNC_STEPS, MfaDevice
from fairlead.domain.operations import mfa as operations
from fairlead.domain.totp import SEED_BYTES, step_at

_IS_ASSIGNED = {"Assigned": True, "Unassigned": False}


class Mfa:
    """The use cases of MFA devices."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._pages = IdentityPages(env.sealer)

    def create_virtual_mfa_device(
        self, caller: Caller, request: operations.CreateVirtualMfaDeviceRequest
    ) -> operations.CreateVirtualMfaDeviceResponse:
        """A new device that is nobody's yet, and its seed. Raises AccessDenied, EntityAlreadyExists or
        InvalidRequest."""

        def work(call: Call) -> operations.CreateVirtualMfaDeviceResponse:
            account_id = caller.scope.account_id
            serial = str(
                arn.mfa_device(account_id, request.virtual_mfa_device_name, request.path or DEFAULT_PATH)
            )
            call.authorize((serial,))
            if request.tags:
                raise InvalidRequest("Tags of MFA devices are not served; leave Tags out.")
            if len(serial) > MAX_SERIAL_CHARACTERS:
                raise InvalidRequest(f"A serial number may have {MAX_SERIAL_CHARACTERS} characters: {serial}")
            device = MfaDevice(
                serial_number=serial,
                account_id=account_id,
                seed=self._env.random_bytes(SEED_BYTES),
                created_at=call.now,
            )
            call.uow.mfa.add(device)
            base32 = base32_seed(device.seed)
            uri = otpauth_uri(request.virtual_mfa_device_name, account_id, base32)
            return operations.CreateVirtualMfaDeviceResponse(
                virtual_mfa_device=operations.VirtualMfaDeviceDetail(
                    serial_number=serial, base32_string_seed=base32, qr_code_png=qr_code_png(uri)
                )
            )

        return perform(self._env, caller, operations.CREATE_VIRTUAL_MFA_DEVICE, request, work)

    def enable_mfa_device(
        self, caller: Caller, request: operations.EnableMfaDeviceRequest
    ) -> operations.EnableMfaDeviceResponse:
        """The device is the user's from now on.

        Raises AccessDenied, NoSuchEntity, EntityAlreadyExists, LimitExceeded or InvalidAuthenticationCode.
        """

        def work(call: Call) -> operations.EnableMfaDeviceResponse:
            user = authorized_user(call, request.user_name)
            device = _existing(call, request.serial_number)
            if device.user_id is not None:
                raise EntityAlreadyExists("MFA Device is already in use.")
            if len(call.uow.mfa.of_user(user.id)) >= MAX_DEVICES_PER_USER:
                raise LimitExceeded(f"Cannot exceed quota for MFADevicesPerUser: {MAX_DEVICES_PER_USER}")
            step = device.step_of_pair(request.authentication_code1, request.authentication_code2, call.now)
            _accept(call, device, step)
            call.uow.mfa.assign(device.serial_number, user.id, call.now)
            return operations.EnableMfaDeviceResponse()

        return perform(self._env, caller, operations.ENABLE_MFA_DEVICE, request, work)

    def resync_mfa_device(
        self, caller: Caller, request: operations.ResyncMfaDeviceRequest
    ) -> operations.ResyncMfaDeviceResponse:
        """Two codes in a row set the device's clock right, and unlock it.

        Whoever resyncs a device of his own cannot unlock it by that, and a wrong pair counts as a wrong code.
        Raises AccessDenied, NoSuchEntity or InvalidAuthenticationCode.
        """

        def work(call: Call) -> operations.ResyncMfaDeviceResponse:
            user = authorized_user(call, request.user_name)
            device = _of_user(call, user, request.serial_number)
            if user.id == caller.principal_id and device.is_locked(call.now):
                raise InvalidAuthenticationCode
            first, second = request.authentication_code1, request.authentication_code2
            step = _accept(call, device, device.step_of_pair(first, second, call.now, RESYNC_STEPS))
            call.uow.mfa.set_drift(device.serial_number, step - step_at(call.now))
            return operations.ResyncMfaDeviceResponse()

        try:
            return perform(self._env, caller, operations.RESYNC_MFA_DEVICE, request, work)
        except InvalidAuthenticationCode:
            self._count_failure(caller.scope.account_id, request.serial_number)
            raise

    def deactivate_mfa_device(
        self, caller: Caller, request: operations.DeactivateMfaDeviceRequest
    ) -> operations.DeactivateMfaDeviceResponse:
        """The device is nobody's again; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity or InvalidRequest.
        """

        def work(call: Call) -> operations.DeactivateMfaDeviceResponse:
            user = authorized_user(call, request.user_name)
            call.uow.mfa.unassign(_of_user(call, user, request.serial_number).serial_number)
            return operations.DeactivateMfaDeviceResponse()

        return perform(self._env, caller, operations.DEACTIVATE_MFA_DEVICE, request, work)

    def delete_virtual_mfa_device(
        self, caller: Caller, request: operations.DeleteVirtualMfaDeviceRequest
    ) -> operations.DeleteVirtualMfaDeviceResponse:
        """Delete a device that is nobody's. Raises AccessDenied, NoSuchEntity or DeleteConflict."""

        def work(call: Call) -> operations.DeleteVirtualMfaDeviceResponse:
            call.authorize((request.serial_number,))
            device = _existing(call, request.serial_number)
            if device.user_id is not None:
                raise DeleteConflict("MFA VirtualDevice in use. Must deactivate first.")
            call.uow.mfa.delete(device.serial_number)
            return operations.DeleteVirtualMfaDeviceResponse()

        return perform(self._env, caller, operations.DELETE_VIRTUAL_MFA_DEVICE, request, work)

    def list_mfa_devices(
        self, caller: Caller, request: operations.ListMfaDevicesRequest
    ) -> operations.ListMfaDevicesResponse:
        """One page of a user's devices; the caller's when there is no name.

        Raises AccessDenied, NoSuchEntity, InvalidRequest or InvalidNextToken.
        """

        def work(call: Call) -> operations.ListMfaDevicesResponse:
            user = authorized_user(call, request.user_name)
            devices = call.uow.mfa.of_user(user.id)
            page, marker = self._pages.of(call, request, user.id, devices, _order)
            return operations.ListMfaDevicesResponse(
                mfa_devices=tuple(
                    operations.MfaDeviceDetail(
                        user_name=user.name,
                        serial_number=device.serial_number,
                        enable_date=device.enabled_at or device.created_at,
                    )
                    for device in page
                ),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.LIST_MFA_DEVICES, request, work)

    def list_virtual_mfa_devices(
        self, caller: Caller, request: operations.ListVirtualMfaDevicesRequest
    ) -> operations.ListVirtualMfaDevicesResponse:
        """One page of the account's devices, without seeds. Raises AccessDenied or InvalidNextToken."""

        def work(call: Call) -> operations.ListVirtualMfaDevicesResponse:
            account_id = caller.scope.account_id
            call.authorize((str(arn.mfa_device(account_id, "")),))
            status = request.assignment_status or "Any"
            listing = Listing(call.operation, account_id, "", status)
            position = decode_position(self._env.sealer, listing, request.marker)
            after, size = None if position is None else position[0], request.max_items or DEFAULT_PAGE
            found = call.uow.mfa.page(account_id, _IS_ASSIGNED.get(status), after, size + 1)
            page, has_more = cut_page(found, size)
            marker = encode_position(self._env.sealer, listing, page[-1].serial_number) if has_more else None
            return operations.ListVirtualMfaDevicesResponse(
                virtual_mfa_devices=tuple(_virtual_detail(call, device) for device in page),
                is_truncated=marker is not None,
                marker=marker,
            )

        return perform(self._env, caller, operations.LIST_VIRTUAL_MFA_DEVICES, request, work)

    def _count_failure(self, account_id: str, serial_number: str) -> None:
        with self._env.store.transaction() as uow:
            device = uow.mfa.get(account_id, serial_number, to_change=True)
            if device is not None and not device.is_locked(self._env.now()):
                uow.mfa.add_failure(serial_number, self._env.now())


def base32_seed(seed: bytes) -> bytes:
    """A seed as people and their programs take it in: base32 without the padding, which confuses some."""
    return base64.b32encode(seed).rstrip(b"=")


def _existing(call: Call, serial_number: str) -> MfaDevice:
    device = call.uow.mfa.get(call.caller.scope.account_id, serial_number, to_change=True)
    if device is None:
        raise NoSuchEntity(f"VirtualMFADevice with serial number {serial_number} doesn't exist.")
    return device


def _of_user(call: Call, user: User, serial_number: str) -> MfaDevice:
    device = call.uow.mfa.get(user.account_id, serial_number, to_change=True)
    if device is None or device.user_id != user.id:
        raise NoSuchEntity("MFA Device invalid for user.")
    return device


def _accept(call: Call, device: MfaDevice, step: int | None) -> int:
    """Use up the step that the codes are of. Raises InvalidAuthenticationCode."""
    if step is None or not call.uow.mfa.accept_step(device.serial_number, step):
        raise InvalidAuthenticationCode
    return step


def _virtual_detail(call: Call, device: MfaDevice) -> operations.VirtualMfaDeviceDetail:
    user = None if device.user_id is None else call.uow.identities.get_user_by_id(device.user_id)
    return operations.VirtualMfaDeviceDetail(
        serial_number=device.serial_number,
        user=None if user is None else user_detail(user),
        enable_date=device.enabled_at,
    )


def _order(device: MfaDevice) -> tuple[str, ...]:
    return (device.serial_number.lower(),)
