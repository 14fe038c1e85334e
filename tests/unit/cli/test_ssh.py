"""`fairlead ssh`: stock ssh with our ProxyCommand."""

import pytest

from fairlead.cli import ssh
from fairlead.cli.app import main


class Replaced(BaseException):
    """Stands for the process that ssh has taken over."""


@pytest.fixture
def ssh_argv(monkeypatch):
    seen = []

    def execv(program, argv):
        seen[:] = argv
        raise Replaced

    monkeypatch.setattr(ssh.os, "execv", execv)
    monkeypatch.setattr(ssh.shutil, "which", lambda name: f"/opt/50% more/{name}")
    return seen


def test_every_word_goes_to_ssh_behind_the_proxy_command(ssh_argv):
    with pytest.raises(Replaced):
        main(["ssh", "-p", "2222", "--", "user@mi-1", "ls", "-l", "--help"])
    assert ssh_argv[:3] == ["/opt/50% more/ssh", "-o", "ProxyCommand='/opt/50%% more/fairlead' proxy %h %p"]
    assert [word for word in ssh_argv[3:] if word != "--"] == [
        "-p",
        "2222",
        "user@mi-1",
        "ls",
        "-l",
        "--help",
    ]


def test_without_ssh_that_is_told(monkeypatch, capsys):
    monkeypatch.setattr(ssh.shutil, "which", lambda name: None)
    assert main(["ssh", "mi-1"]) == 1
    assert "install the OpenSSH client" in capsys.readouterr().err
