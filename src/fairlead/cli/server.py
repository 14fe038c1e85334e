"""`fairlead server`: run it, and what only its own machine may do."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    help="Run the server: control plane and gateway on one TLS port.",
    invoke_without_command=True,
    no_args_is_help=False,
)

StateDir = Annotated[
    Path,
    typer.Option("--state-dir", metavar="DIR", help="Where everything is kept. The first start creates it."),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", metavar="URL", help="postgresql://… instead of the embedded SQLite."),
]
MasterKeyFile = Annotated[
    Path | None,
    typer.Option("--master-key-file", metavar="F", help="Where the master key is, if not in DIR."),
]


@app.callback()
def run(
    context: typer.Context,
    state_dir: Annotated[
        Path | None,
        typer.Option(
            "--state-dir", metavar="DIR", help="Where everything is kept. The first start creates it."
        ),
    ] = None,
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Port 0 takes a free one.")
    ] = "127.0.0.1:8443",
    public_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="A name by which the world reaches the server. Repeatable."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="F", help="A certificate (chain) instead of our own CA's.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="F", help="Its private key.")] = None,
    insecure_http: Annotated[bool, typer.Option("--insecure-http", help="No TLS; on loopback only.")] = False,
    database_url: DatabaseUrl = None,
    account_id: Annotated[
        str | None, typer.Option(metavar="N", help="The account, 12 digits. Drawn at the first start.")
    ] = None,
    region: Annotated[
        list[str] | None,
        typer.Option(metavar="R", help="A region to serve, the default first. Repeatable."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR", help="Believe forwarded headers from here. Repeatable."),
    ] = None,
    master_key_file: MasterKeyFile = None,
    oidc_file: Annotated[
        Path | None,
        typer.Option(
            "--oidc-file", metavar="F", help="OpenID Connect issuers whose users may sign in (TOML)."
        ),
    ] = None,
    instance_identity_file: Annotated[
        Path | None,
        typer.Option(
            "--instance-identity-file",
            metavar="F",
            help="Issuers and accounts of a cloud whose machines may join by their instance identity (TOML).",
        ),
    ] = None,
    activation_tier: Annotated[
        str,
        typer.Option(
            "--activation-tier",
            metavar="TIER",
            help="Tier of mi- nodes until the API decides: advanced, or standard (AWS: no sessions).",
        ),
    ] = "advanced",
    skip_default_document_check: Annotated[
        bool,
        typer.Option(
            "--skip-default-document-check",
            help="A session that names no document needs the right to its target only (AWS until 2025).",
        ),
    ] = False,
    access_log: Annotated[bool, typer.Option("--access-log", help="Log a line for each API call.")] = False,
    audit_days: Annotated[
        int, typer.Option("--audit-days", metavar="N", help="How many days audit records are kept.")
    ] = 90,
    audit_checkpoint_dir: Annotated[
        Path | None,
        typer.Option(
            "--audit-checkpoint-dir",
            metavar="DIR",
            help="A second place for signed checkpoints of the audit log.",
        ),
    ] = None,
) -> None:
    """Run the server, unless a command follows."""
    if context.invoked_subcommand is not None:
        return
    if state_dir is None:
        raise typer.BadParameter("name a directory for the server's state", param_hint="--state-dir")
    if find_spec("uvicorn") is None:  # to be told before the exec, and without the time to load it here too
        raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
    from fairlead.server.__main__ import command
    from fairlead.server.errors import StartError
    from fairlead.server.settings import read_settings

    options: dict[str, Any] = {  # Any: the keyword arguments of read_settings
        "state_dir": state_dir,
        "listen": listen,
        "public_urls": public_url or (),
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "insecure_http": insecure_http,
        "database_url": database_url,
        "account_id": account_id,
        "regions": region or (),
        "trusted_proxies": trusted_proxy or (),
        "master_key_file": master_key_file,
        "oidc_file": oidc_file,
        "activation_tier": activation_tier,
        "instance_identity_file": instance_identity_file,
        "skip_default_document_check": skip_default_document_check,
        "access_log": access_log,
        "audit_days": audit_days,
        "audit_checkpoint_dir": audit_checkpoint_dir,
    }
    try:
        read_settings(**options)
    except StartError as error:
        _fail(error)
    words, environment = command(options)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(words[0], words, environment)  # noqa: S606  # our own interpreter, less what only this part needs


@app.command("recover-admin")
def recover_admin(
    state_dir: StateDir,
    database_url: DatabaseUrl = None,
    master_key_file: MasterKeyFile = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="The address to write; by default the known one.")
    ] = None,
) -> None:
    """Give the user `admin` its rights back and a new access key, and write admin.env."""
    from fairlead.server.errors import StartError
    from fairlead.server.main import recover_admin as recover
    from fairlead.server.settings import read_settings

    try:
        settings = read_settings(
            state_dir=state_dir, database_url=database_url, master_key_file=master_key_file
        )
        print(f"The new key is in {recover(settings, endpoint)}; all earlier keys of admin are deleted.")
    except StartError as error:
        _fail(error)


@app.command()
def drain(
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="Wait so long for sessions to end.")
    ] = 0,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take sessions again instead.")] = False,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")
    ] = None,
) -> None:
    """Before a restart: let the server take no new sessions, and say who is left.

    Sessions go on. Speaks to the server that the AWS environment or profile leads to, from any machine, with
    the right to fairlead:DrainServer, DescribeServerDrain and CancelServerDrain. The server takes sessions
    again once it is started anew. Exit status: 0 when no session is left, 3 when some are.
    """
    import time

    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.server_drain import DrainCommand

    if cancel and wait:
        raise typer.BadParameter("there is nothing to wait for", param_hint="--cancel")
    command = DrainCommand(open_admin_api(profile), _print, clock=time.monotonic, sleep=time.sleep)
    raise typer.Exit(command.cancel() if cancel else command.drain(wait))


@app.command()
def ca(
    state_dir: StateDir,
    pin: Annotated[bool, typer.Option("--pin", help="Print sha256:HEX for --ca-pin instead.")] = False,
) -> None:
    """Print the CA certificate that agents and clients are to trust."""
    from fairlead.server.certificates import pin_of
    from fairlead.server.errors import StartError
    from fairlead.server.main import ca_certificate
    from fairlead.server.settings import read_settings

    try:
        certificate = ca_certificate(read_settings(state_dir=state_dir))
    except StartError as error:
        _fail(error)
    print(pin_of(certificate) if pin else certificate.decode(), end="\n" if pin else "")


def _print(line: str) -> None:
    """At once: whoever reads it may wait for it behind a pipe."""
    print(line, flush=True)


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"fairlead server: {error}", err=True)
    raise typer.Exit(1)
