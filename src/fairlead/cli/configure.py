"""`fairlead configure`: write an AWS profile that leads to a Fairlead server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

MAX_SECRET_FILE_BYTES = 4096


def configure(
    profile: str = typer.Option(..., "--profile", help="Name of the new profile."),
    endpoint_url: str | None = typer.Option(
        None, "--endpoint-url", help="The server's address.  [default: AWS_ENDPOINT_URL]"
    ),
    region: str | None = typer.Option(None, "--region", help="Its region.  [default: AWS_REGION]"),
    ca_bundle: str | None = typer.Option(
        None, "--ca-bundle", help="File with its CA and the system's.  [default: AWS_CA_BUNDLE]"
    ),
    access_key_id: str | None = typer.Option(None, "--access-key-id", help="[default: AWS_ACCESS_KEY_ID]"),
    secret_access_key_file: str | None = typer.Option(
        None,
        "--secret-access-key-file",
        help="File with the secret access key, - for stdin.  [default: AWS_SECRET_ACCESS_KEY]",
    ),
) -> None:
    """Write a profile with endpoints, CA, region and keys to ~/.aws; existing profiles are never touched.

    With the environment of the server's admin.env, --profile is all it needs.
    """
    from fairlead.client.aws_profile import ProfileContents, ProfileError, write_profile
    from fairlead.transport.addresses import parse_endpoint

    environ = os.environ
    endpoint = endpoint_url or environ.get("AWS_ENDPOINT_URL_SSM") or environ.get("AWS_ENDPOINT_URL")
    region = region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    key_id = access_key_id or environ.get("AWS_ACCESS_KEY_ID")
    if secret_access_key_file is not None:
        secret: str | None = _read_secret(secret_access_key_file)
        token = None
    else:
        secret, token = environ.get("AWS_SECRET_ACCESS_KEY"), environ.get("AWS_SESSION_TOKEN") or None
    named = {
        "--endpoint-url or AWS_ENDPOINT_URL": endpoint,
        "--region or AWS_REGION": region,
        "--access-key-id or AWS_ACCESS_KEY_ID": key_id,
        "--secret-access-key-file or AWS_SECRET_ACCESS_KEY": secret,
    }
    missing = [name for name, value in named.items() if not value]
    if missing:
        raise ProfileError(f"still needed: {'; '.join(missing)}")
    bundle = ca_bundle or environ.get("AWS_CA_BUNDLE") or environ.get("SSL_CERT_FILE")
    if bundle is not None and not Path(bundle).is_file():
        raise ProfileError(f"the CA bundle {bundle} does not exist")
    parse_endpoint(endpoint or "")
    contents = ProfileContents(
        profile,
        endpoint_url=endpoint or "",
        region=region or "",
        access_key_id=key_id or "",
        secret_access_key=secret or "",
        session_token=token,
        ca_bundle=None if bundle is None else str(Path(bundle).resolve()),
    )
    config_file, credentials_file = write_profile(contents, environ)
    print(f"wrote profile {profile!r} to {config_file} and {credentials_file}")
    print(f"try: aws --profile {profile} sts get-caller-identity")


def _read_secret(name: str) -> str:
    """The first line of a file or of stdin."""
    from fairlead.client.aws_profile import ProfileError

    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_SECRET_FILE_BYTES)
        else:
            with open(name, "rb") as file:
                data = file.read(MAX_SECRET_FILE_BYTES)
        return data.partition(b"\n")[0].decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise ProfileError(f"cannot read the secret access key from {name}: {exc}") from None
