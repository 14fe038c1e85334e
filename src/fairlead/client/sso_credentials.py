"""Role credentials by single sign-on (IAM Identity Center), from the token that `aws sso login` left behind.

Nothing is refreshed here: an expired token is reported with the command that renews it. Imported only when a
profile names a single sign-on account.
"""

from __future__ import annotations

import json
import os
import time
from hashlib import sha1
from urllib.parse import urlencode

from fairlead.aws.sigv4 import Credentials
from fairlead.client.aws_files import text_option
from fairlead.client.errors import CredentialsError
from fairlead.client.resolved import Resolved, parse_expiration
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import printable
from fairlead.transport.http import exchange, request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fairlead.client.aws_files import Section
    from fairlead.client.settings import ClientSettings
    from fairlead.transport.dialer import Dialer

SSO_TIMEOUT_S = 20.0
REQUIRED = ("sso_account_id", "sso_role_name", "sso_start_url", "sso_region")


def sso_credentials(settings: ClientSettings, dialer: Dialer, name: str, profile: Section) -> Resolved:
    """GetRoleCredentials for the account and role that profile `name` names."""
    session_name = text_option(profile, "sso_session")
    options = dict(profile)
    if session_name is not None:
        session = settings.files.section("sso-session", session_name)
        if session is None:
            raise CredentialsError(
                f"the AWS profile {name!r} names sso-session {session_name!r}: there is none"
            )
        options.update(session)
    values = {key: text_option(options, key) or "" for key in REQUIRED}
    missing = [key for key, value in values.items() if not value]
    if missing:
        raise CredentialsError(f"the AWS profile {name!r} uses single sign-on but lacks {', '.join(missing)}")
    token = _cached_token(session_name or values["sso_start_url"], name)
    return _role_credentials(settings, dialer, name, values, token)


def _cached_token(key: str, name: str) -> str:
    """The access token that the AWS CLI keeps under the SHA-1 of session name or start URL."""
    file_name = sha1(key.encode(), usedforsecurity=False).hexdigest() + ".json"
    login = f"run: aws sso login --profile {name}"
    try:
        with open(os.path.expanduser(f"~/.aws/sso/cache/{file_name}"), encoding="utf-8") as file:
            cached = json.load(file)
        token, expires_at = cached["accessToken"], parse_expiration(cached["expiresAt"])
    except (OSError, ValueError, KeyError, TypeError):
        raise CredentialsError(f"no single sign-on token for the AWS profile {name!r}; {login}") from None
    if not isinstance(token, str) or expires_at is None or expires_at <= time.time():
        raise CredentialsError(f"the single sign-on token of the AWS profile {name!r} has expired; {login}")
    return token


def _role_credentials(
    settings: ClientSettings, dialer: Dialer, name: str, values: dict[str, str], token: str
) -> Resolved:
    region = values["sso_region"]
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = settings.configured_endpoint("sso") or f"https://portal.sso.{region}.{suffix}"
    query = urlencode({"role_name": values["sso_role_name"], "account_id": values["sso_account_id"]})
    endpoint = parse_endpoint(f"{url.rstrip('/')}/federation/credentials?{query}")
    headers = [("Host", endpoint.host_header), ("x-amz-sso_bearer_token", token)]
    sock = dialer.dial(endpoint)
    try:
        response = exchange(
            sock, request_bytes("GET", endpoint.target, headers), SSO_TIMEOUT_S, endpoint.authority
        )
    finally:
        sock.close()
    try:
        answer = json.loads(response.body)
        if response.head.status != 200:
            words = printable(str(answer.get("message", "")))
            raise CredentialsError(
                f"single sign-on refused the AWS profile {name!r} (HTTP {response.head.status}): {words};"
                f" run: aws sso login --profile {name}"
            )
        found = answer["roleCredentials"]
        credentials = Credentials(found["accessKeyId"], found["secretAccessKey"], found["sessionToken"])
        return Resolved(credentials, found["expiration"] / 1000, "single sign-on")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise CredentialsError(f"{endpoint.authority} gave no single sign-on credentials") from None
