"""Managed policies: texts in versions, one of them in force."""

import pytest

from fairlead.aws.errors import MalformedArn
from fairlead.domain.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidRequest,
    LimitExceeded,
    NoSuchEntity,
    PolicyRefused,
)
from fairlead.domain.operations import managed_policies as operations
from fairlead.domain.operations.identities import IamTag
from tests.support.control_world import ALLOW_ALL, policy, statement

ARN = "arn:aws:iam::111122223333:policy/team/ssh"
AWS_ARN = "arn:aws:iam::aws:policy/AdministratorAccess"
DENY_ALL = policy(statement("Deny", "*"))


@pytest.fixture
def admin(world):
    return world.user("admin")


@pytest.fixture
def policies(world):
    return world.managed_policies


def create(world, caller, name="ssh", document=ALLOW_ALL, **members):
    request = operations.CreatePolicyRequest(
        policy_name=name, policy_document=document, **{"path": "/team/", **members}
    )
    return world.managed_policies.create_policy(caller, request).policy


def get(world, caller, arn=ARN):
    return world.managed_policies.get_policy(caller, operations.GetPolicyRequest(policy_arn=arn)).policy


def add_version(world, caller, document=DENY_ALL, arn=ARN, **members):
    request = operations.CreatePolicyVersionRequest(policy_arn=arn, policy_document=document, **members)
    return world.managed_policies.create_policy_version(caller, request).policy_version


def version(world, caller, version_id, arn=ARN):
    request = operations.GetPolicyVersionRequest(policy_arn=arn, version_id=version_id)
    return world.managed_policies.get_policy_version(caller, request).policy_version


def delete(world, caller, arn=ARN):
    world.managed_policies.delete_policy(caller, operations.DeletePolicyRequest(policy_arn=arn))


def listed(world, caller, **members):
    return world.managed_policies.list_policies(caller, operations.ListPoliciesRequest(**members))


def test_a_new_policy_has_an_arn_and_one_version_in_force(world, admin):
    made = create(world, admin, description="ssh for the team")
    assert (made.arn, made.default_version_id, made.attachment_count) == (ARN, "v1", 0)
    assert made.policy_id.startswith("ANPA")
    assert get(world, admin) == made
    assert version(world, admin, "v1").document == ALLOW_ALL


def test_a_name_is_taken_whatever_its_case_and_path(world, admin):
    create(world, admin)
    with pytest.raises(EntityAlreadyExists, match="A policy called SSH already exists"):
        create(world, admin, "SSH", path="/")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("{", "Syntax errors"),
        (ALLOW_ALL.replace("2012-10-17", "2008-10-17"), "version 2012-10-17 or greater"),
    ],
)
def test_what_cannot_be_evaluated_is_not_stored(world, admin, document, text):
    with pytest.raises(PolicyRefused, match=text):
        create(world, admin, document=document)
    create(world, admin)
    with pytest.raises(PolicyRefused, match=text):
        add_version(world, admin, document)
    assert len(world.store.tables.policy_versions) == 1


def test_a_text_has_a_largest_size_without_white_space(world, admin):
    frame = len(policy(statement("Allow", "a:")).replace(" ", ""))
    fits = policy(statement("Allow", "a:" + "x" * (6144 - frame)))
    create(world, admin, document=fits + " " * 5000)
    with pytest.raises(LimitExceeded, match="6144 bytes exceeded for policy ssh"):
        add_version(world, admin, fits.replace("a:", "a:x"))


def test_tags_of_policies_are_refused_rather_than_overlooked(world, admin):
    with pytest.raises(InvalidRequest, match="Tags of policies are not served"):
        create(world, admin, tags=(IamTag(key="a", value="b"),))


def test_versions_are_counted_and_one_is_in_force(world, admin, policies):
    create(world, admin)
    world.advance(hours=1)
    assert add_version(world, admin).is_default_version is False
    assert get(world, admin).default_version_id == "v1"
    assert add_version(world, admin, set_as_default=True).version_id == "v3"
    found = get(world, admin)
    assert (found.default_version_id, found.update_date) == ("v3", world.now)
    page = policies.list_policy_versions(admin, operations.ListPolicyVersionsRequest(policy_arn=ARN))
    assert [(each.version_id, each.is_default_version, each.document) for each in page.versions] == [
        ("v3", True, None),
        ("v2", False, None),
        ("v1", False, None),
    ]
    policies.set_default_policy_version(
        admin, operations.SetDefaultPolicyVersionRequest(policy_arn=ARN, version_id="v1")
    )
    assert get(world, admin).default_version_id == "v1"


