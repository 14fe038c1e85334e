"""Access is simulated by boto3 and explained by `fairlead iam`, over the wire."""

import json
import subprocess
import sys
from typing import Any

import pytest

from fairlead.testing.server import FairleadServer

NODE = "arn:aws:ssm:us-east-1:{}:managed-instance/mi-0123456789abcdef0"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "ssm:StartSession", "Resource": "*"},
        {
            "Sid": "FromHome",
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}},
        },
    ],
}


@pytest.fixture
def node(fairlead_server_session: FairleadServer) -> str:
    return NODE.format(fairlead_server_session.account_id)


def test_policies_are_simulated_page_by_page(fairlead_server_session: FairleadServer, node: str) -> None:
    iam: Any = fairlead_server_session.boto3_client("iam")
    arn = iam.create_user(UserName="simulated")["User"]["Arn"]
    iam.put_user_policy(UserName="simulated", PolicyName="ssh", PolicyDocument=json.dumps(POLICY))
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=arn,
        ActionNames=["ssm:StartSession", "ssm:TerminateSession"],
        ResourceArns=[node],
        ContextEntries=[
            {"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["192.0.2.7"], "ContextKeyType": "ip"}
        ],
        PaginationConfig={"PageSize": 1},
    )
    allowed, refused = [result for page in pages for result in page["EvaluationResults"]]
    assert (allowed["EvalDecision"], refused["EvalDecision"]) == ("allowed", "implicitDeny")
    assert allowed["MatchedStatements"] == [
        {"SourcePolicyId": "user_simulated_ssh", "SourcePolicyType": "user"}
    ]
    assert allowed["ResourceSpecificResults"][0]["EvalResourceName"] == node
    keys = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)["ContextKeyNames"]
    assert keys == ["aws:SourceIp"]
    custom = iam.simulate_custom_policy(
        PolicyInputList=[json.dumps(POLICY)], ActionNames=["ssm:StartSession"]
    )
    (result,) = custom["EvaluationResults"]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("explicitDeny", ["aws:SourceIp"])
    with pytest.raises(iam.exceptions.InvalidInputException, match=r"PolicyInputList\.1"):
        iam.simulate_custom_policy(PolicyInputList=["{"], ActionNames=["ssm:StartSession"])
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(PolicySourceArn=arn + "x", ActionNames=["ssm:StartSession"])


def test_the_command_names_the_statement_and_what_is_missing(
    fairlead_server_session: FairleadServer, node: str
) -> None:
    iam: Any = fairlead_server_session.boto3_client("iam")
    arn = iam.create_user(UserName="explained")["User"]["Arn"]
    iam.put_user_policy(UserName="explained", PolicyName="ssh", PolicyDocument=json.dumps(POLICY))

    def fairlead(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "fairlead", "iam", *words],
            env=fairlead_server_session.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stderr == ""
        return done.returncode, done.stdout

    assert fairlead("why", "explained", "ssm:StartSession", node) == (
        3,
        f"{arn} may not ssm:StartSession\n"
        f"  on {node}: denied by\n"
        '    Deny in statement "FromHome" of "ssh", inline policy of user "explained"\n'
        "    this answer could change with --context for: aws:SourceIp\n",
    )
    status, found = fairlead(
        "who-can", "ssm:StartSession", node, "--json", "--context", "aws:SourceIp=192.0.2.7"
    )
    verdicts = {each["PrincipalArn"]: each["Verdict"] for each in json.loads(found)["Principals"]}
    assert (status, verdicts[arn]) == (0, "allowed")
