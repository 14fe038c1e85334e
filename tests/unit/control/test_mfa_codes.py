"""Codes with AssumeRole and GetSessionToken: what they prove, and what wrong ones cost."""

import json
from dataclasses import replace

import pytest

from fairlead.control.mfa_codes import take_code
from fairlead.control.temporary_credentials import open_token
from fairlead.domain.callers import CallerKind
from fairlead.domain.errors import AccessDenied
from fairlead.domain.mfa import MAX_FAILURES
from fairlead.domain.operations.mfa import CreateVirtualMfaDeviceRequest, EnableMfaDeviceRequest
from fairlead.domain.operations.security_tokens import AssumeRoleRequest, GetSessionTokenRequest
from tests.support.authenticator_app import AuthenticatorApp
from tests.support.control_world import ALLOW_ALL

SERIAL = "arn:aws:iam::111122223333:mfa/alice"
ROLE_ARN = "arn:aws:iam::111122223333:role/Deploy"
WRONG = "MultiFactorAuthentication failed with invalid MFA one time pass code"
MFA_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        },
    }
)


@pytest.fixture
def alice(world):
    return world.user()


@pytest.fixture
def app(world, alice):
    """That of alice's device; a minute has passed since it was enabled."""
    made = world.mfa.create_virtual_mfa_device(
        alice, CreateVirtualMfaDeviceRequest(virtual_mfa_device_name="alice")
    )
    app = AuthenticatorApp(made.virtual_mfa_device.base32_string_seed)
    codes = {
        "authentication_code1": app.code(world.now, -1),
        "authentication_code2": app.code(world.now),
    }
    request = EnableMfaDeviceRequest(user_name="alice", serial_number=SERIAL, **codes)
    world.mfa.enable_mfa_device(alice, request)
    world.advance(minutes=1)
    return app


def get_token(world, caller, code, serial=SERIAL):
    request = GetSessionTokenRequest(serial_number=serial, token_code=code)
    return world.security_tokens.get_session_token(caller, request)


def facts_of(world, credentials):
    return open_token(world.env.sealer, credentials.session_token, credentials.access_key_id).facts


def wrong_code(world, app):
    return f"{(int(app.code(world.now)) + 1) % 10**6:06}"


def fail(world, alice, app, times):
    for _ in range(times):
        with pytest.raises(AccessDenied, match=WRONG) as refused:
            get_token(world, alice, wrong_code(world, app))
    return str(refused.value)


def test_a_good_code_is_in_the_credentials(world, alice, app):
    answer = get_token(world, alice, app.code(world.now))
    assert facts_of(world, answer.credentials).mfa_at == world.now


def test_a_code_is_good_once(world, alice, app):
    code = app.code(world.now)
    get_token(world, alice, code)
    with pytest.raises(AccessDenied, match=WRONG):
        get_token(world, alice, code)
    with pytest.raises(AccessDenied, match=WRONG):
        get_token(world, alice, app.code(world.now, -1))
    assert world.store.tables.mfa_devices[SERIAL].failures == 0


def test_a_role_that_asks_for_a_code_is_taken_on_with_one(world, alice, app):
    world.role(ALLOW_ALL, id="AROADEPLOY00000000001", name="Deploy", path="/", trust_policy=MFA_TRUST)
    request = AssumeRoleRequest(role_arn=ROLE_ARN, role_session_name="nightly")
    with pytest.raises(AccessDenied, match="no role trust policy allows"):
        world.security_tokens.assume_role(alice, request)
    request = replace(request, serial_number=SERIAL, token_code=app.code(world.now))
    answer = world.security_tokens.assume_role(alice, request)
    assert facts_of(world, answer.credentials).mfa_at == world.now


def test_five_wrong_codes_in_a_row_lock_and_then_the_right_one_is_refused_too(world, alice, app):
    fail(world, alice, app, MAX_FAILURES - 1)
    get_token(world, alice, app.code(world.now))
    said = fail(world, alice, app, MAX_FAILURES)
    world.advance(minutes=14)
    with pytest.raises(AccessDenied) as refused:
        get_token(world, alice, app.code(world.now))
    assert str(refused.value) == said
    assert "locked until" in said
    world.advance(minutes=1)
    get_token(world, alice, app.code(world.now))
    assert world.store.tables.mfa_devices[SERIAL].failures == 0


def test_a_refused_code_is_counted_though_the_call_is_undone_and_recorded(world, alice, app):
    fail(world, alice, app, 1)
    assert world.store.tables.mfa_devices[SERIAL].failures == 1
    assert (world.last_record.event_name, world.last_record.error_code) == ("GetSessionToken", "AccessDenied")
    assert wrong_code(world, app) not in repr(world.last_record)


@pytest.mark.parametrize("serial", [SERIAL + "x", "GAHT12345678", SERIAL.upper()])
def test_a_device_that_is_not_there_or_not_the_callers_is_told_alike(world, alice, app, serial):
    with pytest.raises(AccessDenied, match="unable to validate MFA code") as unknown:
        get_token(world, alice, app.code(world.now), serial)
    with pytest.raises(AccessDenied) as of_another:
        get_token(world, world.user("bob"), app.code(world.now))
    assert str(unknown.value) == str(of_another.value)
    assert world.store.tables.mfa_devices[SERIAL].failures == 0


@pytest.mark.parametrize(("serial", "code"), [(SERIAL, None), (None, "123456")])
def test_half_of_it_is_refused(world, alice, serial, code):
    with pytest.raises(AccessDenied, match="must provide both"):
        get_token(world, alice, code, serial)


def test_a_role_session_has_no_device(world, alice, app):
    role = replace(alice, kind=CallerKind.ROLE)
    result = take_code(world.env, role, SERIAL, app.code(world.now))
    with pytest.raises(AccessDenied, match="unable to validate"):
        result.moment()
