"""Signing in with an organisation's own provider, for short credentials of a role.

`sign_in` is what `fairlead login` does, `current_credentials` what `fairlead credentials` prints for
`credential_process`. Between the two lies the profile's `LoginFile`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.client.errors import CredentialsError
from fairlead.client.login_file import Login, LoginFile
from fairlead.client.oidc_grants import refresh
from fairlead.client.oidc_provider import LoginError, Provider, Tokens
from fairlead.client.resolved import parse_expiration
from fairlead.client.role_credentials import exchange_web_identity
from fairlead.transport.errors import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.client.resolved import Resolved
    from fairlead.transport.dialer import Dialer

RENEW_BEFORE_S = 300.0
"""Credentials that expire sooner are renewed, where there is a refresh token."""
USABLE_S = 60.0
"""Credentials that expire sooner are not given out."""


def take_on_role(settings: dict[str, str], tokens: Tokens, dialer: Dialer) -> Login:
    """Exchange an ID token for credentials of the role. Raises `CredentialsError` or a `TransportError`."""
    parameters = {
        "RoleArn": settings["role_arn"],
        "RoleSessionName": settings["session_name"],
        "WebIdentityToken": tokens.id_token,
    }
    if settings.get("duration_s"):
        parameters["DurationSeconds"] = settings["duration_s"]
    found = exchange_web_identity(settings["endpoint_url"], dialer, parameters)
    return Login(settings, process_answer(found), tokens.refresh_token)


def process_answer(found: Resolved) -> dict[str, object]:
    """Credentials as a `credential_process` prints them. Raises `LoginError` if they never expire."""
    if found.expires_at is None:
        raise LoginError(f"{found.source} did not say when the credentials expire")
    return {
        "Version": 1,
        "AccessKeyId": found.credentials.access_key_id,
        "SecretAccessKey": found.credentials.secret_access_key,
        "SessionToken": found.credentials.session_token,
        "Expiration": datetime.fromtimestamp(found.expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def current_credentials(
    profile: str, file: LoginFile, open_dialer: Callable[[], Dialer], now: Callable[[], float]
) -> dict[str, object]:
    """The profile's credentials, renewed if they are about to expire and can be.

    Raises `LoginError` with the command to run when only a person can renew them.
    """
    login = file.read()
    if login is not None and _seconds_left(login, now()) > RENEW_BEFORE_S:
        return login.credentials
    with file.locked():
        login = file.read()  # another process may have renewed them meanwhile
        if login is None:
            raise LoginError(f"not signed in: run: fairlead login --profile {profile}")
        if login.refresh_token is not None and _seconds_left(login, now()) <= RENEW_BEFORE_S:
            try:
                login = _renewed(login, file, open_dialer())
            except (CredentialsError, TransportError) as error:
                if _seconds_left(login, now()) <= USABLE_S:
                    text = (
                        f"the sign-in could not be renewed ({error}); run: fairlead login --profile {profile}"
                    )
                    raise LoginError(text) from None
    if _seconds_left(login, now()) <= USABLE_S:
        raise LoginError(f"the sign-in has expired; run: fairlead login --profile {profile}")
    return login.credentials


def _renewed(login: Login, file: LoginFile, dialer: Dialer) -> Login:
    provider = Provider(login.settings["issuer"], login.settings["client_id"], dialer)
    tokens = refresh(provider, login.refresh_token or "")
    # Kept at once: if the server is away now, the old refresh token may be good for nothing any more.
    file.write(Login(login.settings, login.credentials, tokens.refresh_token))
    renewed = take_on_role(login.settings, tokens, dialer)
    file.write(renewed)
    return renewed


def _seconds_left(login: Login, now_s: float) -> float:
    expiration = login.credentials.get("Expiration")
    expires_at = parse_expiration(expiration if isinstance(expiration, str) else None)
    return 0.0 if expires_at is None else expires_at - now_s
