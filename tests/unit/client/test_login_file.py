"""What a sign-in leaves on disk: for its owner only, whole or not at all."""

import os
import stat

import pytest

from fairlead.client.login_file import SETTINGS, Login, LoginFile
from fairlead.client.oidc_provider import LoginError

LOGIN = Login(dict.fromkeys(SETTINGS, "x"), {"Version": 1, "SecretAccessKey": "secret"}, "refresh")


@pytest.fixture
def file(tmp_path):
    return LoginFile("staff", {"XDG_CACHE_HOME": str(tmp_path)})


def test_what_was_written_is_read(file):
    assert file.read() is None
    file.write(LOGIN)
    found = file.read()
    assert (found.settings, found.credentials) == (LOGIN.settings, LOGIN.credentials)
    assert found.refresh_token == "refresh"
    assert "secret" not in repr(found)


def test_it_is_for_the_owner_only_whatever_the_umask(file):
    before = os.umask(0)
    try:
        file.write(LOGIN)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(file.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(file.directory).st_mode) == 0o700


def test_nothing_else_is_left_behind(file):
    file.write(LOGIN)
    file.write(LOGIN)
    assert os.listdir(file.directory) == [os.path.basename(file.path)]


def test_profiles_do_not_meet_and_cannot_leave_the_directory(tmp_path):
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    paths = {LoginFile(name, environ).path for name in ("a", "b", "../a", "/etc/passwd", "a/b")}
    assert len(paths) == 5
    assert {os.path.dirname(path) for path in paths} == {str(tmp_path / "fairlead" / "logins")}


def test_one_that_others_can_read_is_refused(file):
    file.write(LOGIN)
    os.chmod(file.path, 0o640)
    with pytest.raises(LoginError, match="open to others: chmod"):
        file.read()


def test_a_directory_that_others_can_enter_is_refused(file):
    os.makedirs(file.directory)
    os.chmod(file.directory, 0o755)
    with pytest.raises(LoginError, match="open to others"):
        file.write(LOGIN)


def test_somebody_elses_is_refused(file, monkeypatch):
    file.write(LOGIN)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(LoginError, match="belongs to another user"):
        file.read()
    with pytest.raises(LoginError, match="belongs to another user"):
        file.write(LOGIN)


def test_a_link_is_not_followed(file, tmp_path):
    file.write(LOGIN)
    os.rename(file.path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", file.path)
    with pytest.raises(LoginError, match="cannot read"):
        file.read()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b"{}",
        b'{"version": 2}',
        b'{"version": 1, "settings": {}, "credentials": {}}',
    ],
)
def test_what_is_no_sign_in_counts_as_none(file, content):
    file.write(LOGIN)
    with open(file.path, "wb") as damaged:
        damaged.write(content)
    assert file.read() is None


def test_the_lock_lets_one_in_and_then_the_next(file):
    with file.locked():
        file.write(LOGIN)
    with file.locked():
        assert file.read() is not None
