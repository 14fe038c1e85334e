"""`fairlead proxy TARGET PORT`: OpenSSH's ProxyCommand in one process.

Signs StartSession itself and streams; stdout carries nothing but the stream. ssh starts this for every
connection, so the arguments are read by hand and nothing is imported that is not needed.
"""

from __future__ import annotations

import sys

from fairlead.client.errors import UsageError
from fairlead.client.failures import run_guarded, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "fairlead proxy"
USAGE = (
    "usage: fairlead proxy TARGET PORT [--region R] [--profile P] [--endpoint-url URL] [--document-name D]"
    " [--reason TEXT]"
)
HELP = f"""{USAGE}

For ~/.ssh/config (`fairlead ssh-config` prints it):

    Host i-* mi-*
        ProxyCommand fairlead proxy %h %p

Region, endpoint, CA file and credentials come from the AWS environment variables or profile.
A server that is busy or restarts is tried for FAIRLEAD_CONNECT_WINDOW seconds (20; while nothing listens
there 5; 0 tries once).
FAIRLEAD_LOG=FILE writes a debug log, FAIRLEAD_DEBUG=1 shows where an error came from.
"""
OPTIONS = ("region", "profile", "endpoint-url", "document-name", "reason")


class Arguments:
    """The parsed command line; options not given are absent from `options`."""

    __slots__ = ("options", "port", "target")

    def __init__(self, target: str, port: str, options: dict[str, str]) -> None:
        self.target = target
        self.port = port
        self.options = options


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Read the arguments after `proxy`. Raises `UsageError`."""
    positional: list[str] = []
    options: dict[str, str] = {}
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--"):
            positional.append(word)
            continue
        name, equals, value = word[2:].partition("=")
        if name not in OPTIONS:
            raise UsageError(f"unknown option --{name}; {USAGE}")
        if not equals:
            if not rest:
                raise UsageError(f"--{name} needs a value; {USAGE}")
            value = rest.pop(0)
        options[name] = value
    if len(positional) != 2 or not all(positional):
        raise UsageError(USAGE)
    return Arguments(positional[0], positional[1], options)


def main(argv: Sequence[str]) -> int:
    """Run with the arguments after `proxy`; the exit status."""
    if any(word in ("-h", "--help") for word in argv):
        sys.stdout.write(HELP)
        return 0
    return run_guarded(PROGRAM, lambda: _run(parse_arguments(argv)))


def _run(arguments: Arguments) -> int:
    from fairlead.client.session_process import SessionProcess
    from fairlead.client.session_subject import SSH_DOCUMENT, SessionSubject
    from fairlead.client.signals import Interrupted

    options = arguments.options
    process = SessionProcess(
        PROGRAM,
        region=options.get("region"),
        profile=options.get("profile"),
        endpoint_url=options.get("endpoint-url"),
    )
    document_name = options.get("document-name") or SSH_DOCUMENT
    request: dict[str, object] = {
        "Target": arguments.target,
        "DocumentName": document_name,
        "Parameters": {"portNumber": [arguments.port]},
    }
    if options.get("reason"):
        request["Reason"] = options["reason"]
    try:
        grant = process.start(request)
    except Interrupted:
        say(PROGRAM, "interrupted before the session had started")
        return process.watch.exit_status
    process.log.write(f"started session {grant.session_id} to {arguments.target}")
    return process.carry(SessionSubject(PROGRAM, arguments.target, arguments.port, document_name), grant)
