"""What can go wrong in the domain, in the domain's words.

Codes and HTTP statuses are not known here: `api/errors.py` translates. A message is meant for the person who
made the call and says what to do where that is not plain; it never carries a secret.
"""

from fairlead.policy.decision import Decision


class DomainError(Exception):
    """Base of every error of the domain and its use cases."""


class AccessDenied(DomainError):
    """The caller may not do this; the text names the action, the resource and the kind of policy.

    `decision` is what the policies said, None where another rule refused.
    """

    def __init__(self, text: str, decision: Decision | None = None) -> None:
        super().__init__(text)
        self.decision = decision


class AuthenticationFailed(DomainError):
    """Base: who the caller is could not be established."""


class UnknownAccessKey(AuthenticationFailed):
    """No such access key, an inactive one, or a session token that belongs to another key."""

    def __init__(self) -> None:
        super().__init__("The security token included in the request is invalid.")


class CredentialsExpired(AuthenticationFailed):
    """The temporary credentials were good once."""

    def __init__(self) -> None:
        super().__init__("The security token included in the request is expired")


class HostRefused(DomainError):
    """The Host header is missing, doubled, or names another server."""


class Throttled(DomainError):
    """A token bucket is empty; the caller may try again later."""

    def __init__(self) -> None:
        super().__init__("Rate exceeded")


class InvalidRequest(DomainError):
    """A value is well-formed but cannot be right here (AWS: ValidationException)."""


class ServerDraining(DomainError):
    """The server is about to be restarted and takes no new session."""

    def __init__(self) -> None:
        super().__init__(
            "This server is about to be restarted and takes no new sessions. Try again in a few minutes."
        )


class TargetNotConnected(DomainError):
    """Unknown target, target of another account or region, or a node whose agent is not connected."""

    def __init__(self, target: str) -> None:
        super().__init__(f"{target} is not connected.")


class TierRequired(DomainError):
    """Sessions to hybrid nodes need the advanced-instances tier."""

    def __init__(self) -> None:
        super().__init__(
            "Enable advanced-instances tier to use Session Manager with your on-premises instances"
        )


class ServiceSettingNotFound(DomainError):
    """No such service setting in this account and region."""


class TargetUnsupported(DomainError):
    """The node's agent cannot do what this kind of session needs."""


class DocumentNotFound(DomainError):
    """No such document, or not one of type Session."""


class InvalidDocumentVersion(DomainError):
    """The document exists, but not in this version."""


class InvalidDocumentContent(DomainError):
    """The text of a document cannot be read, or breaks a rule of the schema."""


class InvalidDocumentSchemaVersion(DomainError):
    """The document is written to a schema that Session documents do not have."""


class InvalidDocumentOperation(DomainError):
    """Nobody can do this to this document or version."""


class MaxDocumentSizeExceeded(DomainError):
    """The text of a document is too long."""


class DocumentAlreadyExists(DomainError):
    """The name is taken."""


class DocumentLimitExceeded(DomainError):
    """The account has as many documents as it can have."""


class DocumentVersionLimitExceeded(DomainError):
    """The document has as many versions as it can have."""


class DuplicateDocumentContent(DomainError):
    """The newest version has this text already."""


class DuplicateDocumentVersionName(DomainError):
    """Another version has this name."""


class InvalidParameters(DomainError):
    """Parameters of a session document: undeclared, missing, or not matching their pattern."""


class SessionNotFound(DomainError):
    """No session of this id that the caller's account owns."""


class SessionEnded(DomainError):
    """The session is over; it can be neither joined nor resumed.

    `explanation` is for the user of a client: how it ended; None where that is not known.
    """

    def __init__(self, explanation: str | None = None) -> None:
        super().__init__("Session is already terminated")
        self.explanation = explanation


class InvalidChannelToken(DomainError):
    """A channel token that was never given out, was used, has expired, or is another side's."""


