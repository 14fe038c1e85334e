"""What every program that carries a session needs around it, wired in one place.

The standard descriptors occupied, the ending signals watched, the debug log, the settings, and with them the
dialer and the signed calls. Which session to carry is the program's own business: `client.proxy` starts one,
`client.plugin` is given one. The modules that carry it are loaded when it is there, or while the service
prepares it.
"""

from __future__ import annotations

import gc
import os
import time

from fairlead.client.api_calls import SessionApi
from fairlead.client.credentials import CredentialSource, resolve_credentials
from fairlead.client.debug_log import DebugLog
from fairlead.client.failures import say
from fairlead.client.patience import Patience
from fairlead.client.settings import ClientSettings
from fairlead.client.signals import SignalWatch
from fairlead.client.standard_streams import STDIN, STDOUT, occupy_standard_descriptors
from fairlead.transport.dialer import Dialer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fairlead.client.api_calls import SessionGrant
    from fairlead.client.session_subject import SessionSubject


class SessionProcess:
    """This process, prepared to carry one session between its standard streams and the service.

    `log` and `api` are for what comes before the session; `watch` tells which signal ended the process.
    """

    __slots__ = ("_dialer", "_patience", "_resume_window_s", "api", "log", "watch")

    def __init__(
        self, program: str, *, region: str | None, profile: str | None, endpoint_url: str | None
    ) -> None:
        """`program` is what the user started; what is None comes from the environment or the AWS profile.
        Raises `SettingsError` or a `TransportError` when these cannot be used."""
        occupy_standard_descriptors()
        self.watch = SignalWatch()
        self.watch.install()
        self.log = DebugLog.open(os.environ)
        settings = ClientSettings(os.environ, region=region, profile=profile, endpoint_url=endpoint_url)
        dialer = Dialer(settings.trust, os.environ)
        source = CredentialSource(lambda: resolve_credentials(settings, dialer))
        self.api = SessionApi(settings.endpoint_url("ssm"), settings.region, source, dialer)
        self._dialer = dialer
        self._resume_window_s = settings.resume_window_s
        self._patience = Patience(
            settings.connect_window_s,
            clock=time.monotonic,
            chance=lambda: os.urandom(1)[0] / 256,
            pause=self._pause,
            say=lambda text: say(program, text),
        )

    def start(self, request: dict[str, object]) -> SessionGrant:
        """Start a session. Raises `ServiceError`, `CredentialsError` or a `TransportError`."""
        return self.api.start_session(request, meanwhile=_load_carriers, patience=self._patience)

    def carry(self, subject: SessionSubject, grant: SessionGrant) -> int:
        """Stream until the session is over; the exit status."""
        from fairlead.client.ssh_proxy import SshProxy
        from fairlead.transport.local_stream import DescriptorStream

        gc.freeze()  # what has been loaded stays: nobody need look there for garbage again
        gc.enable()
        local = DescriptorStream(STDIN, STDOUT)
        return SshProxy(
            subject,
            grant,
            self.api,
            self._dialer,
            local,
            self.watch,
            self.log,
            patience=self._patience,
            resume_window_s=self._resume_window_s,
        ).run()

    def _pause(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self.watch.received is None


def _load_carriers() -> None:
    import fairlead.client.ssh_proxy
    import fairlead.transport.local_stream  # noqa: F401  (they are loaded, and used later)
