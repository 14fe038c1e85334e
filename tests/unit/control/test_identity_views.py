"""Users, keys and roles as the API shows them."""

import pytest

from fairlead.control.identity_views import access_key_metadata, role_detail, user_detail
from tests.support.factories import NOW, a_role, a_user, an_access_key


def test_a_user_is_shown_with_id_and_arn():
    shown = user_detail(a_user(path="/staff/"))
    assert (shown.user_name, shown.user_id, shown.path) == ("alice", "AIDAEXAMPLEALICE00001", "/staff/")
    assert shown.arn == "arn:aws:iam::111122223333:user/staff/alice"
    assert shown.create_date == NOW


@pytest.mark.parametrize(("is_active", "status"), [(True, "Active"), (False, "Inactive")])
def test_a_key_is_shown_with_its_status(is_active, status):
    shown = access_key_metadata(an_access_key(is_active=is_active))
    assert (shown.user_name, shown.access_key_id, shown.status) == ("alice", "AKIAIOSFODNN7EXAMPLE", status)


def test_a_role_is_shown_with_its_trust_policy_as_it_was_stored():
    shown = role_detail(a_role(trust_policy=' {"a": 1}', max_session_duration_s=7200))
    assert shown.assume_role_policy_document == ' {"a": 1}'
    assert shown.max_session_duration == 7200
    assert shown.arn == "arn:aws:iam::111122223333:role/service-role/FairleadNode"
