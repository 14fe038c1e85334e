"""Inline policies of users, of groups and of roles: the same rules, another limit."""

import pytest

from fairlead.domain.errors import AccessDenied, InvalidNextToken, LimitExceeded, NoSuchEntity, PolicyRefused
from fairlead.domain.identities import InlinePolicy
from fairlead.domain.operations import inline_policies as operations
from fairlead.domain.operations.sessions import DescribeSessionsRequest
from tests.support.control_world import ALLOW_ALL, policy, statement
from tests.support.factories import a_group


class OfUsers:
    """The four operations on a user's policies."""

    limit = 2048
    kind = "user"

    def __init__(self, world):
        self._identities = world.identities
        world.user("bob", ALLOW_ALL)
        self.name = "bob"

    def put(self, caller, name, document):
        request = operations.PutUserPolicyRequest(
            user_name=self.name, policy_name=name, policy_document=document
        )
        return self._identities.put_user_policy(caller, request)

    def get(self, caller, name):
        request = operations.GetUserPolicyRequest(user_name=self.name, policy_name=name)
        response = self._identities.get_user_policy(caller, request)
        assert (response.user_name, response.policy_name) == (self.name, name)
        return response.policy_document

    def list(self, caller, **members):
        request = operations.ListUserPoliciesRequest(user_name=self.name, **members)
        return self._identities.list_user_policies(caller, request)

    def delete(self, caller, name):
        request = operations.DeleteUserPolicyRequest(user_name=self.name, policy_name=name)
        return self._identities.delete_user_policy(caller, request)


class OfGroups:
    """The four operations on a group's policies."""

    limit = 5120
    kind = "group"

    def __init__(self, world):
        self._identities = world.identities
        self.name = "ops"
        with world.store.transaction() as uow:
            uow.groups.add(a_group())
            uow.identities.put_policy(a_group().id, InlinePolicy(name="policy-0", document=ALLOW_ALL))

    def put(self, caller, name, document):
        request = operations.PutGroupPolicyRequest(
            group_name=self.name, policy_name=name, policy_document=document
        )
        return self._identities.put_group_policy(caller, request)

    def get(self, caller, name):
        request = operations.GetGroupPolicyRequest(group_name=self.name, policy_name=name)
        response = self._identities.get_group_policy(caller, request)
        assert (response.group_name, response.policy_name) == (self.name, name)
        return response.policy_document

    def list(self, caller, **members):
        request = operations.ListGroupPoliciesRequest(group_name=self.name, **members)
        return self._identities.list_group_policies(caller, request)

    def delete(self, caller, name):
        request = operations.DeleteGroupPolicyRequest(group_name=self.name, policy_name=name)
        return self._identities.delete_group_policy(caller, request)


class OfRoles:
    """The four operations on a role's policies."""

    limit = 10240
    kind = "role"

    def __init__(self, world):
        self._identities = world.identities
        world.store.tables.roles.clear()
        world.role(ALLOW_ALL)
        self.name = "FairleadNode"

    def put(self, caller, name, document):
        request = operations.PutRolePolicyRequest(
            role_name=self.name, policy_name=name, policy_document=document
        )
        return self._identities.put_role_policy(caller, request)

    def get(self, caller, name):
        request = operations.GetRolePolicyRequest(role_name=self.name, policy_name=name)
        response = self._identities.get_role_policy(caller, request)
        assert (response.role_name, response.policy_name) == (self.name, name)
        return response.policy_document

    def list(self, caller, **members):
        request = operations.ListRolePoliciesRequest(role_name=self.name, **members)
        return self._identities.list_role_policies(caller, request)

    def delete(self, caller, name):
        request = operations.DeleteRolePolicyRequest(role_name=self.name, policy_name=name)
        return self._identities.delete_role_policy(caller, request)


@pytest.fixture(params=[OfUsers, OfGroups, OfRoles], ids=["user", "group", "role"])
def policies(request, world):
    return request.param(world)


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_a_document_comes_back_as_it_was_stored(policies, admin):
    document = ' {"Statement":\n{"Effect" :"Deny","Action":"*",\t"Resource":"*"}}'
    policies.put(admin, "odd", document)
    assert policies.get(admin, "odd") == document


def test_putting_again_replaces(policies, admin):
    policies.put(admin, "p", policy(statement("Allow", "a:b")))
    policies.put(admin, "p", policy(statement("Allow", "c:d")))
    assert policies.get(admin, "p") == policy(statement("Allow", "c:d"))


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("not JSON", "Syntax errors in policy"),
        ('{"Statement":{"Effect":"Allow","Action":"*"}}', "must contain resources"),
        (
            '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Is":{}}}}',
            "no operator",
        ),
        (
            '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}',
            "should not specify a principal",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_not_stored(policies, admin, document, text):
    with pytest.raises(PolicyRefused, match=text):
        policies.put(admin, "p", document)
    with pytest.raises(NoSuchEntity):
        policies.get(admin, "p")


def test_all_policies_together_have_a_largest_size_without_white_space(policies, admin):
    used = len(ALLOW_ALL.replace(" ", ""))
    frame = len(policy(statement("Allow", "a:")).replace(" ", ""))
    fits = policy(statement("Allow", "a:" + "x" * (policies.limit - used - frame)))
    policies.put(admin, "big", fits + " " * 5000)
    policies.put(admin, "big", fits)
    with pytest.raises(LimitExceeded, match=f"{policies.limit} bytes exceeded for {policies.kind} "):
        policies.put(admin, "big", fits.replace("a:", "a:x"))
    with pytest.raises(LimitExceeded):
        policies.put(admin, "small", policy(statement("Allow", "a:b")))


def test_names_are_listed_a_page_at_a_time(policies, admin):
    for name in ("c", "a"):
        policies.put(admin, name, policy(statement("Allow", "a:b")))
    assert policies.list(admin).policy_names == ("a", "c", "policy-0")
    first = policies.list(admin, max_items=2)
    assert (first.policy_names, first.is_truncated) == (("a", "c"), True)
    second = policies.list(admin, marker=first.marker)
    assert (second.policy_names, second.is_truncated, second.marker) == (("policy-0",), False, None)
    with pytest.raises(InvalidNextToken):
        policies.list(admin, marker=first.marker[:-2])


def test_a_deleted_policy_is_gone(policies, admin):
    policies.delete(admin, "policy-0")
    with pytest.raises(NoSuchEntity, match=f"The {policies.kind} policy with name policy-0 cannot be found"):
        policies.get(admin, "policy-0")
    with pytest.raises(NoSuchEntity):
        policies.delete(admin, "policy-0")


def test_each_operation_needs_its_right(world, policies):
    nobody = world.user("nobody", policy(statement("Deny", "*")))
    for call in (
        lambda: policies.put(nobody, "p", ALLOW_ALL),
        lambda: policies.get(nobody, "policy-0"),
        lambda: policies.list(nobody),
        lambda: policies.delete(nobody, "policy-0"),
    ):
        with pytest.raises(AccessDenied, match=policies.name):
            call()


def test_an_attached_deny_holds_from_the_next_call_on(world, admin):
    alice = world.user("alice")
    request = DescribeSessionsRequest(state="Active")
    world.sessions.describe_sessions(alice, request)
    deny = operations.PutUserPolicyRequest(
        user_name="alice",
        policy_name="deny",
        policy_document=policy(statement("Deny", "ssm:DescribeSessions")),
    )
    world.identities.put_user_policy(admin, deny)
    with pytest.raises(AccessDenied, match="explicit deny"):
        world.sessions.describe_sessions(alice, request)
