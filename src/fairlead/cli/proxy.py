"""`fairlead proxy` in the command tree.

`fairlead.__main__` takes the fast way past this module; it is here for the help pages and for callers of
`fairlead.cli.app`.
"""

from __future__ import annotations

import typer


def proxy(context: typer.Context) -> None:
    """Hand the words to the slim program."""
    from fairlead.client.proxy import main

    raise typer.Exit(main(context.args))


proxy.command_settings = {  # type: ignore[attr-defined]  # read by cli.app
    "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    "add_help_option": False,
}