class UnknownResumeSecret(DomainError):
    """A resume secret that nobody promised, or whose time is over; ResumeSession may still work."""

    def __init__(self) -> None:
        super().__init__("The resume secret is not known.")


class InvalidFilterKey(DomainError):
    """A filter key that this listing does not know, or a mixture it does not take."""


class InvalidFilterValue(DomainError):
    """A filter value that cannot be read."""


class InvalidNextToken(DomainError):
    """A paging token that this listing did not give out."""

    def __init__(self) -> None:
        super().__init__("The specified token is not valid.")


class InvalidActivation(DomainError):
    """The activation does not exist, its code is wrong, or it is used up."""


class InvalidActivationId(DomainError):
    """The activation id does not exist."""


class ActivationExpired(DomainError):
    """The activation was good once."""


class RegistrationLimitReached(DomainError):
    """As many nodes registered with this activation as it allows."""


class InstanceIdentityRefused(DomainError):
    """An instance identity document does not prove what it says, or what it says is not enough to join."""


class InstanceAlreadyRegistered(DomainError):
    """The instance id belongs to another key, and nobody has given leave to take it over."""


class InvalidInstanceId(DomainError):
    """No such managed node in this account and region."""


class InvalidResourceType(DomainError):
    """Resources of this type have no tags here."""


class InvalidResourceId(DomainError):
    """No such resource to be tagged in this account and region."""


class TooManyTags(DomainError):
    """The resource would have more tags than it can have."""


class MachineFingerprintMismatch(DomainError):
    """The node's key is right and its machine fingerprint is not: a copied identity."""


class NoSuchEntity(DomainError):
    """IAM: no such user, role, key or policy."""


class InvalidInput(DomainError):
    """IAM: a value that cannot be right here, or something asked for that is not served."""


class IdentityCallRefused(DomainError):
    """One of several calls that are to be made together cannot be made, or the list of them is unreadable."""


class PolicyNotEvaluated(DomainError):
    """IAM: a stored policy that should take part in a simulation cannot be read."""


class EntityAlreadyExists(DomainError):
    """IAM: the name is taken, whatever its case."""


class DeleteConflict(DomainError):
    """IAM: other things still hang on what is to be deleted."""


class InvalidAuthenticationCode(DomainError):
    """IAM: the codes of an MFA device are wrong, used, or of another time."""

    def __init__(self) -> None:
        super().__init__("Authentication code for device is not valid.")


class PackedPolicyTooLarge(DomainError):
    """STS: session policies and session tags do not fit into a session token."""


class LimitExceeded(DomainError):
    """A quota of the account is used up."""


class PolicyRefused(DomainError):
    """IAM: a policy document that is not stored; the text says why."""


class WebIdentityRefused(DomainError):
    """Base: a token of an identity provider does not prove who its holder is."""


class InvalidIdentityToken(WebIdentityRefused):
    """STS: the token is malformed, wrongly signed, or its issuer or audience is not accepted."""


class IdentityTokenExpired(WebIdentityRefused):
    """STS: the token was good once."""

    def __init__(self) -> None:
        super().__init__("Token expired: sign in again.")


class IdentityProviderUnreachable(WebIdentityRefused):
    """STS: the keys of the token's issuer could not be fetched."""


class StorageFull(DomainError):
    """The disk has no room for a new session and the record of it."""

    def __init__(self) -> None:
        super().__init__(
            "The server's disk is full: no session is started that could not be recorded. Ask its operator "
            "to free space. Sessions that run go on, and can be ended."
        )


class InvalidLookupAttribute(DomainError):
    """CloudTrail: more than one attribute, or a value that its attribute cannot have."""


class InvalidTimeRange(DomainError):
    """CloudTrail: the end is before the start."""

    def __init__(self) -> None:
        super().__init__("The start time must not be after the end time.")


class InvalidMaxResults(DomainError):
    """CloudTrail: a page of no or too many events."""
