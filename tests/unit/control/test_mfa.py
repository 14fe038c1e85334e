"""Virtual MFA devices from their creation to their deletion."""

import pytest

from fairlead.control.mfa_qr_codes import otpauth_uri, qr_code_png
from fairlead.domain.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidAuthenticationCode,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
)
from fairlead.domain.mfa import MAX_DEVICES_PER_USER, MAX_FAILURES
from fairlead.domain.operations.identities import DeleteUserRequest, IamTag
from fairlead.domain.operations.mfa import (
    CreateVirtualMfaDeviceRequest,
    DeactivateMfaDeviceRequest,
    DeleteVirtualMfaDeviceRequest,
    EnableMfaDeviceRequest,
    ListMfaDevicesRequest,
    ListVirtualMfaDevicesRequest,
    ResyncMfaDeviceRequest,
)
from tests.support.authenticator_app import AuthenticatorApp
from tests.support.control_world import policy, statement

SERIAL = "arn:aws:iam::111122223333:mfa/alice"


@pytest.fixture
def alice(world):
    return world.user()


def create(world, caller, name="alice", **members):
    request = CreateVirtualMfaDeviceRequest(virtual_mfa_device_name=name, **members)
    return world.mfa.create_virtual_mfa_device(caller, request).virtual_mfa_device


def app_of(world, caller, name="alice"):
    return AuthenticatorApp(create(world, caller, name).base32_string_seed)


def pair(world, app, offset=0):
    return {
        "authentication_code1": app.code(world.now, offset - 1),
        "authentication_code2": app.code(world.now, offset),
    }


def enable(world, caller, app, user="alice", serial=SERIAL, **codes):
    codes = codes or pair(world, app)
    world.mfa.enable_mfa_device(caller, EnableMfaDeviceRequest(user_name=user, serial_number=serial, **codes))


def resync(world, caller, app, offset=0):
    request = ResyncMfaDeviceRequest(user_name="alice", serial_number=SERIAL, **pair(world, app, offset))
    world.mfa.resync_mfa_device(caller, request)


def deactivate(world, caller, **members):
    world.mfa.deactivate_mfa_device(
        caller, DeactivateMfaDeviceRequest(**{"serial_number": SERIAL, **members})
    )


def listed(world, caller, **members):
    return world.mfa.list_virtual_mfa_devices(caller, ListVirtualMfaDevicesRequest(**members))


def stored(world):
    return world.store.tables.mfa_devices[SERIAL]


def test_the_seed_is_shown_when_the_device_is_made_and_never_again(world, alice):
    device = create(world, alice)
    assert device.serial_number == SERIAL
    assert len(device.base32_string_seed) == 52
    [again] = listed(world, alice).virtual_mfa_devices
    assert again.base32_string_seed is None
    assert again.qr_code_png is None
    base32 = device.base32_string_seed
    assert device.qr_code_png == qr_code_png(otpauth_uri("alice", "111122223333", base32))
    assert device.base32_string_seed.decode() not in repr(world.audit)
    assert "HIDDEN" in repr(world.audit[0].response_elements)


def test_a_name_is_taken_whatever_its_case(world, alice):
    create(world, alice)
    with pytest.raises(EntityAlreadyExists, match="MFADevice entity at the same path and name"):
        create(world, alice, "ALICE")
    assert create(world, alice, path="/other/").serial_number.endswith(":mfa/other/alice")


def test_what_cannot_be_kept_is_refused(world, alice):
    with pytest.raises(InvalidRequest, match="256"):
        create(world, alice, "x" * 250)
    with pytest.raises(InvalidRequest, match="Tags"):
        create(world, alice, tags=(IamTag(key="a", value="b"),))


def test_two_codes_in_a_row_give_the_device_to_a_user(world, alice):
    app = app_of(world, alice)
    for wrong in (
        {"authentication_code1": app.code(world.now), "authentication_code2": app.code(world.now, -1)},
        pair(world, app, 5),
    ):
        with pytest.raises(InvalidAuthenticationCode, match="Authentication code for device is not valid"):
            enable(world, alice, app, **wrong)
    enable(world, alice, app)
    [mine] = world.mfa.list_mfa_devices(alice, ListMfaDevicesRequest()).mfa_devices
    assert (mine.user_name, mine.serial_number, mine.enable_date) == ("alice", SERIAL, world.now)
    [device] = listed(world, alice, assignment_status="Assigned").virtual_mfa_devices
    assert device.user.user_name == "alice"
    assert listed(world, alice, assignment_status="Unassigned").virtual_mfa_devices == ()
    with pytest.raises(EntityAlreadyExists):
        enable(world, alice, app)


