"""What hangs on a user, group or role, on both databases."""

from fairlead.domain.identities import Grants, Holder, InlinePolicy
from fairlead.store.store import SqlStore
from tests.support.factories import a_group, a_role, a_user

ARN = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"
OTHER_ARN = "arn:aws:iam::111122223333:policy/other"
OPS, DEV = a_group(id="AGPA1", name="ops"), a_group(id="AGPA2", name="Dev")


def policy(name: str) -> InlinePolicy:
    return InlinePolicy(name=name, document=name.upper())


def add_all(store: SqlStore) -> None:
    with store.transaction() as work:
        work.identities.add_user(a_user(boundary_arn=ARN))
        work.identities.add_user(a_user(id="AIDABOB", name="bob"))
        work.identities.add_role(a_role())
        for group in (OPS, DEV, a_group(id="AGPA3", name="not-mine")):
            work.groups.add(group)
        for group_id, user_id in ((OPS.id, a_user().id), (DEV.id, a_user().id), ("AGPA3", "AIDABOB")):
            work.groups.add_member(group_id, user_id)
        work.identities.put_tags(a_user().id, {"team": "blue", "Cost": ""})
        for owner in (a_user().id, OPS.id, "AGPA3", "AIDABOB", a_role().id):
            for name in ("b", "a"):
                work.identities.put_policy(owner, policy(name))
            for arn in (ARN, OTHER_ARN):
                work.managed_policies.attach(owner, arn)


def test_a_user_has_what_is_his_and_what_his_groups_have(store: SqlStore) -> None:
    add_all(store)
    with store.read() as work:
        grants = work.identities.grants_of(a_user().id)
    owners = sorted([a_user().id, OPS.id])
    assert grants == Grants(
        holder=Holder(id=a_user().id, name=a_user().name),
        boundary_arn=ARN,
        tags={"Cost": "", "team": "blue"},
        groups=[Holder(id=DEV.id, name="Dev"), Holder(id=OPS.id, name="ops")],
        inline=[(owner, policy(name)) for owner in owners for name in ("a", "b")],
        attached=[(owner, arn) for owner in owners for arn in (OTHER_ARN, ARN)],
    )
    assert list(grants.tags) == ["Cost", "team"]


def test_a_role_and_a_group_have_their_own(store: SqlStore) -> None:
    add_all(store)
    with store.read() as work:
        for holder in (a_role(), OPS):
            grants = work.identities.grants_of(holder.id)
            assert grants == Grants(
                holder=Holder(id=holder.id, name=holder.name),
                groups=[],
                inline=[(holder.id, policy("a")), (holder.id, policy("b"))],
                attached=[(holder.id, OTHER_ARN), (holder.id, ARN)],
            )


def test_nothing_hangs_on_who_is_gone(store: SqlStore) -> None:
    add_all(store)
    with store.transaction() as work:
        work.identities.delete_role(a_role().id)
    with store.read() as work:
        assert work.identities.grants_of(a_role().id) is None
