"""`fairlead iam`: who may do what, and why."""

from typing import Annotated

import typer

app = typer.Typer(help="Who may do what, and why.", no_args_is_help=True)

Action = Annotated[str, typer.Argument(metavar="ACTION", help="Such as ssm:StartSession.")]
Resources = Annotated[
    list[str], typer.Argument(metavar="RESOURCE...", help="ARNs that all have to be allowed, or '*'.")
]
Context = Annotated[
    list[str] | None,
    typer.Option(
        "--context", metavar="K=V", help="A context key, such as aws:SourceIp=192.0.2.7. Repeatable."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The server's whole answer, for programs.")]
Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]


@app.command()
def why(
    principal: Annotated[
        str, typer.Argument(metavar="USER|ARN", help="A user's name, or the ARN of anybody.")
    ],
    action: Action,
    resources: Resources,
    context: Context = None,
    as_json: Json = False,
    profile: Profile = None,
) -> None:
    """Say whether somebody may do something, which statements decide it, and what is missing.

    Needs the right to fairlead:ExplainAccess on the user, role or group. Exit status: 0 for yes, 3 for no.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.explanations import ExplainCommand

    command = ExplainCommand(open_admin_api(profile), print, as_json=as_json)
    raise typer.Exit(command.why(principal, action, resources, context or ()))


@app.command("who-can")
def who_can(
    action: Action,
    resources: Resources,
    context: Context = None,
    as_json: Json = False,
    profile: Profile = None,
) -> None:
    """Say which users and roles may do something, and which statements let them.

    Needs the right to fairlead:FindPrincipals. Exit status: 0 if somebody may, 3 if nobody may.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.explanations import ExplainCommand

    command = ExplainCommand(open_admin_api(profile), print, as_json=as_json)
    raise typer.Exit(command.who_can(action, resources, context or ()))
