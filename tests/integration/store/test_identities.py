from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from fairlead.domain.errors import EntityAlreadyExists
from fairlead.domain.identities import InlinePolicy
from fairlead.store.store import SqlStore
from tests.support.factories import NOW, SCOPE, a_role, a_user, an_access_key

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_a_user_is_found_whatever_the_case_of_the_name(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user(name="Alice"))
        found = work.identities.get_user(SCOPE.account_id, "aLICE")
        assert found == a_user(name="Alice")
        assert work.identities.get_user_by_id(a_user().id) == found


def test_a_name_that_differs_in_case_alone_is_taken_and_the_transaction_goes_on(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        with pytest.raises(EntityAlreadyExists, match="ALICE"):
            work.identities.add_user(a_user(id="AIDA2", name="ALICE"))
        work.identities.add_user(a_user(id="AIDA3", name="bob"))
        assert len(work.identities.list_users(SCOPE.account_id, "/", None, 10)) == 2


def test_users_are_listed_by_name_under_a_path(store: SqlStore) -> None:
    with store.transaction() as work:
        for name, path in (("carol", "/ops/"), ("Bob", "/ops/"), ("alice", "/o_s/")):
            work.identities.add_user(a_user(id=f"AIDA{name}", name=name, path=path))
        names = [user.name for user in work.identities.list_users(SCOPE.account_id, "/o", None, 10)]
        assert names == ["alice", "Bob", "carol"]
        under = [user.name for user in work.identities.list_users(SCOPE.account_id, "/o_", None, 10)]
        assert under == ["alice"]
        assert work.identities.list_users(SCOPE.account_id, "/OPS", None, 10) == []
        after = [user.name for user in work.identities.list_users(SCOPE.account_id, "/", "BOB", 10)]
        assert after == ["carol"]


def test_a_key_comes_back_with_its_secret_and_leaves_none_in_the_table(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        work.identities.add_access_key(an_access_key(), SECRET)
        assert work.identities.get_access_key(an_access_key().id) == (an_access_key(), SECRET)
        with_user = (an_access_key(), SECRET, a_user())
        assert work.identities.get_key_and_user(an_access_key().id) == with_user
        assert work.identities.get_key_and_user("AKIAOTHER") is None
        assert work.identities.list_access_keys(a_user().id) == [an_access_key()]
    with store._engine.connect() as connection:
        sealed = connection.execute(text("SELECT sealed_secret FROM access_keys")).scalar_one()
    assert SECRET.encode() not in bytes(sealed)


def test_a_secret_moved_to_another_key_is_refused(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        work.identities.add_access_key(an_access_key(), SECRET)
        work.identities.add_access_key(an_access_key(id="AKIAOTHER"), "another")
        moved = (
            "UPDATE access_keys SET sealed_secret = (SELECT sealed_secret FROM access_keys WHERE id = :id)"
        )
        work.identities._connection.execute(text(moved), {"id": an_access_key().id})
        with pytest.raises(ValueError, match="another row"):
            work.identities.get_access_key("AKIAOTHER")


def test_an_error_of_the_database_repeats_no_value(store: SqlStore) -> None:
    def add_for_nobody() -> None:
        with store.transaction() as work:
            work.identities.add_access_key(an_access_key(user_id="AIDANOBODY"), SECRET)

    with pytest.raises(IntegrityError) as caught:
        add_for_nobody()
    assert "INSERT INTO access_keys" in str(caught.value)
    assert "parameters hidden" in str(caught.value)


def test_a_deleted_key_and_user_are_gone(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        work.identities.add_access_key(an_access_key(), SECRET)
        work.identities.delete_access_key(an_access_key().id)
        work.identities.delete_user(a_user().id)
        assert work.identities.get_access_key(an_access_key().id) is None
        assert work.identities.get_user(SCOPE.account_id, "alice") is None


def test_roles_have_names_of_their_own(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_role(a_role())
        with pytest.raises(EntityAlreadyExists):
            work.identities.add_role(a_role(id="AROA2", name="FAIRLEADNODE"))
        assert work.identities.get_role(SCOPE.account_id, "fairleadnode") == a_role()
        assert work.identities.list_roles(SCOPE.account_id, "/service-role/", None, 5) == [a_role()]
        work.identities.delete_role(a_role().id)
        assert work.identities.list_roles(SCOPE.account_id, "/", None, 5) == []


def test_a_policy_is_replaced_by_its_name_and_kept_to_the_letter(store: SqlStore) -> None:
    document = '{ "Version": "2012-10-17",\n\t"Statement": [] }'
    with store.transaction() as work:
        work.identities.put_policy("AIDA1", InlinePolicy(name="ssh", document="old"))
        work.identities.put_policy("AIDA1", InlinePolicy(name="ssh", document=document))
        work.identities.put_policy("AIDA1", InlinePolicy(name="a", document="{}"))
        work.identities.put_policy("AIDA2", InlinePolicy(name="ssh", document="other"))
        assert work.identities.get_policy("AIDA1", "ssh") == InlinePolicy(name="ssh", document=document)
        assert [policy.name for policy in work.identities.list_policies("AIDA1")] == ["a", "ssh"]
        work.identities.delete_policy("AIDA1", "ssh")
        assert work.identities.get_policy("AIDA1", "ssh") is None
        assert work.identities.get_policy("AIDA2", "ssh") is not None


def test_a_key_is_switched_off_and_on(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        work.identities.add_access_key(an_access_key(), SECRET)
        work.identities.set_access_key_active(an_access_key().id, False)
        assert work.identities.get_access_key(an_access_key().id) == (an_access_key(is_active=False), SECRET)


def test_a_trust_policy_is_replaced(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_role(a_role())
        work.identities.set_trust_policy(a_role().id, "{...}")
        assert work.identities.get_role(SCOPE.account_id, "FairleadNode") == a_role(trust_policy="{...}")


def test_the_details_of_a_role_are_replaced(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_role(a_role())
        work.identities.set_role_details(a_role().id, "for nodes", 7200)
        assert work.identities.get_role_by_id(a_role().id) == a_role(
            description="for nodes", max_session_duration_s=7200
        )


def test_tags_are_alike_whatever_the_case_of_their_keys(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user())
        work.identities.put_tags(a_user().id, {"Team": "red", "cost": ""})
        work.identities.put_tags(a_user().id, {"TEAM": "blue"})
        assert work.identities.get_tags(a_user().id) == {"cost": "", "TEAM": "blue"}
        work.identities.delete_tags(a_user().id, ["COST", "none"])
        assert work.identities.get_tags(a_user().id) == {"TEAM": "blue"}
        work.identities.delete_user(a_user().id)
        assert work.identities.get_tags(a_user().id) == {}


def test_a_lock_turns_active_keys_off_and_its_end_turns_those_on(store: SqlStore) -> None:
    later = NOW + timedelta(minutes=1)
    with store.transaction() as work:
        alice, bob = a_user(), a_user(id="AIDABOB", name="bob")
        for user in (alice, bob):
            work.identities.add_user(user)
        for key, user, is_active in (("on", alice, True), ("off", alice, False), ("his", bob, True)):
            work.identities.add_access_key(
                an_access_key(id=key, user_id=user.id, user_name=user.name, is_active=is_active), SECRET
            )

        def active() -> set[str]:
            keys = [*work.identities.list_access_keys(alice.id), *work.identities.list_access_keys(bob.id)]
            return {key.id for key in keys if key.is_active}

        assert work.identities.lock_user(alice.id, NOW) == 1
        assert work.identities.lock_user(alice.id, later) == 0
        assert active() == {"his"}
        locked = work.identities.get_user_by_id(alice.id, to_change=True)
        assert locked == replace(alice, locked_at=NOW)
        assert work.identities.unlock_user(alice.id, later) == 1
        assert active() == {"his", "on"}
        assert work.identities.get_user_by_id(alice.id) == replace(alice, void_until=later)
        work.identities.lock_user(alice.id, later)
        work.identities.set_access_key_active("on", False)
        assert work.identities.unlock_user(alice.id, later) == 0
