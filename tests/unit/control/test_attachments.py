"""Managed policies attached to users, groups and roles: the same rules for all three."""

import pytest

from fairlead.aws.errors import MalformedArn
from fairlead.domain.errors import AccessDenied, LimitExceeded, NoSuchEntity
from fairlead.domain.operations import managed_policies as operations
from fairlead.domain.operations.sessions import DescribeSessionsRequest
from tests.support.control_world import ALLOW_ALL, policy, statement
from tests.support.factories import a_group, a_managed_policy

ARN = a_managed_policy().arn
READ_ONLY = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"


class Of:
    """The three operations for one kind of holder."""

    def __init__(self, world, kind, name):
        self._attachments, self._kind, self._name = world.attachments, kind, name

    def _call(self, verb, caller, **members):
        plural = "ies" if verb == "list_attached" else "y"
        words = f"{verb}_{self._kind}_polic{plural}"
        request = getattr(operations, "".join(map(str.capitalize, words.split("_"))) + "Request")
        members[f"{self._kind}_name"] = self._name
        return getattr(self._attachments, words)(caller, request(**members))

    def attach(self, caller, arn=ARN):
        self._call("attach", caller, policy_arn=arn)

    def detach(self, caller, arn=ARN):
        self._call("detach", caller, policy_arn=arn)

    def listed(self, caller, **members):
        return self._call("list_attached", caller, **members)


@pytest.fixture(params=["user", "group", "role"])
def holder(request, world):
    with world.store.transaction() as uow:
        uow.managed_policies.add(a_managed_policy(), ALLOW_ALL)
        uow.groups.add(a_group(name="bob"))
    world.user("bob", policy(statement("Deny", "nothing:Here")))
    world.role(id="AROABOB", name="bob")
    return Of(world, request.param, "bob")


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_what_is_attached_is_listed_by_name_and_page(holder, admin):
    holder.attach(admin)
    holder.attach(admin)
    holder.attach(admin, READ_ONLY)
    first = holder.listed(admin, max_items=1)
    assert [(each.policy_name, each.policy_arn) for each in first.attached_policies] == [
        ("AmazonSSMReadOnlyAccess", READ_ONLY)
    ]
    rest = holder.listed(admin, max_items=1, marker=first.marker)
    assert [each.policy_arn for each in rest.attached_policies] == [ARN]
    below = holder.listed(admin, path_prefix="/team/")
    assert [each.policy_arn for each in below.attached_policies] == [ARN]


def test_what_is_detached_is_gone(holder, admin):
    holder.attach(admin)
    holder.detach(admin)
    assert holder.listed(admin).attached_policies == ()
    with pytest.raises(NoSuchEntity, match="was not found"):
        holder.detach(admin)


@pytest.mark.parametrize("arn", [ARN + "2", ARN.replace("/team", ""), READ_ONLY + "2"])
def test_what_does_not_exist_is_not_attached(holder, admin, arn):
    with pytest.raises(NoSuchEntity, match="does not exist or is not attachable"):
        holder.attach(admin, arn)


def test_what_is_no_arn_is_not_attached(holder, admin):
    with pytest.raises(MalformedArn):
        holder.attach(admin, "AmazonSSMReadOnlyAccess")


def test_ten_policies_are_attached_at_most(world, holder, admin):
    with world.store.transaction() as uow:
        for number in range(10):
            made = a_managed_policy(id=f"ANPA{number}", name=f"p{number}")
            uow.managed_policies.add(made, ALLOW_ALL)
    for number in range(10):
        holder.attach(admin, a_managed_policy(name=f"p{number}").arn)
    holder.attach(admin, a_managed_policy(name="p9").arn)
    with pytest.raises(LimitExceeded, match="10"):
        holder.attach(admin)


def test_which_policies_may_be_attached_can_be_said(world, holder):
    only = {"Condition": {"ArnEquals": {"iam:PolicyARN": READ_ONLY}}}
    helper = world.user("helper", policy({**statement("Allow", "iam:Attach*"), **only}))
    holder.attach(helper, READ_ONLY)
    with pytest.raises(AccessDenied):
        holder.attach(helper)


@pytest.mark.parametrize("kind", ["user", "group"])
def test_an_attached_policy_holds_from_the_next_call_on(world, admin, kind):
    bob = world.user("bob", policy(statement("Deny", "nothing:Here")))
    with world.store.transaction() as uow:
        uow.managed_policies.add(a_managed_policy(), ALLOW_ALL)
        uow.groups.add(a_group(name="bob"))
        uow.groups.add_member(a_group().id, bob.principal_id)
    holder = Of(world, kind, "bob")
    request = DescribeSessionsRequest(state="Active")
    with pytest.raises(AccessDenied):
        world.sessions.describe_sessions(bob, request)
    holder.attach(admin)
    world.sessions.describe_sessions(bob, request)
    holder.detach(admin)
    with pytest.raises(AccessDenied):
        world.sessions.describe_sessions(bob, request)
