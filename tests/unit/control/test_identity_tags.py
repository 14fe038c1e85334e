"""Tags of users and roles, and policies that see them."""

import pytest

from fairlead.domain.errors import AccessDenied, InvalidRequest, LimitExceeded
from fairlead.domain.operations import identity_tags as operations
from fairlead.domain.operations.identities import GetUserRequest, IamTag
from fairlead.domain.operations.sessions import DescribeSessionsRequest
from tests.support.control_world import policy, statement


class Of:
    """The three operations for one kind of identity."""

    def __init__(self, world, kind, name):
        self._tags, self._kind, self._name = world.identity_tags, kind, name

    def tag(self, caller, **tags):
        request = getattr(operations, f"Tag{self._kind.capitalize()}Request")
        pairs = tuple(IamTag(key=key.replace("_", ":"), value=value) for key, value in tags.items())
        members = {f"{self._kind}_name": self._name}
        getattr(self._tags, f"tag_{self._kind}")(caller, request(**members, tags=pairs))

    def untag(self, caller, *keys):
        request = getattr(operations, f"Untag{self._kind.capitalize()}Request")
        members = {f"{self._kind}_name": self._name}
        getattr(self._tags, f"untag_{self._kind}")(caller, request(**members, tag_keys=keys))

    def page(self, caller, **members):
        request = getattr(operations, f"List{self._kind.capitalize()}TagsRequest")
        return getattr(self._tags, f"list_{self._kind}_tags")(
            caller, request(**{f"{self._kind}_name": self._name}, **members)
        )

    def listed(self, caller):
        return [(tag.key, tag.value) for tag in self.page(caller).tags]


@pytest.fixture(params=["user", "role"])
def tagged(request, world):
    world.user("bob")
    world.role(id="AROABOB", name="bob")
    return Of(world, request.param, "bob")


@pytest.fixture
def admin(world):
    return world.user("admin")


def test_tags_are_added_overwritten_and_taken_away(tagged, admin):
    tagged.tag(admin, Team="red", cost="")
    tagged.tag(admin, TEAM="blue")
    assert tagged.listed(admin) == [("cost", ""), ("TEAM", "blue")]
    tagged.untag(admin, "team", "never-there")
    assert tagged.listed(admin) == [("cost", "")]


def test_tags_come_in_pages(tagged, admin):
    tagged.tag(admin, a="1", b="2")
    first = tagged.page(admin, max_items=1)
    rest = tagged.page(admin, max_items=1, marker=first.marker)
    assert [tag.key for tag in (*first.tags, *rest.tags)] == ["a", "b"]
    assert not rest.is_truncated


def test_keys_of_aws_are_reserved_and_no_key_comes_twice(tagged, admin):
    with pytest.raises(InvalidRequest, match="reserved"):
        tagged.tag(admin, Aws_x="1")
    with pytest.raises(InvalidRequest, match="Duplicate tag keys"):
        tagged.tag(admin, a="1", A="2")
    assert tagged.listed(admin) == []


def test_there_are_fifty_tags_at_most(tagged, admin):
    tagged.tag(admin, **{f"k{number}": "v" for number in range(50)})
    tagged.tag(admin, K0="w")
    with pytest.raises(LimitExceeded, match="50"):
        tagged.tag(admin, more="v")


def test_which_tags_may_be_given_can_be_said(world, tagged):
    only = {
        "StringEquals": {"aws:RequestTag/team": "red"},
        "ForAllValues:StringEquals": {"aws:TagKeys": ["team"]},
    }
    helper = world.user("helper", policy({**statement("Allow", "iam:Tag*"), "Condition": only}))
    tagged.tag(helper, team="red")
    for tags in ({"team": "blue"}, {"team": "red", "other": "x"}):
        with pytest.raises(AccessDenied):
            tagged.tag(helper, **tags)


def test_a_policy_sees_the_tags_of_the_caller_and_of_the_user_he_asks_about(world, admin):
    same_team = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    red_only = {"StringEquals": {"aws:PrincipalTag/Team": "red"}}
    carol = world.user(
        "carol",
        policy(
            {**statement("Allow", "iam:GetUser"), "Condition": same_team},
            {**statement("Allow", "ssm:DescribeSessions"), "Condition": red_only},
        ),
    )
    world.user("bob")
    get_bob, describe = GetUserRequest(user_name="bob"), DescribeSessionsRequest(state="Active")
    Of(world, "user", "carol").tag(admin, team="red")
    world.sessions.describe_sessions(carol, describe)
    with pytest.raises(AccessDenied):
        world.identities.get_user(carol, get_bob)
    Of(world, "user", "bob").tag(admin, team="red")
    assert world.identities.get_user(carol, get_bob).user.tags == (IamTag(key="team", value="red"),)
    Of(world, "user", "carol").tag(admin, team="blue")
    with pytest.raises(AccessDenied):
        world.sessions.describe_sessions(carol, describe)
