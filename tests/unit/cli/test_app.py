"""The command tree: what is imported, what is said, which status."""

import subprocess
import sys
import types

import pytest

from fairlead.cli import app
from fairlead.client.errors import ClientError


@pytest.fixture
def command(monkeypatch):
    """A command named `probe` whose function the test gives."""

    def install(function, summary="Probe something."):
        module = types.ModuleType("probe_module")
        module.probe = function
        monkeypatch.setitem(sys.modules, "probe_module", module)
        monkeypatch.setitem(app.COMMANDS, "probe", ("probe_module:probe", summary))

    return install


def test_the_list_of_commands_needs_none_of_their_modules():
    program = (
        "import sys; from fairlead.cli.app import main; main(['--help']);"
        "print([name for name in sys.modules if name.startswith('fairlead.cli.') and name[13:] != 'app'])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    for name in app.COMMANDS:
        assert f"  {name} " in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", app.COMMANDS)
def test_every_command_of_the_table_exists(name):
    location, summary = app.COMMANDS[name]
    assert app._load(location) is not None
    assert summary.endswith(".")


def test_the_result_of_a_command_that_succeeds_is_0(command, capsys):
    command(lambda: print("probed"))
    assert app.main(["probe"]) == 0
    assert capsys.readouterr().out == "probed\n"


def test_a_failure_is_one_line_and_1(command, capsys):
    def fail():
        raise ClientError("no such\nthing")

    command(fail)
    assert app.main(["probe"]) == 1
    assert capsys.readouterr() == ("", "fairlead: no such thing\n")


def test_a_bug_is_one_line_and_1(command, capsys, monkeypatch):
    monkeypatch.delenv("FAIRLEAD_DEBUG", raising=False)

    def fail():
        raise ZeroDivisionError

    command(fail)
    assert app.main(["probe"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("fairlead: internal error: ZeroDivisionError")
    assert err.count("\n") == 1


def test_an_unknown_command_or_option_is_a_usage_error(capsys):
    assert app.main(["nonsense"]) == 2
    assert "No such command 'nonsense'" in capsys.readouterr().err
    assert app.main(["ssh-config", "--nonsense"]) == 2


def test_a_missing_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(app.COMMANDS, "probe", ("no_such_package_at_all:x", "Probe."))
    assert app.main(["probe"]) == 1
    assert "needs the package 'no_such_package_at_all': install fairlead[server]" in capsys.readouterr().err


def test_an_extra_that_is_missed_when_the_command_runs_is_named_too(command, capsys):
    def miss():
        import no_such_package_at_all  # noqa: F401 - it is not there

    command(miss)
    assert app.main(["probe"]) == 1
    assert "needs the package 'no_such_package_at_all': install fairlead[server]" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    assert app.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fairlead ")


def test_proxy_is_also_in_the_tree(capsys):
    assert app.main(["proxy", "mi-1"]) == 1
    assert "usage: fairlead proxy TARGET PORT" in capsys.readouterr().err
