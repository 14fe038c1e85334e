"""`session-manager-plugin`: our drop-in for AWS's program of that name, with the same argv and environment.

The AWS CLI calls StartSession and then runs

    session-manager-plugin RESPONSE REGION StartSession PROFILE REQUEST ENDPOINT

where RESPONSE is JSON or, for plugin versions above 1.2.497.0, the name of an environment variable that
holds it. Other than AWS's program it prints nothing but the stream to stdout, and exits 1 when it fails.
"""

from __future__ import annotations

import gc
import os
import sys

from fairlead.client.errors import UsageError
from fairlead.client.failures import run_guarded
from fairlead.protocol.settings import CLIENT_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from fairlead.client.api_calls import SessionGrant

PROGRAM = "session-manager-plugin"
RESPONSE_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
OPERATION = "StartSession"
INSTALLED = "\nThe Session Manager plugin was installed successfully. Use the AWS CLI to start a session.\n\n"
MAX_DOCUMENT_CHARACTERS = 256 * 1024
"""Longest response or request JSON that is read."""


class PluginCall:
    """The full argument form, parsed."""

    __slots__ = ("document_name", "endpoint_url", "grant", "port", "profile", "region", "target")

    def __init__(
        self,
        grant: SessionGrant,
        region: str,
        profile: str,
        request: dict[str, object],
        endpoint_url: str,
    ) -> None:
        self.grant = grant
        self.region = region
        self.profile = profile
        self.endpoint_url = endpoint_url
        self.target = _text(request.get("Target"))
        self.document_name = _text(request.get("DocumentName"))
        parameters = request.get("Parameters")
        ports = parameters.get("portNumber") if isinstance(parameters, dict) else None
        self.port = _text(ports[0]) if isinstance(ports, list) and ports else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def parse_call(argv: Sequence[str], environ: MutableMapping[str, str]) -> PluginCall:
    """Parse `argv` (with the program's name in front) of 4 to 7 words; older CLIs pass fewer than 7.

    The response is taken out of the environment, so that no child inherits the token. Raises `UsageError`.
    """
    from fairlead.client.api_calls import SessionGrant

    if not 4 <= len(argv) <= 7:
        word = argv[1][:40] if len(argv) <= 3 else f"with {len(argv) - 1} arguments"
        raise UsageError(f"unknown operation {word}; use {PROGRAM} --version, or let the AWS CLI start it")
    response_text, region, operation, profile, request_text, endpoint_url = (*argv[1:], "", "", "")[:6]
    if response_text.startswith(RESPONSE_VARIABLE):
        variable = response_text
        response_text = environ.pop(variable, "")
        if not response_text:
            raise UsageError(
                f"the environment variable {variable[:100]} with the session's response is not set"
            )
    if operation != OPERATION:
        raise UsageError(f"invalid operation {operation[:40]!r}: only {OPERATION} is known")
    response = _json_object(response_text, "the session's response")
    session_id, token, url = (_text(response.get(name)) for name in ("SessionId", "TokenValue", "StreamUrl"))
    if not (session_id and token and url):
        raise UsageError("the session's response lacks SessionId, TokenValue or StreamUrl")
    request = _json_object(request_text, "the request") if request_text else {}
    if request_text and not _text(request.get("Target")):
        raise UsageError("the request names no Target")
    return PluginCall(SessionGrant(session_id, token, url), region, profile, request, endpoint_url)


def _json_object(text: str, what: str) -> dict[str, object]:
    import json

    try:
        parsed = json.loads(text) if len(text) <= MAX_DOCUMENT_CHARACTERS else None
    except (ValueError, RecursionError):  # the latter: an endless row of brackets
        parsed = None
    if not isinstance(parsed, dict):
        raise UsageError(f"{what} is not a JSON object")
    return parsed


def main(argv: Sequence[str] | None = None) -> int:
    """Run with `argv`, by default the process's own, program name in front; the exit status."""
    words = list(sys.argv if argv is None else argv)
    if len(words) <= 1:
        sys.stdout.write(INSTALLED)
        return 0
    if words[1:] == ["--version"]:
        sys.stdout.write(f"{CLIENT_VERSION}\n")
        return 0
    gc.disable()  # while modules are loaded, of which nothing is garbage
    try:
        return run_guarded(PROGRAM, lambda: _run(parse_call(words, os.environ)))
    finally:
        gc.enable()


def _run(call: PluginCall) -> int:
    from fairlead.client.session_process import SessionProcess
    from fairlead.client.session_subject import SessionSubject

    # The CLI passes on a profile that only AWS_PROFILE named; keys in the environment go before that one.
    is_from_environment = call.profile == os.environ.get("AWS_PROFILE")
    process = SessionProcess(
        PROGRAM,
        region=call.region or None,
        profile=None if is_from_environment else call.profile or None,
        endpoint_url=call.endpoint_url or None,
    )
    subject = SessionSubject(PROGRAM, call.target or "the node", call.port, call.document_name)
    return process.carry(subject, call.grant)
