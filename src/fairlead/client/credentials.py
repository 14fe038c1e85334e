"""Credentials as botocore resolves them: which source applies, and the sources that need no network.

The order is botocore's: environment variables (not when the command line names a profile), a role assumed
through the profile, web identity, single sign-on, static keys of the credentials file, `credential_process`,
static keys of the config file. `client.role_credentials` and `client.sso_credentials` make the calls of
those sources. What is left over (container and instance metadata, MFA prompts, `aws login`) goes to botocore
when it is installed, else one line says so.
"""

from __future__ import annotations

import time

from fairlead.aws.sigv4 import Credentials
from fairlead.client.aws_files import text_option
from fairlead.client.errors import CredentialsError
from fairlead.client.resolved import Resolved, parse_expiration
from fairlead.transport.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.client.aws_files import Section
    from fairlead.client.settings import ClientSettings
    from fairlead.transport.dialer import Dialer

REFRESH_MARGIN_S = 60.0
"""Credentials that expire sooner than this are fetched anew before they sign anything."""

RETRY_AFTER_S = 15.0
"""A source that has failed is not asked again sooner: a lost connection asks every second or two, and a
`credential_process` may be a program that bothers somebody."""

PROCESS_TIMEOUT_S = 60
"""For a `credential_process` to answer."""

MAX_ROLE_CHAIN = 8
"""Most `source_profile` steps from one role to the next."""


class CredentialSource:
    """Credentials for signing, fetched at first use and again shortly before they expire."""

    def __init__(self, resolve: Callable[[], Resolved], clock: Callable[[], float] = time.time) -> None:
        self._resolve = resolve
        self._clock = clock
        self._current: Resolved | None = None
        self._failure: CredentialsError | None = None
        self._failed_at = 0.0

    def get(self) -> Resolved:
        """Raises `CredentialsError` when no source has any."""
        current = self._current
        if current is None or (
            current.expires_at is not None and current.expires_at - REFRESH_MARGIN_S <= self._clock()
        ):
            current = self._current = self._resolved()
        return current

    def _resolved(self) -> Resolved:
        if self._failure is not None and 0 <= self._clock() - self._failed_at < RETRY_AFTER_S:
            raise self._failure
        try:
            found = self._resolve()
        except CredentialsError as error:
            self._failure, self._failed_at = error, self._clock()
            raise
        self._failure = None
        return found

    def forget(self) -> None:
        """Fetch anew at the next use: the service said that these have expired."""
        self._current = None


def resolve_credentials(settings: ClientSettings, dialer: Dialer) -> Resolved:
    """Ask the sources in order. Raises `CredentialsError` with the reason of the source that applies."""
    if not settings.profile_is_explicit:
        from_environment = environment_credentials(settings)
        if from_environment is not None:
            return from_environment
    found = ProfileChain(settings, dialer).resolve(
        settings.profile_name, settings.profile, environment_counts=not settings.profile_is_explicit
    )
    return found or ask_botocore(settings, "no credentials in the environment or in the AWS profile")


def environment_credentials(settings: ClientSettings) -> Resolved | None:
    """`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; None when the first is not set."""
    environ = settings.environ
    key_id = environ.get("AWS_ACCESS_KEY_ID")
    if not key_id:
        return None
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise CredentialsError("AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not")
    token = environ.get("AWS_SESSION_TOKEN") or environ.get("AWS_SECURITY_TOKEN") or None
    expires_at = parse_expiration(environ.get("AWS_CREDENTIAL_EXPIRATION"))
    return Resolved(Credentials(key_id, secret, token), expires_at, "the environment")


