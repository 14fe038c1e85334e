"""`fairlead doctor`: which side is looked at, and what the command line refuses."""

import json
from pathlib import Path

import pytest

from fairlead.cli.app import main


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        ([], "broken: settings: no AWS region: "),
        (["mi-0123456789abcdef0"], "broken: settings: no AWS region: "),
        (["--node", "--state-dir", "{}"], "broken: state directory: {}: no such state directory"),
        (["--server", "--state-dir", "{}"], "broken: state directory: {} holds no installation: "),
    ],
)
def test_the_first_line_of_each_side_is_the_verdict(
    words: list[str], verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "state")
    assert main(["doctor", *(word.format(place) for word in words)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(verdict.format(place))
    assert lines[1].startswith("  broken      ")
    assert any(line.startswith("  not reached ") for line in lines)


def test_the_findings_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["BrokenHop"] == "settings"
    assert [each["State"] for each in found["Checks"][:2]] == ["broken", "not reached"]


@pytest.mark.parametrize(
    "words",
    [
        ["--node", "--server", "--state-dir", "/x"],
        ["--node"],
        ["--server"],
        ["--state-dir", "/x"],
        ["mi-0123456789abcdef0", "--node", "--state-dir", "/x"],
        ["--port", "0"],
    ],
)
def test_what_does_not_go_together_is_refused(words: list[str]) -> None:
    assert main(["doctor", *words]) == 2


def test_settings_of_a_server_that_contradict_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--server", "--state-dir", str(tmp_path), "--public-url", "ftp://x"]) == 1
    assert capsys.readouterr().err.startswith("fairlead: --public-url ftp://x: give https://NAME")
