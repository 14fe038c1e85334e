from dataclasses import dataclass

import pytest

from fairlead.aws.shapes import Integer, Member, Operation, String, member, members_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    max_results: int | None = member("MaxResults", Integer(min=1, max=50))
    target: str = member("Target", String(min=1), required=True)


def test_members_are_listed_in_the_order_of_their_definition():
    assert members_of(Example) == (
        Member("max_results", "MaxResults", Integer(min=1, max=50), required=False),
        Member("target", "Target", String(min=1), required=True),
    )


def test_an_optional_member_defaults_to_absent_and_a_required_one_must_be_given():
    assert Example(target="i-1").max_results is None
    with pytest.raises(TypeError, match="target"):
        Example()


def test_the_action_of_an_operation_joins_service_and_name():
    assert Operation("ssm", "StartSession", Example, Example).action == "ssm:StartSession"
