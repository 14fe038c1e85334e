"""What the words of `fairlead iam` become."""

import pytest
from typer.testing import CliRunner

from fairlead.cli.iam import app
from fairlead.client import admin_api

RUNNER = CliRunner()
NODE = "arn:aws:ssm:us-east-1:111122223333:managed-instance/mi-1"
DOCUMENT = "arn:aws:ssm:us-east-1::document/AWS-StartSSHSession"


@pytest.fixture
def calls(monkeypatch):
    """Calls of the API, by the profile that they were made with; nobody may do anything."""
    made = []

    class Api:
        def __init__(self, profile) -> None:
            self.profile = profile

        def call(self, operation, members):
            made.append((self.profile, operation, members))
            return {"PrincipalArn": "arn", "Action": members["Action"], "Verdict": "implicitDeny"}

    monkeypatch.setattr(admin_api, "open_admin_api", Api)
    return made


def test_why_asks_about_one_principal_and_all_the_resources(calls):
    words = ["why", "bob", "ssm:StartSession", NODE, DOCUMENT, "--context", "aws:SourceIp=192.0.2.7"]
    done = RUNNER.invoke(app, [*words, "--profile", "work"])
    assert (done.exit_code, done.output) == (3, "arn may not ssm:StartSession\n")
    members = {
        "Principal": "bob",
        "Action": "ssm:StartSession",
        "Resources": [NODE, DOCUMENT],
        "Context": [{"Key": "aws:SourceIp", "Values": ["192.0.2.7"]}],
    }
    assert calls == [("work", "ExplainAccess", members)]


def test_who_can_asks_about_everybody(calls):
    done = RUNNER.invoke(app, ["who-can", "ssm:StartSession", NODE, "--json"])
    assert (done.exit_code, done.output) == (3, '{\n  "Principals": []\n}\n')
    ((profile, operation, members),) = calls
    assert (profile, operation, members["Resources"]) == (None, "FindPrincipals", [NODE])


def test_a_question_without_a_resource_is_refused(calls):
    assert RUNNER.invoke(app, ["why", "bob", "ssm:StartSession"]).exit_code == 2
    assert calls == []
