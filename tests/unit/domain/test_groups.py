from tests.support.factories import a_group


def test_the_arn_of_a_group_has_its_path():
    assert a_group(path="/staff/").arn == "arn:aws:iam::111122223333:group/staff/ops"
