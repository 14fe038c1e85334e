"""Instance identity documents and how old they may be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from fairlead.domain.errors import InstanceIdentityRefused
from fairlead.domain.instance_identity import (
    LEEWAY,
    MAX_DOCUMENT_BYTES,
    NOBODY_TRUSTED,
    InstanceRegistration,
    parse_identity,
)
from tests.support.factories import NOW, SCOPE
from tests.support.identity_issuer import CLOUD_ACCOUNT, CLOUD_REGION, INSTANCE_ID, document

TRUST = replace(NOBODY_TRUSTED, max_age=timedelta(minutes=15))


def test_what_counts_is_read_and_the_rest_is_not_looked_at() -> None:
    identity = parse_identity(document(NOW, instanceType={"any": ["thing"]}))
    assert (identity.instance_id, identity.account_id) == (INSTANCE_ID, CLOUD_ACCOUNT)
    assert (identity.region, identity.pending_at) == (CLOUD_REGION, NOW.replace(microsecond=0))
    assert parse_identity(document(NOW, instanceId="i-0123abcd")).instance_id == "i-0123abcd"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b"\xff", "not a JSON object"),
        (b"[" * 4000, "not a JSON object"),
        (b'{"instanceId": "i-00000000", ' + document(NOW)[1:], "a member twice"),
        (document(NOW) + b" " * MAX_DOCUMENT_BYTES, "longer than"),
        (document(NOW, instanceId="mi-0123456789abcdef0"), "instanceId"),
        (document(NOW, instanceId="i-0123456789ABCDEF0"), "instanceId"),
        (document(NOW, instanceId="i-0123abcd\n"), "instanceId"),
        (document(NOW, instanceId=None), "instanceId"),
        (document(NOW, accountId=210987654321), "accountId"),
        (document(NOW, accountId="1"), "accountId"),
        (document(NOW, region="../etc"), "region"),
        (document(NOW, pendingTime="yesterday"), "pendingTime"),
        (document(NOW, pendingTime="2026-02-31T00:00:00Z"), "pendingTime is no moment"),
    ],
)
def test_a_malformed_document_is_refused_by_what_is_wrong(data: bytes, words: str) -> None:
    with pytest.raises(InstanceIdentityRefused, match=words):
        parse_identity(data)


def test_a_document_is_enough_for_a_while_after_the_start_of_the_machine() -> None:
    identity = replace(parse_identity(document(NOW)), pending_at=NOW)
    TRUST.check_age(identity, NOW + TRUST.max_age)
    TRUST.check_age(identity, NOW - LEEWAY)
    with pytest.raises(InstanceIdentityRefused, match=r"too old: .* after 15 minutes it needs an activation"):
        TRUST.check_age(identity, NOW + TRUST.max_age + timedelta(seconds=1))
    with pytest.raises(InstanceIdentityRefused, match="time to come"):
        TRUST.check_age(identity, NOW - LEEWAY - timedelta(seconds=1))


def test_a_leave_is_good_until_its_end() -> None:
    taken = InstanceRegistration(
        instance_id=INSTANCE_ID,
        scope=SCOPE,
        cloud_account_id=CLOUD_ACCOUNT,
        cloud_region=CLOUD_REGION,
        first_registered_at=NOW,
    )
    assert not taken.has_leave(NOW)
    given = replace(taken, leave_until=NOW + timedelta(hours=1))
    assert given.has_leave(NOW)
    assert not given.has_leave(NOW + timedelta(hours=1))
