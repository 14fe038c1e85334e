"""Which policies apply to whom."""

from fairlead.control.principal_policies import NODE_POLICY_NAME, standing_of
from fairlead.domain.identities import InlinePolicy
from tests.support.control_world import ALLOW_ALL
from tests.support.factories import a_group, a_managed_policy, a_role

READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"


def found(world, caller):
    with world.store.read() as uow:
        return [
            (policy.attachment.value, policy.owner, policy.name, len(policy.document.statements))
            for policy in standing_of(uow, caller).policies
        ]


def test_a_user_has_inline_and_attached_policies_those_of_the_groups_and_a_boundary(world):
    alice = world.user("alice")
    with world.store.transaction() as uow:
        uow.groups.add(a_group())
        uow.groups.add_member(a_group().id, alice.principal_id)
        uow.groups.add(a_group(id="AGPAOTHER", name="other"))
        uow.managed_policies.add(a_managed_policy(), ALLOW_ALL)
        uow.identities.put_policy(a_group().id, InlinePolicy(name="of-ops", document=ALLOW_ALL))
        uow.identities.put_policy("AGPAOTHER", InlinePolicy(name="not-mine", document=ALLOW_ALL))
        for holder, arn in ((alice.principal_id, a_managed_policy().arn), (a_group().id, READ_ONLY)):
            uow.managed_policies.attach(holder, arn)
        uow.identities.set_user_boundary(alice.principal_id, READ_ONLY)
    assert sorted(found(world, alice)) == [
        ("inline policy of group", "ops", "of-ops", 1),
        ("inline policy of user", "alice", "policy-0", 1),
        ("managed policy attached to group", "ops", "AmazonSSMReadOnlyAccess", 1),
        ("managed policy attached to user", "alice", "ssh", 1),
        ("permissions boundary of user", "alice", "AmazonSSMReadOnlyAccess", 1),
    ]


def test_a_node_has_those_of_its_role_and_its_own(world):
    node = world.node()
    with world.store.transaction() as uow:
        uow.identities.put_policy(a_role().id, InlinePolicy(name="policy-0", document=ALLOW_ALL))
        uow.identities.set_role_boundary(a_role().id, READ_ONLY)
        uow.managed_policies.attach(a_role().id, READ_ONLY)
    assert sorted(found(world, node)) == [
        ("inline policy of role", "FairleadNode", "policy-0", 1),
        ("managed policy attached to role", "FairleadNode", "AmazonSSMReadOnlyAccess", 1),
        ("managed policy attached to role", "FairleadNode", NODE_POLICY_NAME, 1),
        ("permissions boundary of role", "FairleadNode", "AmazonSSMReadOnlyAccess", 1),
    ]


def test_a_boundary_whose_policy_is_gone_allows_nothing(world):
    alice = world.user("alice", boundary_arn=a_managed_policy().arn)
    assert ("permissions boundary of user", "alice", "ssh", 0) in found(world, alice)


def test_a_user_who_was_deleted_has_none(world):
    alice = world.user("alice")
    del world.store.tables.users[alice.principal_id]
    assert found(world, alice) == []
