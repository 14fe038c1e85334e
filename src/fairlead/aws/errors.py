"""What can be wrong with a request as AWS writes requests, with an ARN, and with a signed message.

    AwsError
      SignatureError               the request does not prove who sent it
        MissingAuthentication        it carries no signature at all
        IncompleteSignature          a part of the signature is missing, malformed or there twice
        SignatureMismatch            it was signed with another key, or changed afterwards
          HeaderNotSigned              something that matters is outside the signature
        ScopeMismatch                signed for another date, region or service
        SignatureExpired             too old, or a presigned URL past its end
        SignatureNotYetCurrent       from the future
      RequestError                 the members of the request cannot be accepted
        SerializationFailed          the body cannot be read
        ValidationFailed             members break their documented constraints
      MalformedArn                 the text is no ARN
      MalformedSignedData          the bytes are no PKCS #7 message of the kind that is read

The text of every error is written for the caller of the API and follows AWS's wording where that is known;
it never contains a secret. Error codes and HTTP statuses are not known here: the HTTP edge chooses them by
class. Part of the ProxyCommand path, so this module imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` takes milliseconds to import; type checkers know this name
if TYPE_CHECKING:
    from collections.abc import Iterable


MAX_EXCERPT = 256
"""Characters of a sender's text that a message repeats at most."""


def excerpt(text: str) -> str:
    """Text of the sender, cut to a length that may stand in a message."""
    return text if len(text) <= MAX_EXCERPT else f"{text[:MAX_EXCERPT]}…"


class AwsError(Exception):
    """Base of the errors of this package."""


class SignatureError(AwsError):
    """The request does not prove who sent it."""


class MissingAuthentication(SignatureError):
    """The request carries no signature, neither in a header nor in the query."""


class IncompleteSignature(SignatureError):
    """A part of the signature is missing, malformed, or there twice."""


class SignatureMismatch(SignatureError):
    """The signature is not the one that this key gives for this request."""


class HeaderNotSigned(SignatureMismatch):
    """The signature leaves out a header on which the meaning of the request depends."""


class ScopeMismatch(SignatureError):
    """The credential scope names another date, region or service than this request is for."""


class SignatureExpired(SignatureError):
    """The request was signed too long ago, or a presigned URL is past its end."""


class SignatureNotYetCurrent(SignatureError):
    """The request was signed at a time that is still to come."""


class RequestError(AwsError):
    """The members of the request cannot be accepted."""


class SerializationFailed(RequestError):
    """The body cannot be read as the operation's input: not parsable, too deep, or of a wrong type."""


class ConstraintFailure:
    """One member that breaks one constraint.

    `path` is the member as AWS spells it (`filters.1.member.key`), `value` its text as the message repeats
    it, None where the member is absent; `masked` says that the value is secret and not to be repeated.
    """

    __slots__ = ("constraint", "masked", "path", "value")

    def __init__(self, path: str, value: str | None, constraint: str, *, masked: bool = False) -> None:
        self.path = path
        self.value = None if masked else value
        self.constraint = constraint
        self.masked = masked

    def __str__(self) -> str:
        if self.masked:
            shown = ""
        elif self.value is None:
            shown = " null"
        else:
            shown = f" '{self.value}'"
        return f"Value{shown} at '{self.path}' failed to satisfy constraint: {self.constraint}"

    def __repr__(self) -> str:
        return f"<ConstraintFailure {self}>"


class ValidationFailed(RequestError):
    """Members break their constraints; `failures` holds each of them, the text is AWS's."""

    def __init__(self, failures: Iterable[ConstraintFailure]) -> None:
        self.failures = tuple(failures)
        count = len(self.failures)
        listed = "; ".join(map(str, self.failures))
        super().__init__(f"{count} validation error{'s' * (count != 1)} detected: {listed}")


class MalformedArn(AwsError):
    """The text is not an Amazon Resource Name."""


class MalformedSignedData(AwsError):
    """Not a CMS SignedData of the one kind that is read; the text says what is wrong."""
