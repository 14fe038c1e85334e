"""No call that lists reads a whole table: the plan that the database makes for each of its statements."""

import pytest

from fairlead.domain.operations.catalogue import ALL_OPERATIONS
from fairlead.store.engine import open_engine
from tests.support.listings import CALLS, Listings
from tests.support.query_plans import noted_selections, scans_of


@pytest.mark.parametrize("database_url", ["sqlite-memory", "postgresql"], indirect=True)
def test_no_listing_reads_a_whole_table(database_url: str) -> None:
    engine = open_engine(database_url)
    listings = Listings(engine)
    with noted_selections(engine) as seen:
        for name, members in CALLS:
            listings.make(name, members)
    with engine.connect() as connection:
        assert scans_of(connection, seen) == []
    engine.dispose()


def test_every_operation_that_lists_is_among_them() -> None:
    tested = {name for name, _ in CALLS}
    small = {
        "ListAccessKeys",
        "ListAttachedGroupPolicies",
        "ListAttachedRolePolicies",
        "ListAttachedUserPolicies",
        "ListGroupPolicies",
        "ListGroupsForUser",
        "ListInstanceAssociations",
        "ListMFADevices",
        "ListPolicyVersions",
        "ListRolePolicies",
        "ListRoleTags",
        "ListTagsForResource",
        "ListUserPolicies",
        "ListUserTags",
    }
    """What one identity or resource has, a few of each by their quotas."""
    listing = {
        operation.name
        for operation in ALL_OPERATIONS
        if operation.name.startswith(("List", "Lookup", "Find", "Export"))
        or (operation.name.startswith("Describe") and operation.name != "DescribeDocument")
    }
    assert listing - small == tested
