"""`fairlead iam`: who may do what, and why; users, groups, roles and policies kept as files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Who may do what, why, and kept as files.", no_args_is_help=True)

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

Source = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|FILE",
        help="A directory as `export` writes it, or the output of"
        " `aws iam get-account-authorization-details`.",
    ),
]
Prune = Annotated[bool, typer.Option("--prune", help="Delete what no file names.")]


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


@app.command()
def export(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there.")],
    profile: Profile = None,
) -> None:
    """Write users, groups, roles and managed policies as JSON files, one each, for version control.

    Secrets are not among them. Files of identities that are gone are removed. Needs the right to
    fairlead:ExportIdentities.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.identity_plan import IdentityFilesCommand

    raise typer.Exit(IdentityFilesCommand(open_admin_api(profile), print).export(directory))


@app.command()
def plan(
    source: Source,
    prune: Prune = False,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
    profile: Profile = None,
) -> None:
    """Say what the files would change, and who would gain or lose what on which nodes and documents.

    Nothing is changed. Rights by which somebody can give himself more rights are marked with "!". Needs the
    rights to fairlead:ExportIdentities and fairlead:PlanIdentityChanges. Exit status: 0 if nothing would
    change, 2 if something would.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.identity_plan import IdentityFilesCommand

    command = IdentityFilesCommand(open_admin_api(profile), print)
    raise typer.Exit(command.plan(source, prune=prune, as_json=as_json))


@app.command()
def apply(
    source: Source,
    prune: Prune = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    allow_lockout: Annotated[
        bool,
        typer.Option("--allow-lockout", help="Even if you could not apply anything after it."),
    ] = False,
    profile: Profile = None,
) -> None:
    """Make users, groups, roles and policies as the files say: everything, or nothing if one part fails.

    Shows the plan and asks first. Refused if you could not apply anything after it. Needs the rights to a
    plan, to fairlead:ApplyIdentityChanges, and to each change by itself.
    """
    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.errors import SettingsError
    from fairlead.client.identity_plan import IdentityFilesCommand

    if not yes and not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask on: give --yes to apply without asking")
    command = IdentityFilesCommand(open_admin_api(profile), print)
    raise typer.Exit(
        command.apply(
            source,
            prune=prune,
            confirm=lambda: yes or typer.confirm("Make these changes?"),
            allow_lockout=allow_lockout,
        )
    )
