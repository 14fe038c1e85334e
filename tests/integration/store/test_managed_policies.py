from datetime import timedelta

import pytest

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_managed_policy, a_role, a_user

ARN = a_managed_policy().arn
AWS_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"


def test_a_policy_is_found_by_its_whole_arn_only(store: SqlStore) -> None:
    with store.transaction() as work:
        work.managed_policies.add(a_managed_policy(), "{}")
        assert work.managed_policies.get(ARN, to_change=True) == a_managed_policy()
        for other in (ARN.replace("/team/", "/"), ARN.replace("ssh", "SSH"), ARN + "x", AWS_ARN):
            assert work.managed_policies.get(other) is None


def test_the_name_of_a_policy_is_taken_whatever_its_case_and_path(store: SqlStore) -> None:
    with store.transaction() as work:
        work.managed_policies.add(a_managed_policy(), "{}")
        with pytest.raises(EntityAlreadyExists, match="A policy with name SSH already exists"):
            work.managed_policies.add(a_managed_policy(id="ANPA2", name="SSH", path="/"), "{}")


def test_policies_are_listed_by_name_under_a_path(store: SqlStore) -> None:
    with store.transaction() as work:
        for name, path in (("b", "/x/"), ("A", "/x/"), ("c", "/y/")):
            work.managed_policies.add(a_managed_policy(id=f"ANPA{name}", name=name, path=path), "{}")
        found = work.managed_policies.page(SCOPE.account_id, "/x", None, 10)
        assert [policy.name for policy in found] == ["A", "b"]


def test_numbers_of_versions_are_not_given_twice(store: SqlStore) -> None:
    later = NOW + timedelta(seconds=1)
    with store.transaction() as work:
        policies, policy_id = work.managed_policies, a_managed_policy().id
        policies.add(a_managed_policy(), "one")
        assert policies.add_version(policy_id, "two", later).id == "v2"
        policies.delete_version(policy_id, 2)
        assert policies.add_version(policy_id, "three", later).id == "v3"
        assert [(version.id, version.document) for version in policies.versions(policy_id)] == [
            ("v3", "three"),
            ("v1", "one"),
        ]


def test_the_default_version_is_the_text_in_force(store: SqlStore) -> None:
    later = NOW + timedelta(seconds=1)
    with store.transaction() as work:
        policies, policy_id = work.managed_policies, a_managed_policy().id
        policies.add(a_managed_policy(), "one")
        policies.add(a_managed_policy(id="ANPA2", name="other", path="/"), "other")
        policies.add_version(policy_id, "two", later)
        wanted = [ARN, AWS_ARN, ARN.replace("/team/", "/")]
        assert policies.default_documents(wanted) == {ARN: "one"}
        policies.set_default_version(policy_id, 2, later)
        assert policies.default_documents(wanted) == {ARN: "two"}
        assert policies.get(ARN) == a_managed_policy(default_version=2, updated_at=later)


def test_attachments_are_counted_and_listed_for_several_identities(store: SqlStore) -> None:
    with store.transaction() as work:
        policies = work.managed_policies
        for identity, arn in (("AIDA1", ARN), ("AIDA1", AWS_ARN), ("AGPA1", ARN), ("AIDA1", ARN)):
            policies.attach(identity, arn)
        assert policies.attached_to(["AIDA1"]) == [("AIDA1", ARN), ("AIDA1", AWS_ARN)]
        assert policies.attached_to(["AIDA1", "AGPA1", "AIDA2"])[0] == ("AGPA1", ARN)
        assert policies.attachment_count(ARN) == 2
        assert policies.detach("AIDA1", ARN)
        assert not policies.detach("AIDA1", ARN)
        assert policies.attachment_count(ARN) == 1


def test_boundaries_are_counted_for_users_and_roles(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user(boundary_arn=ARN))
        work.identities.add_role(a_role())
        work.identities.set_role_boundary(a_role().id, ARN)
        assert work.managed_policies.boundary_count(ARN) == 2
        work.identities.set_user_boundary(a_user().id, None)
        assert work.managed_policies.boundary_count(ARN) == 1
        assert work.identities.get_role(SCOPE.account_id, "FairleadNode") == a_role(boundary_arn=ARN)


def test_a_deleted_policy_is_gone_with_its_versions(store: SqlStore) -> None:
    with store.transaction() as work:
        work.managed_policies.add(a_managed_policy(), "one")
        work.managed_policies.delete(a_managed_policy().id)
        assert work.managed_policies.get(ARN) is None
        assert work.managed_policies.versions(a_managed_policy().id) == []
