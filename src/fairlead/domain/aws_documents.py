"""Session documents that AWS owns and that nobody can change: constants.

Their ARN has no account. Names, types and parameters are those of the published documents.
"""

from collections.abc import Mapping

from fairlead.domain.document_parameters import Parameter
from fairlead.domain.documents import SessionDocument, SessionType

OWNER = "Amazon"

PORT_PATTERN = (
    r"^([1-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
)
PORT_OR_ZERO_PATTERN = (
    r"^([0-9]|[1-9][0-9]{1,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$"
)
HOST_PATTERN = r"""^[^,$^&()!;'"<>`{}\[\]|#=]{3,}$"""


def _port(description: str, default: str, pattern: str = PORT_PATTERN) -> Parameter:
    return Parameter(description=description, default=default, allowed_pattern=pattern)


_REMOTE_PORT = _port("(Optional) Port number on the node", "80")
_LOCAL_PORT = _port(
    "(Optional) Port number on the local machine; 0 picks a free one", "0", PORT_OR_ZERO_PATTERN
)
_FORWARDING = {
    "portNumber": "{{ portNumber }}",
    "type": "LocalPortForwarding",
    "localPortNumber": "{{ localPortNumber }}",
}
_COMMAND = Parameter(description="The command to run on the node")
_COMMANDS = {
    platform: {"commands": "{{ command }}", "runAsElevated": False}
    for platform in ("linux", "macos", "windows")
}

AWS_OWNED_DOCUMENTS: Mapping[str, SessionDocument] = {
    document.name: document
    for document in (
        SessionDocument(
            name="AWS-StartSSHSession",
            description="Lead an SSH connection to a port of the node over Session Manager",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={"portNumber": _port("(Optional) Port number of the SSH server on the node", "22")},
            properties={"portNumber": "{{ portNumber }}"},
        ),
        SessionDocument(
            name="AWS-StartPortForwardingSession",
            description="Forward a local port to a port of the node over Session Manager",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={"portNumber": _REMOTE_PORT, "localPortNumber": _LOCAL_PORT},
            properties=_FORWARDING,
        ),
        SessionDocument(
            name="AWS-StartPortForwardingSessionToRemoteHost",
            description="Forward a local port to a port of a host that the node reaches",
            session_type=SessionType.PORT,
            is_aws_owned=True,
            parameters={
                "portNumber": _REMOTE_PORT,
                "localPortNumber": _LOCAL_PORT,
                "host": Parameter(
                    description="(Optional) Host name or address that the node connects to",
                    default="localhost",
                    allowed_pattern=HOST_PATTERN,
                ),
            },
            properties={**_FORWARDING, "host": "{{ host }}"},
        ),
        SessionDocument(
            name="AWS-StartInteractiveCommand",
            description="Run one interactive command on the node",
            session_type=SessionType.INTERACTIVE_COMMANDS,
            is_aws_owned=True,
            parameters={"command": _COMMAND},
            properties=_COMMANDS,
        ),
        SessionDocument(
            name="AWS-StartNonInteractiveCommand",
            description="Run one command on the node without a terminal",
            session_type=SessionType.NON_INTERACTIVE_COMMANDS,
            is_aws_owned=True,
            parameters={"command": _COMMAND},
            properties=_COMMANDS,
        ),
    )
}