def test_codes_are_in_no_record(world, alice):
    app = app_of(world, alice)
    enable(world, alice, app)
    for code in pair(world, app).values():
        assert code not in repr([(r.request_parameters, r.response_elements) for r in world.audit])


def test_a_user_has_eight_devices_at_most(world, alice):
    for number in range(MAX_DEVICES_PER_USER + 1):
        app, serial = app_of(world, alice, f"d{number}"), f"arn:aws:iam::111122223333:mfa/d{number}"
        if number < MAX_DEVICES_PER_USER:
            enable(world, alice, app, serial=serial)
    with pytest.raises(LimitExceeded, match="MFADevicesPerUser: 8"):
        enable(world, alice, app, serial=serial)


def test_a_device_goes_back_and_its_used_codes_stay_used(world, alice):
    app = app_of(world, alice)
    codes = pair(world, app)
    enable(world, alice, app, **codes)
    with pytest.raises(DeleteConflict, match="Must deactivate first"):
        world.mfa.delete_virtual_mfa_device(alice, DeleteVirtualMfaDeviceRequest(serial_number=SERIAL))
    deactivate(world, alice)
    with pytest.raises(InvalidAuthenticationCode):
        enable(world, alice, app, **codes)
    with pytest.raises(NoSuchEntity, match="MFA Device invalid for user"):
        deactivate(world, alice)
    world.mfa.delete_virtual_mfa_device(alice, DeleteVirtualMfaDeviceRequest(serial_number=SERIAL))
    with pytest.raises(NoSuchEntity, match="doesn't exist"):
        world.mfa.delete_virtual_mfa_device(alice, DeleteVirtualMfaDeviceRequest(serial_number=SERIAL))


def test_a_user_with_a_device_is_not_deleted(world, alice):
    world.user("bob")
    enable(world, alice, app_of(world, alice), user="bob")
    with pytest.raises(DeleteConflict, match="must delete MFA device first"):
        world.identities.delete_user(alice, DeleteUserRequest(user_name="bob"))


def test_a_device_of_another_user_is_not_touched(world, alice):
    app = app_of(world, alice)
    enable(world, alice, app)
    world.user("bob")
    with pytest.raises(NoSuchEntity, match="MFA Device invalid for user"):
        deactivate(world, alice, user_name="bob")
    assert stored(world).user_id == alice.principal_id


def test_a_resync_finds_a_clock_that_is_off(world, alice):
    app = app_of(world, alice)
    enable(world, alice, app)
    with pytest.raises(InvalidAuthenticationCode):
        resync(world, alice, app, 40)
    assert stored(world).failures == 1
    resync(world, alice, app, 10)
    assert (stored(world).drift_steps, stored(world).failures) == (10, 0)
    assert stored(world).step_of(app.code(world.now, 11), world.now) is not None


def test_an_administrator_unlocks_by_a_resync_and_the_user_himself_cannot(world, alice):
    app = app_of(world, alice)
    enable(world, alice, app)
    for _ in range(MAX_FAILURES):
        with pytest.raises(InvalidAuthenticationCode):
            resync(world, alice, app, 40)
    with pytest.raises(InvalidAuthenticationCode):
        resync(world, alice, app, 2)
    assert stored(world).failures == MAX_FAILURES
    resync(world, world.user("root"), app, 2)
    assert stored(world).failures == 0


def test_access_is_decided_on_the_device_or_on_the_user(world, alice):
    own = [
        statement("Allow", ["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], SERIAL),
        statement(
            "Allow",
            ["iam:EnableMFADevice", "iam:DeactivateMFADevice", "iam:ListMFADevices"],
            "arn:aws:iam::*:user/${aws:username}",
        ),
    ]
    bob = world.user("bob", policy(*own))
    app = app_of(world, bob)
    with pytest.raises(AccessDenied, match=":user/alice"):
        enable(world, bob, app, user="alice")
    with pytest.raises(AccessDenied, match=":mfa/other"):
        create(world, bob, "other")
    with pytest.raises(AccessDenied, match=r"iam:ListVirtualMFADevices on resource: \S+:mfa/ "):
        listed(world, bob)
    enable(world, bob, app, user="bob")
    deactivate(world, bob)
    world.mfa.delete_virtual_mfa_device(bob, DeleteVirtualMfaDeviceRequest(serial_number=SERIAL))


def test_listings_come_in_pages(world, alice):
    for name in "cab":
        create(world, alice, name)
    first = listed(world, alice, max_items=2)
    second = listed(world, alice, max_items=2, marker=first.marker)
    names = [device.serial_number[-1] for device in (*first.virtual_mfa_devices, *second.virtual_mfa_devices)]
    assert names == ["a", "b", "c"]
    assert (first.is_truncated, second.is_truncated) == (True, False)
