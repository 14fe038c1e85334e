"""`fairlead audit`: the audit log of a server, kept elsewhere and checked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

app = typer.Typer(help="Export the audit log, and check that it was not changed.", no_args_is_help=True)

Profile = Annotated[str | None, typer.Option(metavar="NAME", help="AWS profile.  [default: AWS_PROFILE]")]


@app.command()
def export(
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Events of this time and later (ISO 8601).")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Events before this time (ISO 8601).")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Write here.  [default: standard output]")
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option("--proof", metavar="FILE", help="Write what `verify --export` needs here."),
    ] = None,
    profile: Profile = None,
) -> None:
    """Write events as JSON Lines, in the order of the log, as CloudTrail writes them.

    Needs the rights to fairlead:ExportAuditEvents, GetAuditCheckpoint and GetAuditConsistencyProof.
    """
    import json
    import sys

    from fairlead.client.admin_api import open_admin_api
    from fairlead.client.audit_export import ExportCommand
    from fairlead.client.errors import ClientError

    bounds = [_epoch_seconds(name, text) for name, text in (("--from", start), ("--to", end))]
    try:
        with closing(open_admin_api(profile)) as api:
            if output is None:
                made = ExportCommand(api, sys.stdout.write).export(*bounds)
                sys.stdout.flush()
            else:
                with _in_whole(output) as file:
                    made = ExportCommand(api, file.write).export(*bounds)
        if proof is not None:
            proof.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ClientError(f"{error.filename or 'standard output'}: {error.strerror}") from None


@app.command()
def verify(
    exported: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Check this export, without the server.")
    ] = None,
    proof: Annotated[
        Path | None, typer.Option("--proof", metavar="FILE", help="The proof that was written with it.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A checkpoint that was kept elsewhere, such as by an agent. Repeatable.",
        ),
    ] = None,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="ID", help="Prove that this event is in the log. Repeatable."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The log's public key, NAME+ID+KEY, as written down.")
    ] = None,
    profile: Profile = None,
) -> None:
    """Prove that the log holds what it is said to hold and has kept what it held; say what that is worth.

    Without --export the server is asked for proofs, with the rights to fairlead:GetAuditCheckpoint,
    GetAuditConsistencyProof and GetAuditInclusionProof. Exit status: 0 when all of it holds.
    """
    from fairlead.client.audit_verify import MAX_LINE_BYTES, MAX_PROOF_BYTES, VerifyCommand, parse_proof
    from fairlead.client.errors import ClientError
    from fairlead.transparency.notes import MAX_NOTE_BYTES

    if (exported is None) != (proof is None):
        raise typer.BadParameter("they belong together", param_hint="--export, --proof")
    if exported is not None and event:
        raise typer.BadParameter("an export is checked as a whole", param_hint="--event")
    try:
        outside = [
            (str(path), _beginning(path, MAX_NOTE_BYTES).decode("utf-8", "replace"))
            for path in checkpoint or ()
        ]
        command = VerifyCommand(print, key, outside)
        if exported is not None and proof is not None:
            with exported.open("rb") as lines:
                bounded = iter(lambda: lines.readline(MAX_LINE_BYTES + 1), b"")
                raise typer.Exit(command.offline(bounded, parse_proof(_beginning(proof, MAX_PROOF_BYTES))))
    except OSError as error:
        raise ClientError(f"{error.filename}: {error.strerror}") from None
    from fairlead.client.admin_api import open_admin_api

    with closing(open_admin_api(profile)) as api:
        raise typer.Exit(command.online(api, event or ()))


@contextmanager
def _in_whole(path: Path) -> Iterator[TextIO]:
    """A file to write, which takes its place when all of it is there: an export of before is worth more than
    the beginning of another one."""
    if path.exists() and not path.is_file():  # a pipe, or a device
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        partial.unlink(missing_ok=True)


def _beginning(path: Path, max_bytes: int) -> bytes:
    """The file, and of a longer one enough to be refused for its length."""
    with path.open("rb") as file:
        return file.read(max_bytes + 1)


def _epoch_seconds(option: str, text: str | None) -> float | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is no time such as 2026-11-01 or 2026-11-01T12:00:00Z (UTC unless it says otherwise)",
            param_hint=option,
        ) from None
