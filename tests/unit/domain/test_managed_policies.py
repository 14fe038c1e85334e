from fairlead.domain.managed_policies import PolicyVersion
from tests.support.factories import NOW, a_managed_policy


def test_the_arn_of_a_policy_has_its_path():
    assert a_managed_policy().arn == "arn:aws:iam::111122223333:policy/team/ssh"
    assert a_managed_policy(account_id="aws", path="/").arn == "arn:aws:iam::aws:policy/ssh"


def test_the_id_of_a_version_is_its_number():
    assert PolicyVersion(number=12, document="{}", created_at=NOW).id == "v12"
