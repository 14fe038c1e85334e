"""`fairlead doctor`: which hop is broken, and what to do about it."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from fairlead.client.doctor import Question
    from fairlead.transport.diagnosis import Check

    class Doctor(Protocol):
        """The checks of one side."""

        def checks(self) -> list[Check]: ...
        def close(self) -> None: ...


def doctor(
    target: Annotated[str | None, typer.Argument(help="A node to go all the way to, such as mi-….")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of sshd on the node.")] = 22,
    user: Annotated[str | None, typer.Option(metavar="NAME", help="Try a login, as this user.")] = None,
    identity_file: Annotated[
        str | None, typer.Option(metavar="F", help="Try a login, with this key.")
    ] = None,
    profile: Annotated[str | None, typer.Option(metavar="NAME", help="[default: AWS_PROFILE]")] = None,
    region: Annotated[str | None, typer.Option(metavar="R", help="[default: AWS_REGION]")] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="[default: AWS_ENDPOINT_URL]")
    ] = None,
    node: Annotated[bool, typer.Option("--node", help="On a node: look at its agent.")] = False,
    server: Annotated[bool, typer.Option("--server", help="On the server: look at that.")] = False,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Of the agent or the server.")] = None,
    public_url: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="As the server was started. [default: that of admin.env]"),
    ] = None,
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="As the server was started.")
    ] = None,
    master_key_file: Annotated[
        Path | None, typer.Option(metavar="F", help="As the server was started.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="F", help="As the server was started.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Say in the first line which hop is broken and what to do about it; then what every check found.

    On your own machine: from the settings to the server; with TARGET on to sshd on that node, by a session
    that is ended again; with --user or --identity-file to a login. With --node or --server, and --state-dir:
    on those machines, by the user that the agent or the server runs as.

    Exit status: 0 when nothing is broken, else 1.
    """
    if node and server:
        raise typer.BadParameter("a node or the server, one at a time", param_hint="--node")
    if (node or server) != (state_dir is not None):
        raise typer.BadParameter("goes with --node or --server, and these with it", param_hint="--state-dir")
    if (node or server) and target is not None:
        raise typer.BadParameter("is for the client's side", param_hint="TARGET")
    if node and state_dir is not None:
        from fairlead.agent.doctor import FAILURES, NodeDoctor

        _report(NodeDoctor(state_dir, os.environ, port), FAILURES, as_json)
    elif server and state_dir is not None:
        _report(*_server_doctor(state_dir, public_url, database_url, master_key_file, tls_cert), as_json)
    else:
        from fairlead.client.doctor import FAILURES as CLIENT_FAILURES
        from fairlead.client.doctor import ClientDoctor, Question

        question = Question(target, port, user, identity_file, profile, region, endpoint_url)
        _report(ClientDoctor(question, os.environ, _proxy_command(question)), CLIENT_FAILURES, as_json)


def _server_doctor(
    state_dir: Path,
    public_urls: Sequence[str] | None,
    database_url: str | None,
    master_key_file: Path | None,
    tls_cert: Path | None,
) -> tuple[Doctor, Sequence[type[Exception]]]:
    from fairlead.client.errors import ClientError
    from fairlead.server.doctor import FAILURES, ServerDoctor
    from fairlead.server.errors import StartError
    from fairlead.server.settings import read_settings

    urls = public_urls or ()
    try:
        settings = read_settings(
            state_dir=state_dir,
            public_urls=urls,
            insecure_http=any(url.startswith("http:") for url in urls),
            database_url=database_url,
            master_key_file=master_key_file,
            tls_cert=tls_cert,
        )
    except StartError as error:
        raise ClientError(str(error)) from error
    return ServerDoctor(settings), FAILURES


def _proxy_command(question: Question) -> str:
    """Ours, of this very installation, with what was said on our command line."""
    from fairlead.cli.ssh import quoted

    given = {
        "--profile": question.profile,
        "--region": question.region,
        "--endpoint-url": question.endpoint_url,
    }
    options = [f"{name} {quoted(value)}" for name, value in given.items() if value is not None]
    return " ".join([quoted(sys.executable), "-m fairlead proxy %h %p", *options])


def _report(doctor: Doctor, failures: Sequence[type[Exception]], as_json: bool) -> None:
    from fairlead.transport.diagnosis import diagnose

    with closing(doctor):
        diagnosis = diagnose(doctor.checks(), failures)
    for line in [json.dumps(diagnosis.members(), indent=2)] if as_json else diagnosis.lines():
        print(line)
    if diagnosis.broken is not None:
        raise typer.Exit(1)
