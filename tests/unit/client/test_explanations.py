"""The answers to "why?" and "who can?" as people and programs read them, from a scripted server."""

import json

import pytest

from fairlead.client.errors import ClientError
from fairlead.client.explanations import NOT_ALLOWED, ExplainCommand

BOB = "arn:aws:iam::111122223333:user/bob"
NODE = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-1"
ALLOW = {
    "Effect": "Allow",
    "PolicyName": "ssh",
    "Attachment": "inline policy of group",
    "Owner": "ops",
    "Number": 2,
}
DENY = {**ALLOW, "Effect": "Deny", "Sid": "No\x1b[31mSsh"}
RESOURCE = {
    "Resource": NODE,
    "Verdict": "allowed",
    "Statements": [ALLOW],
    "UnmetStatements": [],
    "MissingKeys": [],
    "DependsOnMissingKeys": False,
}
REFUSED = {**RESOURCE, "Verdict": "implicitDeny", "Layer": "permissions boundary", "Statements": []}


class Server:
    """Gives the answers in turn."""

    def __init__(self, *answers, as_json=False) -> None:
        self.answers = list(answers)
        self.said: list[str] = []
        self.calls: list[tuple[str, dict]] = []
        self.command = ExplainCommand(self, self.said.append, as_json=as_json)

    def call(self, operation, members):
        self.calls.append((operation, dict(members)))
        return self.answers.pop(0)


def answer(*resources, verdict="allowed"):
    return {
        "PrincipalArn": BOB,
        "Action": "ssm:StartSession",
        "Verdict": verdict,
        "Resources": list(resources),
    }


def test_an_allow_names_its_statements():
    server = Server(answer(RESOURCE))
    assert server.command.why("bob", "ssm:StartSession", [NODE], []) == 0
    assert server.calls == [
        ("ExplainAccess", {"Principal": "bob", "Action": "ssm:StartSession", "Resources": [NODE]})
    ]
    assert server.said == [
        f"{BOB} may ssm:StartSession",
        f"  on {NODE}: allowed by",
        '    Allow in statement 2 of "ssh", inline policy of group "ops"',
    ]


def test_a_deny_names_its_statement_without_control_characters():
    server = Server(
        answer({**RESOURCE, "Verdict": "explicitDeny", "Statements": [DENY]}, verdict="explicitDeny")
    )
    assert server.command.why("bob", "ssm:StartSession", [NODE], []) == NOT_ALLOWED
    assert server.said == [
        f"{BOB} may not ssm:StartSession",
        f"  on {NODE}: denied by",
        '    Deny in statement "No [31mSsh" of "ssh", inline policy of group "ops"',
    ]


def test_what_is_missing_for_an_allow_is_said():
    unmet = [{"Statement": ALLOW, "MissingKeys": ["aws:SourceIp"]}, {"Statement": ALLOW, "MissingKeys": []}]
    resource = {
        **REFUSED,
        "UnmetStatements": unmet,
        "MissingKeys": ["aws:SourceIp"],
        "DependsOnMissingKeys": True,
    }
    server = Server(answer(resource, verdict="implicitDeny"))
    assert server.command.why("bob", "ssm:StartSession", [NODE], ["aws:username=a=b", "k=1", "k=2"]) == 3
    assert server.calls[0][1]["Context"] == [
        {"Key": "aws:username", "Values": ["a=b"]},
        {"Key": "k", "Values": ["1", "2"]},
    ]
    where = 'Allow in statement 2 of "ssh", inline policy of group "ops"'
    assert server.said[1:] == [
        f"  on {NODE}: not allowed: no permissions boundary allows it",
        f"    its condition does not hold (the request has no aws:SourceIp): {where}",
        f"    its condition does not hold (the request has other values): {where}",
        "    this answer could change with --context for: aws:SourceIp",
    ]


def test_a_locked_user_may_nothing_for_the_time_being():
    server = Server(answer(RESOURCE) | {"IsLocked": True})
    assert server.command.why("bob", "ssm:StartSession", [NODE], []) == NOT_ALLOWED
    assert server.said[:2] == [
        f"{BOB} may ssm:StartSession",
        "  but the user is locked: no credentials of his are good",
    ]
    found = {"PrincipalArn": BOB, "Verdict": "allowed", "IsLocked": True, "Resources": []}
    server = Server({"Principals": [found]})
    assert server.command.who_can("ssm:StartSession", [NODE], []) == NOT_ALLOWED
    assert server.said[0] == f"{BOB} may, but is locked"


def test_everybody_who_may_is_listed_page_by_page():
    found = {"PrincipalArn": BOB, "Verdict": "allowed", "Resources": [RESOURCE]}
    maybe = {"PrincipalArn": BOB, "Verdict": "implicitDeny", "Resources": [REFUSED]}
    server = Server({"Principals": [found], "NextToken": "2"}, {"Principals": [maybe]})
    assert server.command.who_can("ssm:StartSession", [NODE], []) == 0
    assert [members.get("NextToken") for _, members in server.calls] == [None, "2"]
    assert server.said == [
        f"{BOB} may",
        f"  on {NODE}: allowed by",
        '    Allow in statement 2 of "ssh", inline policy of group "ops"',
        f"{BOB} may, depending on the request",
        f"  on {NODE}: not allowed: no permissions boundary allows it",
    ]


def test_that_nobody_may_is_said():
    server = Server({"Principals": []})
    assert server.command.who_can("ssm:StartSession", [NODE], []) == NOT_ALLOWED
    assert server.said == ["No user and no role may do it as the question stands."]


def test_programs_get_one_json_document():
    server = Server(answer(RESOURCE), as_json=True)
    server.command.why("bob", "ssm:StartSession", [NODE], [])
    (text,) = server.said
    assert json.loads(text) == answer(RESOURCE)
    found = {"PrincipalArn": BOB, "Verdict": "allowed", "Resources": []}
    server = Server({"Principals": [found], "NextToken": "2"}, {"Principals": [found]}, as_json=True)
    server.command.who_can("ssm:StartSession", [NODE], [])
    (text,) = server.said
    assert json.loads(text) == {"Principals": [found, found]}


@pytest.mark.parametrize("entry", ["aws:SourceIp", "=x"])
def test_a_key_without_a_value_is_refused_before_anything_is_asked(entry):
    server = Server()
    with pytest.raises(ClientError, match="is not KEY=VALUE"):
        server.command.why("bob", "ssm:StartSession", [NODE], [entry])
    assert server.calls == []


def test_an_answer_of_another_kind_is_one_clear_error():
    with pytest.raises(ClientError, match="cannot be read"):
        Server(answer() | {"Resources": "x"}).command.why("bob", "ssm:StartSession", [NODE], [])
