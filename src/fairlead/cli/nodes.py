"""`fairlead nodes`: what the server knows of its nodes, their removal, and tags for one that is new."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fairlead.client.node_list import Nodes

app = typer.Typer(help="Look at the nodes of a server, and remove them.", no_args_is_help=True)

NodeIds = Annotated[list[str], typer.Argument(metavar="NODE-ID...")]
AsJson = Annotated[bool, typer.Option("--json", help="As DescribeNodes answers.")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]


@app.command("list")
def list_nodes(
    twins: Annotated[
        bool, typer.Option("--twins", help="Only those that two agents were seen alive as.")
    ] = False,
    as_json: AsJson = False,
    profile: Profile = None,
) -> None:
    """List all nodes, one line each. Needs the right to fairlead:DescribeNodes."""
    _nodes(profile).show_all(twins=twins, as_json=as_json)


@app.command()
def show(node_ids: NodeIds, as_json: AsJson = False, profile: Profile = None) -> None:
    """Show all that is known of nodes: also fingerprint, other registrations of the machine, and twins.

    Needs the right to fairlead:DescribeNodes.
    """
    _nodes(profile).show(node_ids, as_json=as_json)


@app.command()
def deregister(node_ids: NodeIds, profile: Profile = None) -> None:
    """Remove nodes: their sessions end, their keys and credentials are worth nothing from now on.

    Needs the right to ssm:DeregisterManagedInstance on them, or to fairlead:DeregisterInstance for i-… ids.
    """
    _nodes(profile).deregister(node_ids)


@app.command("copy-tags")
def copy_tags(
    from_id: Annotated[str, typer.Argument(metavar="FROM", help="The node as it was registered before.")],
    to_id: Annotated[str, typer.Argument(metavar="TO", help="The node as it is registered now.")],
    profile: Profile = None,
) -> None:
    """Give a node the tags of another: a machine that registers anew has those of its activation only.

    Needs the rights to ssm:ListTagsForResource and ssm:AddTagsToResource.
    """
    _nodes(profile).copy_tags(from_id, to_id)


def _nodes(profile: str | None) -> "Nodes":
    from fairlead.client.admin_api import open_admin_api, open_session_api
    from fairlead.client.node_list import Nodes

    return Nodes(open_admin_api(profile), open_session_api(profile), print, time.time)
