"""The audit trail as the AWS CLI asks for it, and its log as `fairlead audit` exports and proves it."""

import functools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fairlead.cli.app import main
from fairlead.testing.server import FairleadServer
from fairlead.transparency.notes import unverified_checkpoint
from tests.support.aws_cli import AwsCli
from tests.support.waiting import wait_until
from tools.stack import CommandFailed

Aws = Callable[..., Any]
DENY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Sid": "NoSsh", "Effect": "Deny", "Action": "ssm:StartSession", "Resource": "*"},
    }
)


@pytest.fixture(scope="module")
def second_place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, second_place: Path) -> Iterator[FairleadServer]:
    state = Path(tmp_path_factory.mktemp("audit")) / "state"
    with FairleadServer(state, audit_checkpoint_dir=second_place) as server:
        yield server


@pytest.fixture(scope="module")
def aws(server: FairleadServer, aws_cli: AwsCli) -> Aws:
    return functools.partial(aws_cli, server.environment())


@pytest.fixture
def as_admin(server: FairleadServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own program runs in this process, with the administrator's environment."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)


def by(key: str, value: str) -> tuple[str, ...]:
    return ("--lookup-attributes", f"AttributeKey={key},AttributeValue={value}")


def test_calls_are_looked_up_by_the_aws_cli(aws: Aws, server: FairleadServer) -> None:
    aws("iam", "create-user", "--user-name", "ada")
    aws("iam", "put-user-policy", "--user-name", "admin", "--policy-name", "deny", "--policy-document", DENY)
    with pytest.raises(CommandFailed, match="AccessDenied"):
        aws("ssm", "start-session", "--target", "mi-0123456789abcdef0")
    aws("iam", "delete-user-policy", "--user-name", "admin", "--policy-name", "deny")

    (refused,) = aws("cloudtrail", "lookup-events", *by("EventName", "StartSession"))["Events"]
    event = json.loads(refused["CloudTrailEvent"])
    assert (refused["Username"], refused["ReadOnly"], refused["EventSource"]) == (
        "admin",
        "false",
        "ssm.amazonaws.com",
    )
    assert event["errorCode"] == "AccessDenied"
    assert event["requestParameters"] == {"target": "mi-0123456789abcdef0"}
    assert 'Deny in statement "NoSsh"' in json.dumps(event["additionalEventData"]).replace("\\", "")
    assert event["userIdentity"]["arn"] == f"arn:aws:iam::{server.account_id}:user/admin"
    assert event["sourceIPAddress"] == "127.0.0.1"
    assert event["userAgent"].startswith("aws-cli/")

    (created,) = aws("cloudtrail", "lookup-events", *by("ResourceName", "ada"))["Events"]
    assert (created["EventName"], created["Resources"]) == (
        "CreateUser",
        [{"ResourceType": "AWS::IAM::User", "ResourceName": "ada"}],
    )
    (same,) = aws("cloudtrail", "lookup-events", *by("EventId", created["EventId"]))["Events"]
    assert same == created
    everything = aws("cloudtrail", "lookup-events", "--page-size", "2")["Events"]
    assert len(everything) > 4
    times = [event["EventTime"] for event in everything]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            (*by("EventName", "a"), "AttributeKey=Username,AttributeValue=b"),
            "InvalidLookupAttributesException",
        ),
        (by("ReadOnly", "x"), "InvalidLookupAttributesException"),
        (("--start-time", "2026-02-01", "--end-time", "2026-01-01"), "InvalidTimeRangeException"),
        (("--max-results", "51"), "InvalidMaxResultsException"),
        (("--next-token", "x"), "InvalidNextTokenException"),
    ],
)
def test_what_cannot_be_looked_up_is_refused_by_its_code(aws: Aws, words: tuple[str, ...], code: str) -> None:
    with pytest.raises(CommandFailed, match=code):
        aws("cloudtrail", "lookup-events", "--no-paginate", *words)


def test_the_log_is_exported_and_proved_against_the_checkpoints_that_others_kept(
    server: FairleadServer,
    second_place: Path,
    tmp_path: Path,
    as_admin: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    agent = server.start_agent("witness")
    kept = agent.state_dir / "audit-checkpoint"
    agent.wait_until(kept.exists, 60)
    wait_until(lambda: list(second_place.iterdir()), "a checkpoint in the second place")
    elsewhere = sorted(second_place.iterdir())[0]
    events, proof = tmp_path / "events.jsonl", tmp_path / "proof.json"
    assert main(["audit", "export", "--output", str(events), "--proof", str(proof)]) == 0
    first = json.loads(events.read_text().splitlines()[0])
    assert first["eventName"] == "CreateFirstIdentities"
    checkpoints = ["--checkpoint", str(kept), "--checkpoint", str(elsewhere)]
    key = ["--key", json.loads(proof.read_text())["publicKey"]]
    assert main(["audit", "verify", "--export", str(events), "--proof", str(proof), *checkpoints, *key]) == 0
    size = unverified_checkpoint(kept.read_text()).size
    assert f"{kept}: the first {size} events are those of this checkpoint." in capsys.readouterr().out
    assert main(["audit", "verify", "--event", first["eventID"], *checkpoints, *key]) == 0
    assert f"Event {first['eventID']} is number 0 of the log" in capsys.readouterr().out


def test_a_restart_goes_on_with_the_same_log_and_key(
    server: FairleadServer,
    as_admin: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.stop()
    note = server.state_dir / "audit-checkpoint"
    before = unverified_checkpoint(note.read_text())
    saved = note.with_name("saved")
    saved.write_bytes(note.read_bytes())
    server.start()
    assert before.size > 0
    for name, value in server.admin_env.items():  # the port is another one
        monkeypatch.setenv(name, value)
    assert main(["audit", "verify", "--checkpoint", str(saved)]) == 0
    assert f"the first {before.size} events are those" in capsys.readouterr().out
