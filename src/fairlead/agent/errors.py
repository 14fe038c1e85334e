"""What can go wrong in the agent, by what the operator has to do about it.

Every message is one line of plain words that names what was wrong and the remedy; text from the network is
made printable (`transport.errors`) before it goes into one. Failures of a connection are `TransportError`s.
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of everything the agent raises on purpose."""


class SettingsError(AgentError):
    """A configuration file or option that cannot be used."""


class IdentityError(AgentError):
    """The state directory is missing, damaged, readable by others, in use, or already registered."""


class InUseError(IdentityError):
    """Another process works with the state directory."""


class RestartError(AgentError):
    """The agent could not be restarted. Unless the text says otherwise it runs on as before."""


class MetadataError(AgentError):
    """The cloud's metadata service does not say who this machine is."""


class PinMismatchError(AgentError):
    """The server does not have the certificate authority that the operator named. It was sent nothing
    secret."""


class ServiceError(AgentError):
    """The server answered with an error.

    `code` is the AWS error code ("" when the answer carried none), `status` the HTTP status, `text` the
    message and `clock_offset_s` the server's clock minus ours where the answer had a date.
    """

    def __init__(
        self, operation: str, status: int, code: str, text: str, clock_offset_s: float | None = None
    ) -> None:
        super().__init__(
            f"{operation} was refused with HTTP status {status}: {code or 'no error code'}: {text}"
        )
        self.operation = operation
        self.status = status
        self.code = code
        self.text = text
        self.clock_offset_s = clock_offset_s


class MalformedAnswerError(AgentError):
    """The server's answer has the right status but not the members that it must have."""


class SessionRefusedError(AgentError):
    """This node will not serve the session: beyond the ceiling, beyond a limit, or not understood."""


class TargetUnreachableError(AgentError):
    """The program that the session is to lead to cannot be connected to."""
