"""`fairlead ssh`: stock ssh with our ProxyCommand, for people who do not want to edit their configuration."""

from __future__ import annotations

import os
import shutil

import typer

from fairlead.client.errors import ClientError

command_settings = {
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}


def ssh(context: typer.Context) -> None:
    """Everything after `fairlead ssh` goes to ssh as it is; options for `fairlead proxy` come from the
    environment (AWS_PROFILE, AWS_REGION, ...)."""
    program = shutil.which("ssh")
    if program is None:
        raise ClientError("there is no ssh on this machine: install the OpenSSH client")
    own = shutil.which("fairlead") or "fairlead"
    # ssh takes over this process, as the user asked; nothing here is left to run.
    os.execv(program, [program, "-o", f"ProxyCommand={quoted(own)} proxy %h %p", *context.args])  # noqa: S606


def quoted(path: str) -> str:
    """A path for a ProxyCommand: the shell runs it, and ssh expands percent signs before that."""
    import shlex

    return shlex.quote(path).replace("%", "%%")


ssh.command_settings = command_settings  # type: ignore[attr-defined]  # read by cli.app
