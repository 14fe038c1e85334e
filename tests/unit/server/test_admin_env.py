import subprocess
from pathlib import Path

from fairlead.server.admin_env import parse, render

VARIABLES = {"A": "plain", "B": 'it\'s $HOME `x` "y"', "C": "/with space/ca.pem", "D": "a=b"}


def test_what_is_written_is_read_back() -> None:
    assert parse(render(Path("/x/admin.env"), VARIABLES).decode()) == VARIABLES


def test_a_shell_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "admin.env"
    path.write_bytes(render(path, VARIABLES))
    script = 'set -a; . "$0"; set +a; env'
    shown = subprocess.run(
        ["/bin/sh", "-c", script, path],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = shown.stdout.splitlines()
    assert all(f"{name}={value}" in lines for name, value in VARIABLES.items())


def test_it_says_what_it_is() -> None:
    text = render(Path("/x/admin.env"), VARIABLES).decode()
    assert "Bootstrap credential" in text
    assert ". /x/admin.env" in text
