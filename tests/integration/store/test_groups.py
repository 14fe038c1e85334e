import pytest

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.store.store import SqlStore
from tests.support.factories import SCOPE, a_group, a_user


def test_a_group_is_found_whatever_the_case_of_the_name_and_taken_too(store: SqlStore) -> None:
    with store.transaction() as work:
        work.groups.add(a_group(name="Ops", path="/staff/"))
        assert work.groups.get(SCOPE.account_id, "oPS", to_change=True) == a_group(name="Ops", path="/staff/")
        with pytest.raises(EntityAlreadyExists, match="Group with name OPS already exists"):
            work.groups.add(a_group(id="AGPA2", name="OPS"))
        assert work.groups.get(SCOPE.account_id, "dev") is None


def test_groups_are_listed_by_name_under_a_path(store: SqlStore) -> None:
    with store.transaction() as work:
        for name, path in (("b", "/x/"), ("A", "/x/"), ("c", "/y/")):
            work.groups.add(a_group(id=f"AGPA{name}", name=name, path=path))
        assert [group.name for group in work.groups.page(SCOPE.account_id, "/x", None, 10)] == ["A", "b"]
        assert [group.name for group in work.groups.page(SCOPE.account_id, "/", "A", 1)] == ["b"]


def test_members_come_and_go(store: SqlStore) -> None:
    bob = a_user(id="AIDABOB", name="Bob")
    with store.transaction() as work:
        work.groups.add(a_group())
        work.groups.add(a_group(id="AGPADEV", name="dev"))
        for user in (bob, a_user()):
            work.identities.add_user(user)
            work.groups.add_member(a_group().id, user.id)
        work.groups.add_member(a_group().id, bob.id)
        work.groups.add_member("AGPADEV", bob.id)
        assert work.groups.members(a_group().id) == [a_user(), bob]
        assert [group.name for group in work.groups.of_user(bob.id)] == ["dev", "ops"]
        assert work.groups.remove_member(a_group().id, bob.id)
        assert not work.groups.remove_member(a_group().id, bob.id)
        assert [group.name for group in work.groups.of_user(bob.id)] == ["dev"]


def test_a_deleted_group_is_gone(store: SqlStore) -> None:
    with store.transaction() as work:
        work.groups.add(a_group())
        work.groups.delete(a_group().id)
        assert work.groups.get(SCOPE.account_id, "ops") is None
