"""What one client process works with: region, endpoint, CA file, profile. Resolved once, files read late.

Precedence is botocore's: the command line, the environment, the profile; beside it our programs take
`AWS_REGION` as the SDKs do, and `SSL_CERT_FILE` as the stock plugin does.
"""

from __future__ import annotations

from fairlead.client.aws_files import AwsFiles, text_option
from fairlead.client.errors import SettingsError
from fairlead.transport.tls import CA_VARIABLES, Trust, trust_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fairlead.client.aws_files import Section

DEFAULT_RESUME_WINDOW_S = 300.0
"""How long a session whose connection is lost is tried to be resumed."""

DEFAULT_CONNECT_WINDOW_S = 20.0
"""How long a server that ends connections before anything was asked is tried for a new session: it is there,
and has much to do."""

MAX_WINDOW_S = 86400.0

RESUME_WINDOW_VARIABLE = "FAIRLEAD_RESUME_WINDOW"
CONNECT_WINDOW_VARIABLE = "FAIRLEAD_CONNECT_WINDOW"

MAX_REGION_LENGTH = 64


class ClientSettings:
    """The settings of one process. `profile_is_explicit` says that the command line named the profile."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        region: str | None = None,
        profile: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self.environ = environ
        self.profile_is_explicit = bool(profile)
        self.profile_name = (
            profile or environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE") or "default"
        )
        self._region = region
        self._endpoint_url = endpoint_url
        self._files: AwsFiles | None = None

    @property
    def files(self) -> AwsFiles:
        if self._files is None:
            self._files = AwsFiles.load(self.environ)
        return self._files

    @property
    def profile(self) -> Section:
        """The options of the chosen profile. Raises `SettingsError` when it was named but does not exist."""
        if self.profile_name != "default" and not self.files.has_profile(self.profile_name):
            raise SettingsError(
                f"the AWS profile {self.profile_name!r} does not exist; `fairlead configure --profile"
                f" {self.profile_name}` makes one"
            )
        return self.files.profile(self.profile_name)

    @property
    def region(self) -> str:
        """Raises `SettingsError` when no region is configured, or what is configured cannot be one."""
        region = (
            self._region
            or self.environ.get("AWS_REGION")
            or self.environ.get("AWS_DEFAULT_REGION")
            or text_option(self.profile, "region")
        )
        if not region:
            raise SettingsError(
                "no AWS region: give --region, set AWS_REGION, or put `region` in the AWS profile"
            )
        if len(region) > MAX_REGION_LENGTH or not region.replace("-", "").isalnum() or not region.isascii():
            raise SettingsError(f"not an AWS region: {region[:MAX_REGION_LENGTH]!r}")
        return region

    def endpoint_url(self, service: str) -> str:
        """Where calls to `service` go: what is configured, else AWS's own endpoint of the region."""
        return self.configured_endpoint(service) or default_endpoint(service, self.region)

    def configured_endpoint(self, service: str) -> str | None:
        """The endpoint that command line (for ssm), environment or profile name, or None."""
        if self._endpoint_url and service == "ssm":
            return self._endpoint_url
        if self._ignores_configured_endpoints():
            return None
        for variable in (f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}", "AWS_ENDPOINT_URL"):
            if self.environ.get(variable):
                return self.environ[variable]
        return self._service_section_endpoint(service) or text_option(self.profile, "endpoint_url")

    def _ignores_configured_endpoints(self) -> bool:
        named = self.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
        if named is None:
            named = text_option(self.profile, "ignore_configured_endpoint_urls") or ""
        return named.lower() == "true"

    def _service_section_endpoint(self, service: str) -> str | None:
        name = text_option(self.profile, "services")
        if name is None:
            return None
        section = self.files.section("services", name)
        if section is None:
            raise SettingsError(
                f"the AWS profile {self.profile_name!r} names services section {name!r}, which is not there"
            )
        block = section.get(service.replace("-", "_"))
        return text_option(dict(block), "endpoint_url") if isinstance(block, dict) else None

    @property
    def trust(self) -> Trust:
        """The CA file, and who named it. The profile is only read when no variable names one."""
        named_in_environment = any(self.environ.get(variable) for variable in CA_VARIABLES)
        ca_bundle = None if named_in_environment else text_option(self.profile, "ca_bundle")
        return trust_source(None, self.environ, ca_bundle)

    @property
    def resume_window_s(self) -> float:
        """`FAIRLEAD_RESUME_WINDOW` in seconds, or the default. Raises `SettingsError` for no such number."""
        return self._seconds(RESUME_WINDOW_VARIABLE, DEFAULT_RESUME_WINDOW_S)

    @property
    def connect_window_s(self) -> float:
        """`FAIRLEAD_CONNECT_WINDOW` in seconds, 0 for a single attempt, or the default. Raises as above."""
        return self._seconds(CONNECT_WINDOW_VARIABLE, DEFAULT_CONNECT_WINDOW_S)

    def _seconds(self, variable: str, default: float) -> float:
        text = self.environ.get(variable, "").strip()
        if not text:
            return default
        try:
            window = float(text)
        except ValueError:
            window = -1.0
        if not 0 <= window <= MAX_WINDOW_S:
            raise SettingsError(f"{variable} must be a number of seconds from 0 to {MAX_WINDOW_S:.0f}")
        return window


def default_endpoint(service: str, region: str) -> str:
    """AWS's own endpoint; the Chinese regions have a domain of their own."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"
