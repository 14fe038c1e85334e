"""`fairlead nodes`: the server's answers for people and as JSON, and which calls each command makes."""

import json
from typing import Any

import pytest

from fairlead.client.errors import ServiceError
from fairlead.client.node_list import Nodes

NOW = 1_800_000_000.0
NODE = "mi-0123456789abcdef0"
OTHER = "mi-1123456789abcdef0"
TWINS = {
    "FirstSeen": NOW - 3600,
    "LastSeen": NOW,
    "Count": 3,
    "Served": {"SourceAddress": "192.0.2.1", "ConnectedSince": NOW},
    "Displaced": {"SourceAddress": "192.0.2.2", "ConnectedSince": NOW - 60},
}


class Api:
    """Gives these answers, one for each call, and remembers the calls."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, dict(members)))
        return self.answers.pop(0) if self.answers else {}


def a_node(**changes: Any) -> dict[str, Any]:
    return {
        "InstanceId": NODE,
        "Name": "web",
        "ConnectionStatus": "connected",
        "PingStatus": "Online",
        "LastPingDateTime": NOW - 70,
        "AgentName": "fairlead-agent",
        "AgentVersion": "3.3.0.0",
        "PlatformType": "Linux",
        "ComputerName": "web-1\x1b[31m",
        "IamRole": "service-role/FairleadNode",
        "RegistrationDate": NOW - 86400,
        "Fingerprint": "9e1f7c52",
        "Tags": [{"Key": "Env", "Value": "Dev"}],
        **changes,
    }


def nodes(*answers, ssm=()):
    api, aws, said = Api(*answers), Api(*ssm), []
    return Nodes(api, aws, said.append, lambda: NOW), api, aws, said


def test_the_list_has_a_line_for_each_node_of_every_page():
    listing, api, _, said = nodes(
        {"Nodes": [a_node()], "NextToken": "more"},
        {"Nodes": [a_node(InstanceId=OTHER, LastPingDateTime=None, Twins=TWINS)]},
    )
    listing.show_all()
    assert said[0].split() == [
        "NODE",
        "STATUS",
        "NAME",
        "COMPUTER",
        "PLATFORM",
        "AGENT",
        "LAST",
        "SIGN",
        "TAGS",
    ]
    assert said[1].startswith(f"{NODE}  connected         web")
    assert said[1].endswith("fairlead-agent 3.3.0.0  1m10s ago  Env=Dev")
    assert said[2].startswith(f"{OTHER}  connected  TWINS  web")
    assert "never" in said[2]
    assert "\x1b" not in "".join(said)
    assert api.calls == [
        ("DescribeNodes", {"MaxResults": 50}),
        ("DescribeNodes", {"MaxResults": 50, "NextToken": "more"}),
    ]


def test_no_node_is_said_to_be_none():
    listing, api, _, said = nodes({"Nodes": []})
    listing.show_all(twins=True)
    assert said == ["No nodes."]
    assert api.calls == [("DescribeNodes", {"HasTwins": True, "MaxResults": 50})]


def test_json_is_what_the_server_answered():
    listing, _, _, said = nodes({"Nodes": [a_node()]})
    listing.show_all(as_json=True)
    assert json.loads(said[0]) == {"Nodes": [a_node()]}


def test_a_node_is_shown_fact_by_fact_without_those_that_are_not_known():
    found = [a_node(SameMachine=[OTHER]), a_node(InstanceId=OTHER, Name=None)]
    listing, api, _, said = nodes({"Nodes": found})
    listing.show([NODE, OTHER])
    assert api.calls == [("DescribeNodes", {"InstanceIds": [NODE, OTHER], "MaxResults": 50})]
    assert said[0] == f"node          {NODE}"
    assert "last sign     2027-01-15T07:58:50Z (1m10s ago)" in said
    assert f"same machine  {OTHER}" in said
    assert not any(line.startswith(("activation", "TWINS")) for line in said)
    second = said[said.index("") + 1 :]
    assert second[0] == f"node          {OTHER}"
    assert not any(line.startswith("name") for line in second)


def test_twins_are_shown_with_both_addresses_and_what_to_do():
    listing, _, _, said = nodes({"Nodes": [a_node(Twins=TWINS)]})
    listing.show([NODE])
    text = "\n".join(said)
    assert "seen 3 times from 2027-01-15T07:00:00Z to 2027-01-15T08:00:00Z" in text
    assert "served     192.0.2.1 since 2027-01-15T08:00:00Z" in text
    assert "displaced  192.0.2.2 since 2027-01-15T07:59:00Z" in text
    assert "deregister the node" in text


def test_more_nodes_than_a_page_holds_are_asked_for_in_parts():
    listing, api, _, _ = nodes({"Nodes": []}, {"Nodes": []})
    listing.show([f"mi-{number:017x}" for number in range(51)])
    assert [len(members["InstanceIds"]) for _, members in api.calls] == [50, 1]


def test_each_kind_of_node_is_removed_by_its_own_call():
    listing, api, aws, said = nodes()
    listing.deregister([NODE, "i-0123456789abcdef0"])
    assert aws.calls == [("DeregisterManagedInstance", {"InstanceId": NODE})]
    assert api.calls == [("DeregisterInstance", {"InstanceId": "i-0123456789abcdef0"})]
    assert said == [f"{NODE} is removed.", "i-0123456789abcdef0 is removed."]


def test_tags_go_over_to_another_node():
    tags = [{"Key": "Env", "Value": "Dev"}, {"Key": "aws:own", "Value": "x"}]
    listing, _, aws, said = nodes(ssm=[{"TagList": tags}])
    listing.copy_tags(NODE, OTHER)
    assert aws.calls == [
        ("ListTagsForResource", {"ResourceType": "ManagedInstance", "ResourceId": NODE}),
        (
            "AddTagsToResource",
            {"ResourceType": "ManagedInstance", "ResourceId": OTHER, "Tags": tags[:1]},
        ),
    ]
    assert said == [f"{OTHER} got Env=Dev of {NODE}."]


def test_where_there_are_no_tags_nothing_is_added():
    listing, _, aws, said = nodes(ssm=[{"TagList": []}])
    listing.copy_tags(NODE, OTHER)
    assert len(aws.calls) == 1
    assert said == [f"{OTHER} got nothing of {NODE}."]


@pytest.mark.parametrize("command", [lambda it: it.show_all(), lambda it: it.copy_tags(NODE, OTHER)])
def test_an_answer_that_is_none_is_one_error(command):
    listing, *_ = nodes({"Nodes": 1}, ssm=[{"TagList": "x"}])
    with pytest.raises(ServiceError, match="cannot be read"):
        command(listing)
