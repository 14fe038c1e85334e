"""`fairlead login`: sign in with an organisation's provider, and keep short credentials of a role."""

from __future__ import annotations

import getpass
import os
import re
import shlex
import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fairlead.client.oidc_provider import Provider, Tokens
    from fairlead.client.settings import ClientSettings

DEFAULT_SCOPE = "openid"
PROFILE_OPTIONS = {
    "issuer": "fairlead_oidc_issuer",
    "client_id": "fairlead_oidc_client_id",
    "scope": "fairlead_oidc_scope",
    "role_arn": "fairlead_role_arn",
    "session_name": "fairlead_role_session_name",
    "duration_s": "fairlead_duration_seconds",
}
"""What an AWS profile may say of a sign-in. Names of our own: AWS programs would assume a `role_arn`."""


class Grant(StrEnum):
    """How to sign in."""

    DEVICE = "device"
    CODE = "code"


def login(
    profile: str = typer.Option("default", "--profile", help="The AWS profile to sign in for."),
    issuer: str | None = typer.Option(None, "--issuer", metavar="URL", help="Your OpenID Connect issuer."),
    client_id: str | None = typer.Option(None, "--client-id", help="What it calls this program."),
    role_arn: str | None = typer.Option(None, "--role-arn", help="The role to take on."),
    session_name: str | None = typer.Option(
        None, "--role-session-name", help="Your name in sessions.  [default: the local user name]"
    ),
    scope: str | None = typer.Option(None, "--scope", help=f"What to ask for.  [default: {DEFAULT_SCOPE}]"),
    duration: int | None = typer.Option(
        None, "--duration-seconds", min=900, max=43200, help="How long the credentials are to last."
    ),
    grant: Grant | None = typer.Option(
        None, "--grant", help="With a code on any device, or in a browser here.  [default: what is offered]"
    ),
    redirect_port: int = typer.Option(
        0, "--redirect-port", min=0, max=65535, help="Port of the browser's redirect to 127.0.0.1."
    ),
    endpoint_url: str | None = typer.Option(None, "--endpoint-url", help="The server, for a new profile."),
    region: str | None = typer.Option(None, "--region", help="Its region, for a new profile."),
    ca_bundle: str | None = typer.Option(None, "--ca-bundle", help="CA file, for a new profile."),
) -> None:
    """Sign in with your organisation's provider, and keep short credentials of a role for a profile.

    Options are taken from the profile where they are left out; a profile that does not exist is written, with
    a credential_process for AWS programs. Provider and role are those that the server's administrator set up.
    """
    from fairlead.client.login import take_on_role
    from fairlead.client.login_file import LoginFile
    from fairlead.client.oidc_provider import Provider
    from fairlead.client.settings import ClientSettings
    from fairlead.transport.dialer import Dialer
    from fairlead.transport.tls import trust_source

    settings = ClientSettings(os.environ, profile=profile, region=region)
    exists = settings.files.has_profile(profile)
    given = {
        "issuer": issuer,
        "client_id": client_id,
        "scope": scope,
        "role_arn": role_arn,
        "session_name": session_name,
        "duration_s": None if duration is None else str(duration),
    }
    named = _settings(given, settings, exists)
    named["endpoint_url"] = endpoint_url or _endpoint(settings, exists)
    trust = settings.trust if exists and not ca_bundle else trust_source(ca_bundle, os.environ)
    file = LoginFile(profile, os.environ)
    dialer = Dialer(trust, os.environ)
    provider = Provider(named["issuer"], named["client_id"], dialer)
    tokens = _sign_in(provider, named["scope"], grant, redirect_port)
    signed_in = take_on_role(named, tokens, dialer)
    with file.locked():
        file.write(signed_in)
    if not exists:
        _write_profile(profile, settings, named, trust.path)
    _tell(f"signed in until {signed_in.credentials['Expiration']}")
    _tell(f"try: aws --profile {profile} sts get-caller-identity")
    if exists and "credential_process" not in settings.files.profile(profile):
        _tell(f"for AWS programs, add to the profile: credential_process = {_process(profile)}")


def _settings(given: dict[str, str | None], settings: ClientSettings, exists: bool) -> dict[str, str]:
    """Every setting of the sign-in. Raises `LoginError` for one that is missing."""
    from fairlead.client.aws_files import text_option
    from fairlead.client.oidc_provider import LoginError

    section = settings.files.profile(settings.profile_name) if exists else {}
    named = {name: value or text_option(section, PROFILE_OPTIONS[name]) for name, value in given.items()}
    named["scope"] = named["scope"] or DEFAULT_SCOPE
    named["session_name"] = named["session_name"] or re.sub(
        r"[^\w+=,.@-]", "-", getpass.getuser(), flags=re.A
    )
    missing = [
        f"--{name.replace('_', '-')}" for name in ("issuer", "client_id", "role_arn") if not named[name]
    ]
    if missing:
        raise LoginError(
            f"still needed: {', '.join(missing)} (or in the profile: {PROFILE_OPTIONS['issuer']} …)"
        )
    return {name: value for name, value in named.items() if value is not None}


def _endpoint(settings: ClientSettings, exists: bool) -> str:
    from fairlead.client.oidc_provider import LoginError

    environ = os.environ
    found = settings.configured_endpoint("sts") if exists else environ.get("AWS_ENDPOINT_URL")
    if not found:
        raise LoginError("which server? give --endpoint-url, or set AWS_ENDPOINT_URL")
    return found


def _sign_in(provider: Provider, scope: str, grant: Grant | None, redirect_port: int) -> Tokens:
    from fairlead.client.oidc_grants import sign_in_by_browser, sign_in_by_device
    from fairlead.client.redirect_listener import RedirectListener

    if grant is None:
        grant = Grant.DEVICE if provider.endpoint("device_authorization_endpoint") else Grant.CODE
    if grant is Grant.DEVICE:
        return sign_in_by_device(provider, scope, tell=_tell, clock=time.monotonic, sleep=time.sleep)
    listener = RedirectListener(redirect_port)
    try:
        return sign_in_by_browser(
            provider, scope, listener.redirect_uri, listener.wait, tell=_tell, random=os.urandom
        )
    finally:
        listener.close()


def _write_profile(
    profile: str, settings: ClientSettings, named: dict[str, str], ca_path: str | None
) -> None:
    from fairlead.client.aws_profile import ProfileContents, write_profile

    options = {PROFILE_OPTIONS[name]: value for name, value in named.items() if name in PROFILE_OPTIONS}
    contents = ProfileContents(
        profile,
        endpoint_url=named["endpoint_url"],
        region=_region(settings),
        ca_bundle=None if ca_path is None else os.path.abspath(ca_path),
        options={"credential_process": _process(profile), **options},
    )
    config_file, _ = write_profile(contents, os.environ)
    _tell(f"wrote profile {profile!r} to {config_file}")


def _region(settings: ClientSettings) -> str:
    from fairlead.client.errors import SettingsError

    try:
        return settings.region
    except SettingsError:
        return "us-east-1"


def _process(profile: str) -> str:
    return f"fairlead credentials --profile {shlex.quote(profile)}"


def _tell(line: str) -> None:
    """On standard error: standard output may belong to a program that waits for something else."""
    print(line, file=sys.stderr, flush=True)
