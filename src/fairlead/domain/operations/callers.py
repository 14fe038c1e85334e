"""Input and output of GetCallerIdentity of `sts` (Security Token Service API, version 2011-06-15)."""

from dataclasses import dataclass

from fairlead.aws.shapes import Operation, String, member

_ARN_PATTERN = r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCallerIdentityRequest:
    """Nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCallerIdentityResponse:
    """Who the caller is: unique id, account and ARN."""

    user_id: str | None = member("UserId", String())
    account: str | None = member("Account", String())
    arn: str | None = member("Arn", String(min=20, max=2048, pattern=_ARN_PATTERN))


GET_CALLER_IDENTITY = Operation(
    "sts", "GetCallerIdentity", GetCallerIdentityRequest, GetCallerIdentityResponse
)
