"""Users and roles."""

from tests.support.factories import a_role, a_user


def test_the_arn_of_a_user_has_its_path():
    assert a_user().arn == "arn:aws:iam::111122223333:user/alice"
    assert a_user(path="/staff/ops/").arn == "arn:aws:iam::111122223333:user/staff/ops/alice"


def test_the_arn_of_a_role_has_its_path():
    assert a_role(path="/").arn == "arn:aws:iam::111122223333:role/FairleadNode"
    assert a_role().arn == "arn:aws:iam::111122223333:role/service-role/FairleadNode"
