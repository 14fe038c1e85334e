"""`fairlead agent`: register this machine as a node, run and restart its agent, show what is registered."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Make this machine a node: register it once, then run the agent.", no_args_is_help=True
)

MAX_CODE_LINE = 1024
"""Characters of the code file's first line that are read."""

StateDir = Annotated[
    Path, typer.Option("--state-dir", help="Directory of the registration, for this user only.")
]


@app.command()
def register(
    endpoint: Annotated[str, typer.Option(help="URL of the server, https://HOST[:PORT].")],
    state_dir: StateDir,
    activation_id: Annotated[str | None, typer.Option(help="Id from create-activation.")] = None,
    activation_code: Annotated[
        str | None,
        typer.Option(help="Code from create-activation, or - to read it from standard input."),
    ] = None,
    activation_code_file: Annotated[
        Path | None, typer.Option(help="File with the code, or - for standard input.")
    ] = None,
    instance_identity: Annotated[
        bool,
        typer.Option(
            "--instance-identity",
            help="Register by what the cloud's metadata service says of this machine. An activation is "
            "needed, too, once it has been up for a while.",
        ),
    ] = False,
    metadata_endpoint: Annotated[
        str | None, typer.Option(help="The metadata service. Default: http://169.254.169.254.")
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help="Region of the server. Default: AWS_REGION, else us-east-1; with --instance-identity the "
            "server says it."
        ),
    ] = None,
    ca: Annotated[
        Path | None, typer.Option(help="PEM file with the CA that the server is trusted by.")
    ] = None,
    ca_pin: Annotated[
        str | None, typer.Option(help="sha256:HEX of the server's CA certificate, which is then fetched.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Register anew where a registration exists.")] = False,
) -> None:
    """Register this machine, with an activation or by its cloud's word.

    Nothing secret is sent to a server that is not verified.
    """
    import asyncio

    from fairlead.agent.errors import SettingsError
    from fairlead.agent.identity import StateDirectory
    from fairlead.agent.instance_metadata import DEFAULT_ENDPOINT
    from fairlead.agent.instance_registration import InstanceRegistrationRequest, register_instance
    from fairlead.agent.registration import RegistrationRequest, ServerChoice
    from fairlead.agent.registration import register as register_node

    with _failures():
        state = StateDirectory(state_dir)
        choice = ServerChoice(endpoint=endpoint, ca_file=ca, ca_pin=ca_pin, force=force)
        if instance_identity:
            if region is not None:
                raise SettingsError("with --instance-identity the server says the region: leave --region out")
            activation = None
            if activation_id is not None:
                activation = (activation_id, _read_code(activation_code, activation_code_file))
            elif activation_code is not None or activation_code_file is not None:
                raise SettingsError("--activation-id is missing; its code was given")
            by_identity = InstanceRegistrationRequest(
                **asdict(choice),
                metadata_endpoint=metadata_endpoint or DEFAULT_ENDPOINT,
                activation=activation,
            )
            registration = asyncio.run(register_instance(by_identity, state, os.environ))
        else:
            if activation_id is None:
                raise SettingsError("give --activation-id and the activation's code, or --instance-identity")
            if metadata_endpoint is not None:
                raise SettingsError("--metadata-endpoint is for --instance-identity")
            request = RegistrationRequest(
                **asdict(choice),
                activation_id=activation_id,
                activation_code=_read_code(activation_code, activation_code_file),
                region=region or os.environ.get("AWS_REGION") or "us-east-1",
            )
            registration = asyncio.run(register_node(request, state, os.environ))
    print(
        f"registered as {registration.instance_id}; start it with: fairlead agent run --state-dir {state_dir}"
    )


@app.command()
def run(
    state_dir: StateDir,
    allow_ports: Annotated[
        list[str] | None,
        typer.Option(help="Port or range that sessions may lead to; repeatable. Default: all."),
    ] = None,
    allow_hosts: Annotated[
        list[str] | None, typer.Option(help="Host that sessions may lead to; repeatable. Default: loopback.")
    ] = None,
    allow_session_types: Annotated[
        list[str] | None, typer.Option(help="Session type that is served; repeatable. Default: Port.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Configuration file. Default: agent.toml in the state directory.")
    ] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run the agent until SIGTERM. It opens outbound connections only and needs no privilege."""
    from fairlead.agent.program import Program
    from fairlead.agent.settings import load_settings

    with _failures():
        options: dict[str, object] = {
            "allow_ports": _split(allow_ports),
            "allow_hosts": _split(allow_hosts),
            "allow_session_types": _split(allow_session_types),
            "log_level": log_level,
        }
        load_settings(state_dir, config, options)
    command = Program(state_dir=state_dir, config=config, options=options).command
    # A request to restart waits until there is somebody to take it, and does not end what is just starting.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606  # our own interpreter, which drops what only this part needed


@app.command()
def restart(state_dir: StateDir) -> None:
    """Restart the running agent, after an upgrade say. Its sessions go on, also the one this is typed in."""
    from fairlead.agent.identity import StateDirectory
    from fairlead.agent.restart_request import request_restart

    with _failures():
        print(request_restart(StateDirectory(state_dir)))


@app.command("prepare-image")
def prepare_image(state_dir: StateDir) -> None:
    """Take the registration off this machine before its disk is copied: each copy is to register by itself.

    Stop the agent first. Settings and trust anchors stay.
    """
    from fairlead.agent.identity import StateDirectory
    from fairlead.agent.image import clear_for_image

    with _failures():
        print(clear_for_image(StateDirectory(state_dir)))


@app.command()
def status(state_dir: StateDir) -> None:
    """Show the registration, its trust anchors, and whether an agent runs with it."""
    from fairlead.agent.identity import StateDirectory, normalised_certificates
    from fairlead.agent.registration import certificate_digest

    with _failures():
        state = StateDirectory(state_dir)
        registration = state.load()
        print(f"node       {registration.instance_id}")
        print(f"server     {registration.endpoint}")
        print(f"region     {registration.region}")
        print(f"running    {'yes' if state.is_in_use() else 'no'}")
        anchors = state.anchors_path
        if anchors is None:
            print("anchors    those of the environment or the system")
        else:
            for certificate in normalised_certificates(anchors.read_bytes()):
                print(f"anchor     sha256:{certificate_digest(certificate).hex()}")


def _read_code(code: str | None, file: Path | None) -> str:
    """The activation code from the one place that was given."""
    from fairlead.agent.errors import SettingsError

    if (code is None) == (file is None):
        raise SettingsError("give the activation code with --activation-code or with --activation-code-file")
    if code == "-" or str(file) == "-":
        return sys.stdin.readline().strip()
    if code is not None:
        return code
    assert file is not None
    try:
        with file.open(encoding="ascii", errors="replace") as content:
            return content.readline(MAX_CODE_LINE).strip()
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror}") from error


def _split(entries: list[str] | None) -> list[str] | None:
    """Options may be repeated or hold a comma-separated list."""
    return None if entries is None else [part for entry in entries for part in entry.split(",")]


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn every expected failure into one line on standard error and exit status 1."""
    from fairlead.agent.errors import AgentError
    from fairlead.transport.errors import TransportError

    try:
        yield
    except (AgentError, TransportError) as error:
        print(f"fairlead agent: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
