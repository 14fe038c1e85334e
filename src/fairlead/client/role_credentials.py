"""Temporary credentials from STS: AssumeRole and AssumeRoleWithWebIdentity, one request each.

Imported only when a profile names a role. The answer is a small XML document of which four elements count.
"""

from __future__ import annotations

import os
import time
from urllib.parse import urlencode

from fairlead.aws.sigv4 import Credentials, Request, sign_with
from fairlead.client.aws_files import text_option
from fairlead.client.errors import CredentialsError
from fairlead.client.resolved import Resolved, parse_expiration
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import printable
from fairlead.transport.http import exchange, request_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.client.aws_files import Section
    from fairlead.client.settings import ClientSettings
    from fairlead.transport.addresses import Endpoint
    from fairlead.transport.dialer import Dialer
    from fairlead.transport.http import Response

STS_VERSION = "2011-06-15"
STS_TIMEOUT_S = 20.0
MAX_TOKEN_FILE_BYTES = 64 * 1024
CONTENT_TYPE = "application/x-www-form-urlencoded; charset=utf-8"


def assumed_role_credentials(
    settings: ClientSettings, dialer: Dialer, profile: Section, source: Resolved
) -> Resolved:
    """AssumeRole with the profile's `role_arn`, `role_session_name`, `external_id`, `duration_seconds`."""
    role_arn = text_option(profile, "role_arn") or ""
    parameters = {
        "Action": "AssumeRole",
        "RoleArn": role_arn,
        "RoleSessionName": text_option(profile, "role_session_name") or _session_name(),
    }
    if external_id := text_option(profile, "external_id"):
        parameters["ExternalId"] = external_id
    duration = text_option(profile, "duration_seconds")
    if duration and duration.isdigit():
        parameters["DurationSeconds"] = duration
    return _call_sts(
        settings.endpoint_url("sts"),
        dialer,
        parameters,
        f"the role {role_arn}",
        (source.credentials, settings.region),
    )


def web_identity_credentials(
    settings: ClientSettings, dialer: Dialer, profile: Section, environ: Mapping[str, str]
) -> Resolved:
    """AssumeRoleWithWebIdentity with the token in a file; the environment goes before the profile."""
    path = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") or text_option(profile, "web_identity_token_file") or ""
    role_arn = environ.get("AWS_ROLE_ARN") or text_option(profile, "role_arn")
    if not role_arn:
        raise CredentialsError("a web identity token file is configured, but no role: set AWS_ROLE_ARN")
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            token = file.read(MAX_TOKEN_FILE_BYTES)
    except (OSError, UnicodeDecodeError) as exc:
        raise CredentialsError(f"cannot read the web identity token file {path}: {exc}") from None
    name = (
        environ.get("AWS_ROLE_SESSION_NAME") or text_option(profile, "role_session_name") or _session_name()
    )
    parameters = {
        "RoleArn": role_arn,
        "RoleSessionName": name,
        "WebIdentityToken": token.strip(),
    }
    return exchange_web_identity(settings.endpoint_url("sts"), dialer, parameters)


def exchange_web_identity(endpoint_url: str, dialer: Dialer, parameters: dict[str, str]) -> Resolved:
    """AssumeRoleWithWebIdentity at an endpoint; the call is unsigned, its token is the proof.

    Raises `CredentialsError` or a `TransportError`.
    """
    parameters = {"Action": "AssumeRoleWithWebIdentity", **parameters}
    return _call_sts(endpoint_url, dialer, parameters, f"the role {parameters['RoleArn']}")


def _session_name() -> str:
    return f"fairlead-{time.time():.0f}"


def _call_sts(
    endpoint_url: str,
    dialer: Dialer,
    parameters: dict[str, str],
    source: str,
    signing: tuple[Credentials, str] | None = None,
) -> Resolved:
    """One call for credentials, signed if `signing` has some and the region."""
    endpoint = parse_endpoint(endpoint_url)
    response = sts_response(endpoint, dialer, parameters, signing, time.time())
    text = response.body.decode(errors="replace")
    if response.head.status != 200:
        code, words = element_text(text, "Code"), element_text(text, "Message")
        raise CredentialsError(
            f"{endpoint.authority} refused {source} ({printable(code or str(response.head.status), 60)}):"
            f" {printable(words)}"
        )
    key_id, secret = element_text(text, "AccessKeyId"), element_text(text, "SecretAccessKey")
    token = element_text(text, "SessionToken")
    if not (key_id and secret and token):
        raise CredentialsError(f"{endpoint.authority} gave no credentials for {source}")
    return Resolved(
        Credentials(key_id, secret, token), parse_expiration(element_text(text, "Expiration")), source
    )


def sts_response(
    endpoint: Endpoint,
    dialer: Dialer,
    parameters: dict[str, str],
    signing: tuple[Credentials, str] | None,
    now: float,
) -> Response:
    """The answer of STS to one call, whatever it is. Raises a `TransportError`."""
    body = urlencode({"Version": STS_VERSION, **parameters}).encode()
    headers = [("Host", endpoint.host_header), ("Content-Type", CONTENT_TYPE)]
    path, _, query = endpoint.target.partition("?")
    request = Request("POST", path, query, headers, body)
    if signing is not None:
        credentials, region = signing
        headers += sign_with(credentials, request, region=region, service="sts", now=now)
    sock = dialer.dial(endpoint)
    try:
        return exchange(
            sock, request_bytes("POST", endpoint.target, headers, body), STS_TIMEOUT_S, endpoint.authority
        )
    finally:
        sock.close()


def element_text(document: str, name: str) -> str:
    """The text of the first element `name` of a flat XML answer, entities resolved; empty without one."""
    _, opened, rest = document.partition(f"<{name}>")
    inner, closed, _ = rest.partition(f"</{name}>")
    if not (opened and closed):
        return ""
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        inner = inner.replace(entity, char)
    return inner.strip()
