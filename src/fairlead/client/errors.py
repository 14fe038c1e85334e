"""What ends a client with exit status 1. Each text is one line for a person: which hop, which remedy."""

from __future__ import annotations


class ClientError(Exception):
    """Base of this package's errors."""


class UsageError(ClientError):
    """The command line cannot be understood."""


class SettingsError(ClientError):
    """Environment or AWS profile name something that does not exist or contradicts itself."""


class CredentialsError(ClientError):
    """There are no credentials, or they could not be fetched."""


class ServiceError(ClientError):
    """The service answered a call with an error; `code` is AWS's name for it, `status` the HTTP status."""

    def __init__(self, text: str, code: str, status: int) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


class SessionEnded(ClientError):
    """The session is over before its work was done; the text says who ended it and why.

    `is_certain` is false when the service may still believe in the session: it should be told.
    """

    def __init__(self, text: str, is_certain: bool = True) -> None:
        super().__init__(text)
        self.is_certain = is_certain
