"""The command tree: which name leads to which module, and one place for what goes wrong.

Only the module of the command that runs is imported; the others are lines on the help page. `fairlead
ssh-config` should not wait for the server's libraries. An entry names a `typer.Typer` (a group of commands)
or a plain function that becomes a command; a function may carry `command_settings`, keyword arguments for
`typer.Typer.command`.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import typer

from fairlead._version import __version__
from fairlead.client.errors import ClientError
from fairlead.client.failures import run_guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "fairlead"

COMMANDS = {
    "server": ("fairlead.cli.server:app", "Run and look after the server."),
    "agent": ("fairlead.cli.agent:app", "Register this machine as a node and keep it reachable."),
    "nodes": ("fairlead.cli.nodes:app", "Look at the nodes of a server, and remove them."),
    "users": ("fairlead.cli.users:app", "Lock users out, and let them in again."),
    "instances": ("fairlead.cli.instances:app", "Look after nodes that joined by their cloud's word."),
    "sessions": ("fairlead.cli.sessions:app", "Say who is on which node, and end it."),
    "audit": ("fairlead.cli.audit:app", "Export the audit log, and check that it was not changed."),
    "iam": ("fairlead.cli.iam:app", "Say who may do what, and why."),
    "ssh": ("fairlead.cli.ssh:ssh", "Run ssh to a node, with the ProxyCommand filled in."),
    "ssh-config": ("fairlead.cli.ssh_config:ssh_config", "Print or install the block for ~/.ssh/config."),
    "configure": ("fairlead.cli.configure:configure", "Write an AWS profile for a Fairlead server."),
    "login": ("fairlead.cli.login:login", "Sign in with your organisation for short credentials."),
    "credentials": ("fairlead.cli.credentials:credentials", "Print them, as a credential_process."),
    "doctor": ("fairlead.cli.doctor:doctor", "Say which hop is broken, and what to do about it."),
    "proxy": ("fairlead.cli.proxy:proxy", "OpenSSH's ProxyCommand: stream to a port of a node."),
}
"""Command name -> where it is (`module:attribute`), and its line in the list of commands."""


def build_app(invoked: str | None) -> typer.Typer:
    """The root with every command by name; only `invoked` is the real one. Raises `ImportError`."""
    app = typer.Typer(
        name=PROGRAM,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    for name, (location, summary) in COMMANDS.items():
        if name == invoked:
            _add_command(app, name, summary, _load(location))
        else:
            app.command(name, help=summary)(_not_invoked)
    return app


def _load(location: str) -> Any:  # a Typer app or a function of any signature: typer finds out
    module_name, _, attribute = location.partition(":")
    return getattr(importlib.import_module(module_name), attribute)


def _add_command(app: typer.Typer, name: str, summary: str, target: Any) -> None:  # as _load gives it
    if isinstance(target, typer.Typer):
        app.add_typer(target, name=name, help=summary)
    else:
        app.command(name, **getattr(target, "command_settings", {}))(target)


def _not_invoked() -> None:
    raise AssertionError("a command that was not invoked has run")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(
        False, "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
    ),
) -> None:
    """Fairlead: ssh and scp to machines without an inbound port."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line (without the program's name); the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    return run_guarded(PROGRAM, lambda: _run(words))


def _run(words: list[str]) -> int:
    try:
        build_app(words[0] if words else None)(words, prog_name=PROGRAM)
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    except ModuleNotFoundError as exc:  # of the command's module, or of what it imports once it runs
        if exc.name is None or exc.name.partition(".")[0] == "fairlead":
            raise
        raise ClientError(f"this command needs the package {exc.name!r}: install fairlead[server]") from None
    return 0
