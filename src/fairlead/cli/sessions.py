"""`fairlead sessions`: list them, watch them, end them."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

app = typer.Typer(help="Who is on which node: list, watch, end.")

Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]

WATCH_S = 2.0
"""How often a watched list is asked for anew."""


@app.callback(invoke_without_command=True)
def sessions(
    context: typer.Context,
    history: Annotated[bool, typer.Option("--history", help="Those that ended in the last 30 days.")] = False,
    node: Annotated[str | None, typer.Option(metavar="ID", help="To this node only.")] = None,
    owner: Annotated[str | None, typer.Option(metavar="NAME|ARN", help="Of this person only.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="At most so many, the newest.")] = 200,
    watch: Annotated[bool, typer.Option("--watch", help="Show them until Ctrl-C, anew every 2 s.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As DescribeSessions lists them.")] = False,
    profile: Profile = None,
) -> None:
    """List the active sessions, newest first: who, to which node, since when, and what they carried.

    Needs the right to ssm:DescribeSessions.
    """
    if context.invoked_subcommand is not None:
        return
    from fairlead.client.admin_api import open_session_api
    from fairlead.client.session_list import Sessions

    listing = Sessions(open_session_api(profile), print, time.time)
    if watch:
        _watch(lambda: listing.lines(listing.find(history=history, node=node, owner=owner, limit=limit)))
    else:
        listing.show(history=history, node=node, owner=owner, limit=limit, as_json=as_json)


@app.command()
def kill(
    session_ids: Annotated[list[str], typer.Argument(metavar="SESSION-ID...")], profile: Profile = None
) -> None:
    """End sessions; their ssh ends within a second. Needs the right to ssm:TerminateSession on them.

    With the right to ssm:DescribeSessions an id that no session has is told as such, with exit status 1.
    """
    from fairlead.client.admin_api import open_session_api
    from fairlead.client.session_list import Sessions

    Sessions(open_session_api(profile), print, time.time).kill(session_ids)


def _watch(lines: Callable[[], list[str]]) -> None:
    """A full screen of lines, until Ctrl-C."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    def screen() -> Text:
        return Text("\n".join(lines()), no_wrap=True, overflow="crop")

    with Live(screen(), console=Console(), screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(WATCH_S)
                live.update(screen(), refresh=True)
        except KeyboardInterrupt:
            pass
