"""The server as a program: one event loop, signals, and what the operator reads at the start."""

import asyncio
import gc
import logging
import shlex
import signal
import sys

import uvloop

from fairlead.control.bootstrap import recover_admin as recover_admin_identity
from fairlead.domain.service_settings import ACTIVATION_TIER, ActivationTier
from fairlead.server.errors import StartError
from fairlead.server.listening import raise_open_files_limit
from fairlead.server.log_lines import configure_logging
from fairlead.server.serving import RunningServer, serve
from fairlead.server.settings import ServerSettings
from fairlead.server.state import ADMIN_ENV, CA_CERTIFICATE, StateDirectory
from fairlead.server.wiring import make_environment, open_store

_log = logging.getLogger(__name__)

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TIER_LINES = {
    ActivationTier.ADVANCED: "advanced: mi- nodes take sessions (AWS begins as standard: --activation-tier)",
    ActivationTier.STANDARD: f"standard: mi- nodes take no sessions (the setting {ACTIVATION_TIER})",
}


def run(settings: ServerSettings) -> int:
    """Serve until a signal; return the exit status. What goes wrong at the start is one line on stderr."""
    configure_logging(sys.stderr, access_log=settings.access_log)
    raise_open_files_limit()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve_until_signal(settings))
    except (StartError, OSError) as error:
        return _report(error)
    except KeyboardInterrupt:
        return 130
    return 0


def welcome(settings: ServerSettings, server: RunningServer) -> str:
    """What the operator needs to know when the server is there: where it is, and what to type next."""
    lines = [
        f"Fairlead serves {server.url}  (account {server.account_id}, region {server.region})",
        f"  state        {settings.state_dir}",
    ]
    if server.pin is not None:
        lines.append(f"  CA pin       {server.pin}")
    return "\n".join(lines + (_first_steps(server) if server.admin_env.exists() else _way_back(settings)))


def _first_steps(server: RunningServer) -> list[str]:
    trust = f" --ca-pin {server.pin}" if server.pin is not None else ""
    return [
        f"  admin        {server.admin_env}  (bootstrap credential: keep it secret)",
        f"  tier         {_TIER_LINES[server.activation_tier]}",
        "Next, in another terminal:",
        f"  set -a; . {shlex.quote(str(server.admin_env))}; set +a",
        "  aws sts get-caller-identity",
        "  aws ssm create-activation --iam-role service-role/FairleadNode --default-instance-name NAME",
        "and on the machine to reach:",
        f"  fairlead agent register --endpoint {server.url}{trust} \\",
        "    --activation-id ID --activation-code-file FILE --state-dir DIR && "
        "fairlead agent run --state-dir DIR",
    ]


def _way_back(settings: ServerSettings) -> list[str]:
    directory = shlex.quote(str(settings.state_dir))
    return [f"  admin        lost all keys? fairlead server recover-admin --state-dir {directory}"]


def recover_admin(settings: ServerSettings, url: str | None = None) -> str:
    """Give `admin` a new key in place of all it had, write `admin.env`, and return its path.

    Works beside a running server. `url` is the endpoint to name; None keeps the one of the present file, or
    else the first public URL or listen address of the settings. Raises StartError.
    """
    state = StateDirectory(settings.state_dir)
    state.open_existing()
    installation = state.installation(settings)
    store = open_store(settings, state, installation)
    try:
        key = recover_admin_identity(make_environment(settings, installation, store))
    finally:
        store.close()
    endpoint = url or state.known_url() or _default_url(settings)
    state.write_admin_env(key.access_key_id, key.secret_access_key, installation.region, endpoint)
    return str(state.file(ADMIN_ENV))


def ca_certificate(settings: ServerSettings) -> bytes:
    """The certificates that agents and clients are to trust, in PEM. Raises StartError."""
    state = StateDirectory(settings.state_dir)
    state.open_existing()
    try:
        return state.file(CA_CERTIFICATE).read_bytes()
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}. This server speaks plain HTTP.") from error


async def _serve_until_signal(settings: ServerSettings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)

    def ready(server: RunningServer) -> None:
        _spare_what_stays()
        sys.stdout.write(welcome(settings, server) + "\n")
        sys.stdout.flush()

    await serve(settings, ready=ready, stop=stop)
    _log.info("stopped")


def _spare_what_stays() -> None:
    """Let nobody look for garbage among what was loaded at the start: a hundred thousand objects, as many as
    belong to four thousand agents. Python looks through everything once a quarter as much has come as it had
    looked through: without these it does so earlier, and in less time.
    """
    gc.collect()
    gc.freeze()


def _default_url(settings: ServerSettings) -> str:
    if settings.public_urls:
        return settings.public_urls[0]
    return f"{settings.scheme}://{settings.listen.authority()}"


def _report(error: Exception) -> int:
    sys.stderr.write(f"fairlead server: {error}\n")
    return 1
