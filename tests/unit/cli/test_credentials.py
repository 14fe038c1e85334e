"""`fairlead credentials`."""

import json
from datetime import UTC, datetime, timedelta

from fairlead.cli.app import main
from fairlead.client.login_file import SETTINGS, Login, LoginFile


def test_the_credentials_of_a_sign_in_are_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    expiration = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    credentials = {"Version": 1, "AccessKeyId": "ASIA", "Expiration": expiration}
    LoginFile("staff", {"XDG_CACHE_HOME": str(tmp_path)}).write(
        Login(dict.fromkeys(SETTINGS, "x"), credentials, None)
    )
    assert main(["credentials", "--profile", "staff"]) == 0
    assert json.loads(capsys.readouterr().out) == credentials


def test_without_a_sign_in_one_line_says_what_to_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert main(["credentials", "--profile", "staff"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "fairlead: not signed in: run: fairlead login --profile staff\n"
