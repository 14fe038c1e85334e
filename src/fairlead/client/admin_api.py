"""Administration by our own operations, `Fairlead_20261101.…`, with the caller's usual AWS settings.

Not on the path of a session: what the administration commands of the command line share.
"""

from __future__ import annotations

import os

from fairlead.client.api_calls import SessionApi, SignedApi
from fairlead.client.credentials import CredentialSource, resolve_credentials
from fairlead.client.errors import SettingsError
from fairlead.client.settings import ClientSettings
from fairlead.transport.dialer import Dialer


class AdminApi(SignedApi):
    """Calls of the service `fairlead`. `call` takes and gives members as they are on the wire."""

    SERVICE = "fairlead"
    TARGET_PREFIX = "Fairlead_20261101."


def open_admin_api(profile: str | None = None) -> AdminApi:
    """The API of the server that environment or AWS profile lead to.

    AWS has no such service, so unlike for a session there is no endpoint to fall back to. Raises
    `SettingsError` or a `TransportError` when the settings cannot be used.
    """
    settings = ClientSettings(os.environ, profile=profile)
    endpoint = settings.configured_endpoint("fairlead") or settings.configured_endpoint("ssm")
    if endpoint is None:
        raise SettingsError(
            "no Fairlead server is configured: set AWS_ENDPOINT_URL (the server's admin.env does), or name a"
            " profile that `fairlead configure` has written"
        )
    return AdminApi(endpoint, settings.region, *_access(settings))


def open_session_api(profile: str | None = None) -> SessionApi:
    """The `ssm` API that environment or AWS profile lead to, AWS's own among them. Raises as above."""
    settings = ClientSettings(os.environ, profile=profile)
    return SessionApi(settings.endpoint_url("ssm"), settings.region, *_access(settings))


def _access(settings: ClientSettings) -> tuple[CredentialSource, Dialer]:
    """With whose credentials, and over which connections."""
    dialer = Dialer(settings.trust, os.environ)
    return CredentialSource(lambda: resolve_credentials(settings, dialer)), dialer
