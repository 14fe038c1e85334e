"""Inputs and outputs of the operations of `sts` that give out temporary credentials.

Members and constraints are those of the Security Token Service API, version 2011-06-15.
"""

from dataclasses import dataclass
from datetime import datetime

from fairlead.aws.shapes import Integer, ListOf, Operation, String, Structure, Timestamp, member

_ARN = String(
    min=20,
    max=2048,
    pattern=r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
)
_ROLE_SESSION_NAME = String(min=2, max=64, pattern=r"[\w+=,.@-]*")
_UNRESTRICTED_SESSION_POLICY_DOCUMENT = String(min=1, pattern=r"[\u0009\u000A\u000D\u0020-\u00FF]+")
_ROLE_DURATION_SECONDS = Integer(min=900, max=43200)
_TAG_KEY = String(min=1, max=128, pattern=r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+")
_TAG_VALUE = String(min=0, max=256, pattern=r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*")
_EXTERNAL_ID = String(min=2, max=1224, pattern=r"[\w+=,.@:\/-]*")
_SERIAL_NUMBER = String(min=9, max=256, pattern=r"[\w+=/:,.@-]*")
_TOKEN_CODE = String(min=6, max=6, pattern=r"[\d]*", sensitive=True)
_SOURCE_IDENTITY = String(min=2, max=64, pattern=r"[\w+=,.@-]*")
_CONTEXT_ASSERTION = String(min=4, max=2048)
_MINIMUM_SESSION_TOKEN_SIZE = Integer(min=0, max=4096)
_ACCESS_KEY_ID = String(min=16, max=128, pattern=r"[\w]*")
_ACCESS_KEY_SECRET = String(sensitive=True)
_ASSUMED_ROLE_ID = String(min=2, max=193, pattern=r"[\w+=,.@:-]*")
_NON_NEGATIVE_INTEGER = Integer(min=0)
_SESSION_TOKEN_UTILIZATION = Integer(min=0)
_SESSION_TOKEN_SIZE = Integer(min=0)
_DURATION_SECONDS = Integer(min=900, max=129600)
_CLIENT_TOKEN = String(min=4, max=20000, sensitive=True)
_URL = String(min=4, max=2048)
_SESSION_POLICY_DOCUMENT = String(min=1, max=2048, pattern=r"[\u0009\u000A\u000D\u0020-\u00FF]+")
_WEB_IDENTITY_SUBJECT = String(min=6, max=255)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDescriptor:
    """A managed policy that limits the session."""

    arn: str | None = member("arn", _ARN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTag:
    """A key and its value (`Tag` of `sts`)."""

    key: str = member("Key", _TAG_KEY, required=True)
    value: str = member("Value", _TAG_VALUE, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvidedContext:
    """An assertion of another service; not served."""

    provider_arn: str | None = member("ProviderArn", _ARN)
    context_assertion: str | None = member("ContextAssertion", _CONTEXT_ASSERTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialsDetail:
    """Temporary credentials (`Credentials` in the API). They are shown here only."""

    access_key_id: str = member("AccessKeyId", _ACCESS_KEY_ID, required=True)
    secret_access_key: str = member("SecretAccessKey", _ACCESS_KEY_SECRET, required=True)
    session_token: str = member("SessionToken", String(sensitive=True), required=True)
    expiration: datetime = member("Expiration", Timestamp(), required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedRoleUser:
    """The role session that the credentials are of."""

    assumed_role_id: str = member("AssumedRoleId", _ASSUMED_ROLE_ID, required=True)
    arn: str = member("Arn", _ARN, required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRoleRequest:
    """Which role, under which name, how long and how far limited."""

    role_arn: str = member("RoleArn", _ARN, required=True)
    role_session_name: str = member("RoleSessionName", _ROLE_SESSION_NAME, required=True)
    policy_arns: tuple[PolicyDescriptor, ...] | None = member(
        "PolicyArns", ListOf(Structure(PolicyDescriptor))
    )
    policy: str | None = member("Policy", _UNRESTRICTED_SESSION_POLICY_DOCUMENT)
    duration_seconds: int | None = member("DurationSeconds", _ROLE_DURATION_SECONDS)
    tags: tuple[SessionTag, ...] | None = member("Tags", ListOf(Structure(SessionTag), max=50))
    transitive_tag_keys: tuple[str, ...] | None = member("TransitiveTagKeys", ListOf(_TAG_KEY, max=50))
    external_id: str | None = member("ExternalId", _EXTERNAL_ID)
    serial_number: str | None = member("SerialNumber", _SERIAL_NUMBER)
    token_code: str | None = member("TokenCode", _TOKEN_CODE)
    source_identity: str | None = member("SourceIdentity", _SOURCE_IDENTITY)
    provided_contexts: tuple[ProvidedContext, ...] | None = member(
        "ProvidedContexts", ListOf(Structure(ProvidedContext), min=1, max=5)
    )
    minimum_session_token_size: int | None = member("MinimumSessionTokenSize", _MINIMUM_SESSION_TOKEN_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRoleResponse:
    """The credentials."""

    credentials: CredentialsDetail | None = member("Credentials", Structure(CredentialsDetail))
    assumed_role_user: AssumedRoleUser | None = member("AssumedRoleUser", Structure(AssumedRoleUser))
    packed_policy_size: int | None = member("PackedPolicySize", _NON_NEGATIVE_INTEGER)
    source_identity: str | None = member("SourceIdentity", _SOURCE_IDENTITY)
    session_token_utilization: int | None = member("SessionTokenUtilization", _SESSION_TOKEN_UTILIZATION)
    session_token_size: int | None = member("SessionTokenSize", _SESSION_TOKEN_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSessionTokenRequest:
    """How long, and the caller's MFA code if it is to count as given."""

    duration_seconds: int | None = member("DurationSeconds", _DURATION_SECONDS)
    serial_number: str | None = member("SerialNumber", _SERIAL_NUMBER)
    token_code: str | None = member("TokenCode", _TOKEN_CODE)
    minimum_session_token_size: int | None = member("MinimumSessionTokenSize", _MINIMUM_SESSION_TOKEN_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSessionTokenResponse:
    """The credentials."""

    credentials: CredentialsDetail | None = member("Credentials", Structure(CredentialsDetail))
    session_token_utilization: int | None = member("SessionTokenUtilization", _SESSION_TOKEN_UTILIZATION)
    session_token_size: int | None = member("SessionTokenSize", _SESSION_TOKEN_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRoleWithWebIdentityRequest:
    """Which role, and the token of an identity provider."""

    role_arn: str = member("RoleArn", _ARN, required=True)
    role_session_name: str = member("RoleSessionName", _ROLE_SESSION_NAME, required=True)
    web_identity_token: str = member("WebIdentityToken", _CLIENT_TOKEN, required=True)
    provider_id: str | None = member("ProviderId", _URL)
    policy_arns: tuple[PolicyDescriptor, ...] | None = member(
        "PolicyArns", ListOf(Structure(PolicyDescriptor))
    )
    policy: str | None = member("Policy", _SESSION_POLICY_DOCUMENT)
    duration_seconds: int | None = member("DurationSeconds", _ROLE_DURATION_SECONDS)
    minimum_session_token_size: int | None = member("MinimumSessionTokenSize", _MINIMUM_SESSION_TOKEN_SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumeRoleWithWebIdentityResponse:
    """The credentials, and what the token said."""

    credentials: CredentialsDetail | None = member("Credentials", Structure(CredentialsDetail))
    subject_from_web_identity_token: str | None = member("SubjectFromWebIdentityToken", _WEB_IDENTITY_SUBJECT)
    assumed_role_user: AssumedRoleUser | None = member("AssumedRoleUser", Structure(AssumedRoleUser))
    packed_policy_size: int | None = member("PackedPolicySize", _NON_NEGATIVE_INTEGER)
    provider: str | None = member("Provider", String())
    audience: str | None = member("Audience", String())
    source_identity: str | None = member("SourceIdentity", _SOURCE_IDENTITY)
    session_token_utilization: int | None = member("SessionTokenUtilization", _SESSION_TOKEN_UTILIZATION)
    session_token_size: int | None = member("SessionTokenSize", _SESSION_TOKEN_SIZE)


ASSUME_ROLE = Operation("sts", "AssumeRole", AssumeRoleRequest, AssumeRoleResponse)
GET_SESSION_TOKEN = Operation("sts", "GetSessionToken", GetSessionTokenRequest, GetSessionTokenResponse)
ASSUME_ROLE_WITH_WEB_IDENTITY = Operation(
    "sts", "AssumeRoleWithWebIdentity", AssumeRoleWithWebIdentityRequest, AssumeRoleWithWebIdentityResponse
)