def test_there_are_five_versions_at_most(world, admin, policies):
    create(world, admin)
    for _ in range(4):
        add_version(world, admin)
    with pytest.raises(LimitExceeded, match="up to 5 versions"):
        add_version(world, admin)
    policies.delete_policy_version(
        admin, operations.DeletePolicyVersionRequest(policy_arn=ARN, version_id="v2")
    )
    assert add_version(world, admin).version_id == "v6"


def test_the_version_in_force_is_not_deleted(world, admin, policies):
    create(world, admin)
    for version_id, error in (("v1", DeleteConflict), ("v9", NoSuchEntity)):
        with pytest.raises(error):
            policies.delete_policy_version(
                admin, operations.DeletePolicyVersionRequest(policy_arn=ARN, version_id=version_id)
            )


def test_a_policy_goes_when_nobody_has_it_and_one_version_is_left(world, admin, policies):
    create(world, admin)
    add_version(world, admin)
    other = world.user("other")
    with world.store.transaction() as uow:
        uow.managed_policies.attach(admin.principal_id, ARN)
    with pytest.raises(DeleteConflict, match="attached"):
        delete(world, admin)
    with world.store.transaction() as uow:
        uow.managed_policies.detach(admin.principal_id, ARN)
        uow.identities.set_user_boundary(admin.principal_id, ARN)
    with pytest.raises(DeleteConflict, match="attached"):
        delete(world, other)
    with world.store.transaction() as uow:
        uow.identities.set_user_boundary(admin.principal_id, None)
    with pytest.raises(DeleteConflict, match="more than one version"):
        delete(world, admin)
    policies.delete_policy_version(
        admin, operations.DeletePolicyVersionRequest(policy_arn=ARN, version_id="v2")
    )
    delete(world, admin)
    with pytest.raises(NoSuchEntity):
        get(world, admin)


def test_policies_of_aws_are_read_and_not_changed(world, admin):
    assert get(world, admin, AWS_ARN).policy_name == "AdministratorAccess"
    assert '"Allow"' in version(world, admin, "v1", AWS_ARN).document
    for change in (
        lambda: add_version(world, admin, arn=AWS_ARN),
        lambda: delete(world, admin, AWS_ARN),
    ):
        with pytest.raises(InvalidRequest, match="belongs to AWS"):
            change()


def test_listings_have_those_of_the_account_first_and_can_leave_either_out(world, admin):
    create(world, admin)
    create(world, admin, "Alpha", path="/")
    names = [each.policy_name for each in listed(world, admin).policies]
    assert names[:3] == ["Alpha", "ssh", "AdministratorAccess"]
    assert [each.policy_name for each in listed(world, admin, scope="Local").policies] == ["Alpha", "ssh"]
    assert "ssh" not in [each.policy_name for each in listed(world, admin, scope="AWS").policies]
    below = listed(world, admin, path_prefix="/team/").policies
    assert [each.policy_name for each in below] == ["ssh"]


def test_listings_go_on_where_the_page_ended(world, admin):
    create(world, admin)
    seen, marker = [], None
    while True:
        page = listed(world, admin, max_items=1, **({"marker": marker} if marker else {}))
        seen += [each.policy_name for each in page.policies]
        marker = page.marker
        if not page.is_truncated:
            break
    assert seen == [each.policy_name for each in listed(world, admin).policies]


def test_listings_can_be_of_what_is_used(world, admin):
    create(world, admin)
    create(world, admin, "limit", path="/")
    bob = world.user("bob")
    with world.store.transaction() as uow:
        uow.managed_policies.attach(admin.principal_id, ARN)
        uow.identities.set_user_boundary(bob.principal_id, ARN.replace("team/ssh", "limit"))
    attached = listed(world, admin, only_attached=True).policies
    assert [(each.policy_name, each.attachment_count) for each in attached] == [("ssh", 1)]
    bounding = listed(world, admin, policy_usage_filter="PermissionsBoundary").policies
    assert [(each.policy_name, each.permissions_boundary_usage_count) for each in bounding] == [("limit", 1)]
    permitting = listed(world, admin, policy_usage_filter="PermissionsPolicy").policies
    assert [each.policy_name for each in permitting] == ["ssh"]


def test_access_is_decided_on_the_arn_and_before_the_policy_is_looked_for(world):
    helper = world.user("helper", policy(statement("Allow", "iam:*", "arn:aws:iam::*:policy/team/*")))
    create(world, helper)
    with pytest.raises(AccessDenied):
        get(world, helper, ARN.replace("/team", ""))
    with pytest.raises(NoSuchEntity):
        get(world, helper, ARN + "2")
    with pytest.raises(MalformedArn):
        get(world, helper, "policy/team/ssh-that-is-long-enough")


def test_a_policy_of_another_account_is_not_there(world, admin):
    with pytest.raises(NoSuchEntity):
        get(world, admin, ARN.replace("111122223333", "444455556666"))
