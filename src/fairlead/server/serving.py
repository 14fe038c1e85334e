"""One server from its settings to its end, on the running event loop."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fairlead.control.activation_tier import activation_tier
from fairlead.control.audit_log import AuditLog
from fairlead.control.bootstrap import NewAccessKey, create_first_identities
from fairlead.control.environment import Environment
from fairlead.control.housekeeping import purge
from fairlead.control.node_pruning import remove_silent_nodes
from fairlead.domain.service_settings import ActivationTier
from fairlead.server.checkpoints import CHECKPOINT_FILE, AuditChores, Checkpoints
from fairlead.server.disk_reserve import DiskReserve
from fairlead.server.errors import StartError
from fairlead.server.http_server import BACKLOG, HttpServer, make_http_server
from fairlead.server.listening import bind, listen
from fairlead.server.settings import ServerSettings
from fairlead.server.state import ADMIN_ENV, CA_BUNDLE, CA_CERTIFICATE, RESERVE, StateDirectory
from fairlead.server.tls import Certificates
from fairlead.server.wiring import (
    Components,
    make_components,
    make_environment,
    names_of,
    open_store,
    utc_now,
)
from fairlead.store.store import SqlStore

_log = logging.getLogger(__name__)

CERTIFICATE_CHECK_S = 3600.0
"""How often the certificate is looked at."""
PURGE_INTERVAL_S = 3600.0
"""How often what is old is deleted."""
HEARTBEATS_TOGETHER_S = 1.0
"""For how long heartbeats of nodes are gathered, to be recorded in one transaction."""
DRAIN_S = 5.0
"""How long a stop waits for peers to leave and for requests to be answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningServer:
    """What those who started a server may want to know of it."""

    url: str
    """The preferred public URL; also what `admin.env` names."""
    account_id: str
    region: str
    admin_env: Path
    ca_certificate: Path
    ca_bundle: Path
    activation_tier: ActivationTier
    """Of the account and its first region, now."""
    pin: str | None
    """`sha256:HEX` of the CA certificate, for `--ca-pin`; None without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """What is there before the first request."""

    env: Environment
    store: SqlStore
    audit_log: AuditLog
    certificates: Certificates | None
    running: RunningServer


async def serve(
    settings: ServerSettings,
    *,
    ready: Callable[[RunningServer], None],
    stop: asyncio.Event,
    drain_s: float = DRAIN_S,
) -> None:
    """Start a server, call `ready` when it accepts connections, and serve until `stop` is set.

    Raises StartError before `ready`, if it cannot start.
    """
    with ExitStack() as cleanup:
        state = cleanup.enter_context(StateDirectory(settings.state_dir))
        state.open()
        sockets = bind(settings.listen)
        for sock in sockets:
            cleanup.callback(sock.close)
        names, certificate_names, url = names_of(settings, sockets[0].getsockname()[1])
        prepared = _prepare(settings, state, certificate_names, url)
        cleanup.callback(prepared.store.close)
        certificates = prepared.certificates
        components = make_components(
            settings,
            prepared.env,
            names,
            prepared.audit_log,
            store=prepared.store,
            ca_certificates=None if certificates is None else certificates.anchors,
        )
        cleanup.callback(components.executor.close)
        cleanup.callback(components.fetcher.close)
        context = None if certificates is None else certificates.context
        server = make_http_server(components.app, components.gateway, context, drain_s)
        listen(settings.listen, sockets, BACKLOG)
        checkpoints = Checkpoints(
            prepared.audit_log, state.file(CHECKPOINT_FILE), settings.audit_checkpoint_dir, prepared.env.now
        )
        chores = AuditChores(prepared.audit_log, checkpoints, components.executor.run_always)
        await _run(server, components, sockets, prepared, chores, ready, stop)
        await components.executor.run_always(components.heartbeats.record)
        await chores.finish()


async def _run(
    server: HttpServer,
    components: Components,
    sockets: list[socket.socket],
    prepared: _Prepared,
    audit_chores: AuditChores,
    ready: Callable[[RunningServer], None],
    stop: asyncio.Event,
) -> None:
    gateway = components.gateway
    await gateway.start()
    listeners: list[socket.socket] = [gateway.listener(sock) for sock in sockets]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve(sockets=listeners))
        await server.is_ready.wait()
        chores = [
            tasks.create_task(_purge_regularly(prepared.env, components)),
            tasks.create_task(_record_heartbeats_regularly(components)),
            tasks.create_task(audit_chores.work()),
        ]
        if prepared.certificates is not None:
            chores.append(tasks.create_task(_refresh_regularly(prepared.certificates)))
        ready(prepared.running)
        await stop.wait()
        for chore in chores:
            chore.cancel()
        components.drain.stop()
        components.polls.stop()
        server.should_exit = True


def _prepare(
    settings: ServerSettings, state: StateDirectory, certificate_names: list[str], url: str
) -> _Prepared:
    installation = state.installation(settings)
    certificates = None
    if not settings.insecure_http:
        certificates = Certificates(state, settings, installation.account_id, certificate_names, utc_now)
    reserve = DiskReserve(state.file(RESERVE)) if settings.database_url is None else None
    if reserve is None:
        store = open_store(settings, state, installation)
        env = make_environment(settings, installation, store)
    else:
        reserve.hold()
        store = open_store(settings, state, installation, reserve.make_room)
        env = make_environment(settings, installation, store, has_room=reserve.has_room)

    def keep(key: NewAccessKey) -> None:
        state.write_admin_env(key.access_key_id, key.secret_access_key, installation.region, url)

    if not create_first_identities(env, keep):
        state.refresh_admin_env(url)
    with store.read() as uow:
        tier = activation_tier(env, uow, env.settings.default_scope)
    running = RunningServer(
        activation_tier=tier,
        url=url,
        account_id=installation.account_id,
        region=installation.region,
        admin_env=state.file(ADMIN_ENV),
        ca_certificate=state.file(CA_CERTIFICATE),
        ca_bundle=state.file(CA_BUNDLE),
        pin=None if certificates is None else certificates.pin,
    )
    return _Prepared(
        env=env,
        store=store,
        audit_log=AuditLog(env, state.audit_signer(installation.account_id)),
        certificates=certificates,
        running=running,
    )


async def _purge_regularly(env: Environment, components: Components) -> None:
    """A purge that fails is tried again at the next turn: nothing waits for it."""
    started = time.monotonic()
    while True:
        served_for = timedelta(seconds=time.monotonic() - started)
        try:
            await components.executor.run(purge, env)
            await components.executor.run(remove_silent_nodes, env, components.notifier, served_for)
        except Exception:
            _log.exception("what is old could not be deleted")
        await asyncio.sleep(PURGE_INTERVAL_S)


async def _record_heartbeats_regularly(components: Components) -> None:
    """Heartbeats that cannot be recorded now are kept for the next turn."""
    while True:
        await asyncio.sleep(HEARTBEATS_TOGETHER_S)
        if components.heartbeats:
            try:
                await components.executor.run(components.heartbeats.record)
            except Exception:
                _log.exception("heartbeats could not be recorded")


async def _refresh_regularly(certificates: Certificates) -> None:
    """A certificate that cannot be renewed now is tried again: there is a month for it."""
    while True:
        await asyncio.sleep(CERTIFICATE_CHECK_S)
        try:
            if certificates.refresh():
                _log.info("new connections get a new certificate")
        except (StartError, OSError) as error:
            _log.error("the certificate could not be renewed: %s", error)