class ProfileChain:
    """The sources that a profile can name, and the chain of profiles that a role may lead through."""

    def __init__(self, settings: ClientSettings, dialer: Dialer) -> None:
        self._settings = settings
        self._dialer = dialer
        self._visited: list[str] = []

    def resolve(self, name: str, profile: Section, environment_counts: bool) -> Resolved | None:
        """Credentials of one profile, or None when it names no source.

        `environment_counts` lets the web identity variables speak beside the profile.
        """
        has_web_identity = text_option(profile, "web_identity_token_file") is not None
        if text_option(profile, "role_arn") and not has_web_identity:
            return self._assumed_role(name, profile)
        return self._own_credentials(name, profile, environment_counts)

    def _own_credentials(self, name: str, profile: Section, environment_counts: bool) -> Resolved | None:
        environ = self._settings.environ if environment_counts else {}
        if environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") or text_option(profile, "web_identity_token_file"):
            from fairlead.client.role_credentials import web_identity_credentials

            return web_identity_credentials(self._settings, self._dialer, profile, environ)
        if text_option(profile, "sso_account_id") or text_option(profile, "sso_role_name"):
            from fairlead.client.sso_credentials import sso_credentials

            return sso_credentials(self._settings, self._dialer, name, profile)
        in_credentials_file = static_credentials(self._settings.files.credentials.get(name, {}), name)
        if in_credentials_file is not None:
            return in_credentials_file
        command = text_option(profile, "credential_process")
        if command is not None:
            return process_credentials(command)
        return static_credentials(profile, name)

    def _assumed_role(self, name: str, profile: Section) -> Resolved:
        from fairlead.client.role_credentials import assumed_role_credentials

        if text_option(profile, "mfa_serial"):
            raise CredentialsError(
                f"the AWS profile {name!r} asks for an MFA code, which cannot be typed here; get session"
                " credentials first (aws sts get-session-token) and use those"
            )
        source = self._role_source(name, profile)
        return assumed_role_credentials(self._settings, self._dialer, profile, source)

    def _role_source(self, name: str, profile: Section) -> Resolved:
        """The credentials that may assume the role of profile `name`."""
        source_profile = text_option(profile, "source_profile")
        credential_source = text_option(profile, "credential_source")
        if (source_profile is None) == (credential_source is None):
            raise CredentialsError(
                f"the AWS profile {name!r} has role_arn and needs either source_profile or credential_source"
            )
        if source_profile is None:
            return self._named_source(name, credential_source or "")
        self._visited.append(name)
        source = self._settings.files.profile(source_profile)
        if not self._settings.files.has_profile(source_profile):
            raise CredentialsError(
                f"source_profile {source_profile!r} of AWS profile {name!r} does not exist"
            )
        has_static_keys = text_option(source, "aws_access_key_id") is not None
        if source_profile in self._visited and not (source_profile == name and has_static_keys):
            raise CredentialsError(
                f"source_profile {source_profile!r} of AWS profile {name!r} leads in a circle"
            )
        if len(self._visited) > MAX_ROLE_CHAIN:
            raise CredentialsError(
                f"AWS profile {self._visited[0]!r}: more than {MAX_ROLE_CHAIN} roles in a row"
            )
        if has_static_keys:
            found = self._own_credentials(source_profile, source, environment_counts=False)
        else:
            found = self.resolve(source_profile, source, environment_counts=False)
        if found is None:
            raise CredentialsError(f"the source profile {source_profile!r} has no credentials")
        return found

    def _named_source(self, name: str, credential_source: str) -> Resolved:
        if credential_source == "Environment":
            found = environment_credentials(self._settings)
            if found is None:
                raise CredentialsError(
                    f"the AWS profile {name!r} takes its credentials from the environment, but"
                    " AWS_ACCESS_KEY_ID is not set"
                )
            return found
        if credential_source in ("Ec2InstanceMetadata", "EcsContainer"):
            return ask_botocore(self._settings, f"credential_source {credential_source}")
        raise CredentialsError(f"unknown credential_source {printable(credential_source, 60)!r} in {name!r}")


def static_credentials(section: Section, name: str) -> Resolved | None:
    """Keys written in a file; None when there is no key id."""
    key_id = text_option(section, "aws_access_key_id")
    if key_id is None:
        return None
    secret = text_option(section, "aws_secret_access_key")
    if secret is None:
        raise CredentialsError(f"the AWS profile {name!r} has aws_access_key_id but no aws_secret_access_key")
    token = text_option(section, "aws_session_token") or text_option(section, "aws_security_token")
    return Resolved(Credentials(key_id, secret, token), None, f"AWS profile {name}")


def process_credentials(command: str) -> Resolved:
    """Run a `credential_process` and read its answer ("Sourcing credentials with an external process")."""
    import json
    import shlex
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603 (the user's own configuration names the program)
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROCESS_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CredentialsError(f"credential_process gave no answer in {PROCESS_TIMEOUT_S} s") from None
    except (OSError, ValueError) as exc:
        raise CredentialsError(f"credential_process cannot be run: {exc}") from None
    if done.returncode != 0:
        words = printable(done.stderr.decode(errors="replace"), 300) or f"exit status {done.returncode}"
        raise CredentialsError(f"credential_process failed: {words}")
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise CredentialsError("credential_process did not print JSON") from None
    if not isinstance(answer, dict) or answer.get("Version") != 1:
        raise CredentialsError("credential_process must print a JSON object with Version 1")
    return credentials_from_json(answer, "credential_process")


def credentials_from_json(answer: dict[str, object], source: str) -> Resolved:
    """`AccessKeyId`, `SecretAccessKey`, optional `SessionToken` and `Expiration` (ISO 8601)."""
    key_id, secret = answer.get("AccessKeyId"), answer.get("SecretAccessKey")
    token, expiration = answer.get("SessionToken"), answer.get("Expiration")
    if not (isinstance(key_id, str) and key_id and isinstance(secret, str) and secret):
        raise CredentialsError(f"{source} gave no AccessKeyId and SecretAccessKey")
    expires_at = parse_expiration(expiration if isinstance(expiration, str) else None)
    return Resolved(
        Credentials(key_id, secret, token if isinstance(token, str) and token else None), expires_at, source
    )


def ask_botocore(settings: ClientSettings, what: str) -> Resolved:
    """Hand the question to botocore where it is installed; it knows sources that this package does not."""
    remedy = (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile or AWS_PROFILE"
    )
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError:
        raise CredentialsError(
            f"no AWS credentials ({what}); {remedy}; instance and container roles need the botocore package"
        ) from None
    profile = settings.profile_name if settings.profile_is_explicit else None
    try:
        found = botocore.session.Session(profile=profile).get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except (botocore.exceptions.BotoCoreError, OSError) as exc:
        raise CredentialsError(f"no AWS credentials ({what}): {printable(str(exc))}; {remedy}") from None
    if frozen is None:
        raise CredentialsError(f"no AWS credentials ({what}); {remedy}")
    expiry = getattr(found, "_expiry_time", None)
    return Resolved(
        Credentials(frozen.access_key, frozen.secret_key, frozen.token),
        expiry.timestamp() if expiry is not None else None,
        "botocore",
    )
