"""`fairlead credentials`: what an AWS profile's `credential_process` runs."""

from __future__ import annotations

import json
import os
import time

import typer


def credentials(
    profile: str = typer.Option(..., "--profile", help="The profile that `fairlead login` signed in."),
) -> None:
    """Print the short credentials of a sign-in, as JSON for AWS programs.

    For the profile: credential_process = fairlead credentials --profile NAME. They are renewed when the
    provider allows it; else one line says to run `fairlead login`.
    """
    from fairlead.client.login import current_credentials
    from fairlead.client.login_file import LoginFile
    from fairlead.client.settings import ClientSettings
    from fairlead.transport.dialer import Dialer

    settings = ClientSettings(os.environ, profile=profile)
    file = LoginFile(profile, os.environ)
    found = current_credentials(profile, file, lambda: Dialer(settings.trust, os.environ), time.time)
    print(json.dumps(found))
