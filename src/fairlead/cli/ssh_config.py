"""`fairlead ssh-config`: print the host block for OpenSSH, or install it."""

from __future__ import annotations

import os
import sys

import typer


def ssh_config(
    install: bool = typer.Option(
        False, "--install", help="Put the block into the file instead of printing it."
    ),
    aws: bool = typer.Option(
        False, "--aws", help="The form that runs the AWS CLI instead of `fairlead proxy`."
    ),
    file: str = typer.Option("~/.ssh/config", "--file", help="The file that --install edits."),
) -> None:
    """Print the block for ~/.ssh/config, or put it there (again and again with the same result)."""
    from fairlead.client.ssh_config import host_block
    from fairlead.client.ssh_config import install as install_block

    block = host_block(aws=aws)
    if not install:
        print(block, end="")
        return
    path = os.path.expanduser(file)
    changed, others = install_block(path, block)
    print(f"{path}: {'block installed' if changed else 'block is already there'}")
    for line in others:
        print(f"note: {path} also has {line!r}; whichever comes first in the file decides", file=sys.stderr)
