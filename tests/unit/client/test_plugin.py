"""The plugin's argument and environment contract."""

import json
import re

import pytest

from fairlead.client.errors import UsageError
from fairlead.client.plugin import main, parse_call

RESPONSE = {"SessionId": "s-1", "TokenValue": "token", "StreamUrl": "wss://h/v1/data-channel/s-1"}
REQUEST = {"Target": "mi-1", "DocumentName": "AWS-StartSSHSession", "Parameters": {"portNumber": ["2222"]}}
TAIL = ["us-east-1", "StartSession", "prof", json.dumps(REQUEST), "https://h/"]
NAME = "session-manager-plugin"


def test_without_arguments_it_says_that_it_is_installed(capsys):
    assert main([NAME]) == 0
    assert "The Session Manager plugin was installed successfully" in capsys.readouterr().out


def test_the_version_opens_every_gate_of_the_cli(capsys):
    assert main([NAME, "--version"]) == 0
    out = capsys.readouterr().out
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+\n", out)
    assert tuple(map(int, out.split("."))) >= (1, 2, 764, 0)


def test_the_response_as_an_argument():
    call = parse_call([NAME, json.dumps(RESPONSE), *TAIL], {})
    assert (call.grant.session_id, call.grant.token_value, call.grant.stream_url) == tuple(RESPONSE.values())
    assert (call.region, call.profile, call.endpoint_url) == ("us-east-1", "prof", "https://h/")
    assert (call.target, call.document_name, call.port) == ("mi-1", "AWS-StartSSHSession", "2222")


@pytest.mark.parametrize("name", ["AWS_SSM_START_SESSION_RESPONSE", "AWS_SSM_START_SESSION_RESPONSE_7"])
def test_the_response_in_the_environment_is_taken_out_of_it(name):
    environ = {name: json.dumps(RESPONSE), "OTHER": "x"}
    assert parse_call([NAME, name, *TAIL], environ).grant.token_value == "token"
    assert environ == {"OTHER": "x"}


def test_an_old_cli_passes_less():
    call = parse_call([NAME, json.dumps(RESPONSE), "us-east-1", "StartSession"], {})
    assert (call.profile, call.endpoint_url, call.target, call.port) == ("", "", "", "")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--help"], "unknown operation --help"),
        (["a", "b"], "unknown operation a"),
        ([json.dumps(RESPONSE), *TAIL, "surplus"], "unknown operation with 7 arguments"),
        ([json.dumps(RESPONSE), "us-east-1", "ResumeSession"], "only StartSession is known"),
        (["AWS_SSM_START_SESSION_RESPONSE", *TAIL], "is not set"),
        (["{", *TAIL], "response is not a JSON object"),
        (["[]", *TAIL], "response is not a JSON object"),
        ([json.dumps({**RESPONSE, "TokenValue": None}), *TAIL], "lacks SessionId, TokenValue or StreamUrl"),
        ([json.dumps(RESPONSE), *TAIL[:3], "{}", "https://h/"], "names no Target"),
        ([json.dumps(RESPONSE), *TAIL[:3], "nonsense", "https://h/"], "request is not a JSON object"),
        (["x" * 300_000, *TAIL], "not a JSON object"),
    ],
)
def test_a_wrong_call_is_one_line_without_the_token(argv, said, capsys, monkeypatch):
    monkeypatch.delenv("AWS_SSM_START_SESSION_RESPONSE", raising=False)
    with pytest.raises(UsageError, match=said):
        parse_call([NAME, *argv], {})
    assert main([NAME, *argv]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "token" not in err
