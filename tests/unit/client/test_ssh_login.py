"""How a login is tried without touching what is the user's, and what ssh's words mean."""

from pathlib import Path

import pytest

from fairlead.client.ssh_login import Login, arguments, explain, known_hosts_files, try_login
from fairlead.transport.diagnosis import Broken

LOGIN = Login("mi-0123456789abcdef0", 22, "bob", None, "fairlead proxy %h %p")


def program(directory: Path, lines: str) -> dict[str, str]:
    """An environment whose `ssh` is a script of these lines."""
    script = directory / "ssh"
    script.write_text(f"#!/bin/sh\n{lines}\n")
    script.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_ssh_asks_nothing_and_new_keys_of_hosts_go_to_the_first_file() -> None:
    words = arguments(
        LOGIN._replace(identity_file="/k", port=2222), ["/tmp/new", "/home/bob/.ssh/known_hosts"]
    )
    assert words[-3:] == ["--", LOGIN.target, "true"]
    assert "BatchMode=yes" in words
    assert 'UserKnownHostsFile="/tmp/new" "/home/bob/.ssh/known_hosts"' in words
    assert "ProxyCommand=fairlead proxy %h %p" in words
    assert words[words.index("-i") + 1] == "/k"
    assert words[words.index("-p") + 1] == "2222"
    assert words[words.index("-l") + 1] == "bob"


def test_what_the_command_line_leaves_out_is_left_to_the_configuration_of_ssh() -> None:
    words = arguments(LOGIN._replace(user=None), ["/tmp/new"])
    assert not {"-i", "-l", "IdentitiesOnly=yes"} & set(words)


@pytest.mark.parametrize(
    ("said", "fact", "remedy"),
    [
        ("bob@mi-0: Permission denied (publickey).", "refuses the key for user bob", "authorized_keys"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            "another one than known_hosts has",
            "ssh-keygen -R mi-0123456789abcdef0",
        ),
        (
            "No ED25519 host key is known\nHost key verification failed.",
            "does not trust the host key",
            "compare it",
        ),
        (
            "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nbob@x: Permission denied (publickey).",
            "does not use the key",
            "chmod 600",
        ),
        (
            "Warning: Identity file /k not accessible: No such file.\nbob@x: Permission denied (publickey).",
            "does not find the key",
            "--identity-file",
        ),
        ("Exceeded MaxStartups\nConnection closed by UNKNOWN port 65535", "hung up", "MaxStartups"),
        ("kex_exchange_identification: Connection closed by remote host", "hung up", "PerSourcePenalties"),
        ("something\nelse\x1b[2J\n\n", "could not log in: else [2J", "ssh -v"),
        ("", "it said nothing", "ssh -v"),
    ],
)
def test_what_ssh_says_becomes_a_fact_and_a_remedy(said: str, fact: str, remedy: str) -> None:
    found = explain(LOGIN, said)
    assert fact in found.fact
    assert remedy in found.remedy
    assert found.fact.isprintable()


def test_the_name_of_a_host_in_known_hosts_has_the_port_when_it_is_not_22() -> None:
    changed = explain(LOGIN._replace(port=2222), "REMOTE HOST IDENTIFICATION HAS CHANGED!")
    assert "ssh-keygen -R '[mi-0123456789abcdef0]:2222'" in changed.remedy


def test_a_login_that_ends_with_a_status_of_the_command_is_a_login(tmp_path: Path) -> None:
    assert try_login(LOGIN, program(tmp_path, "exit 1")) == "logged in as bob"


def test_a_failure_of_ssh_is_told_with_its_reason(tmp_path: Path) -> None:
    environ = program(
        tmp_path, '[ "$1" = -G ] || { echo "x: Permission denied (publickey)." >&2; exit 255; }'
    )
    with pytest.raises(Broken, match="refuses the key for user bob"):
        try_login(LOGIN, environ)


def test_without_ssh_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="there is no ssh"):
        try_login(LOGIN, {"PATH": str(tmp_path)})


def test_the_users_known_hosts_are_those_of_his_configuration(tmp_path: Path) -> None:
    environ = program(tmp_path, "echo user bob; echo userknownhostsfile /a /b none")
    assert known_hosts_files(str(tmp_path / "ssh"), "mi-0", environ) == ["/a", "/b"]
    assert known_hosts_files(str(tmp_path / "missing"), "mi-0", environ) == []
