"""The composition root: makes every object of a server and hands each what it needs.

Knows every class, decides nothing by itself. Starting, serving and stopping are `main`'s and `serving`'s.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

from fairlead.api.app import Api, create_app
from fairlead.api.errors import audit_code
from fairlead.api.handlers import UseCases, handlers_for
from fairlead.api.message_delivery import MessagePolls
from fairlead.api.origin import OriginReader
from fairlead.api.public_names import PublicNames
from fairlead.aws.canonical import Request
from fairlead.control.activations import Activations
from fairlead.control.attachments import Attachments
from fairlead.control.audit_log import AuditLog
from fairlead.control.audit_proofs import AuditProofs
from fairlead.control.authentication import Authenticator
from fairlead.control.boundaries import Boundaries
from fairlead.control.callers import Callers
from fairlead.control.calls import record_refusal
from fairlead.control.channels import Channels
from fairlead.control.documents import Documents
from fairlead.control.environment import ControlSettings, Environment
from fairlead.control.event_history import EventHistory
from fairlead.control.explanations import Explanations
from fairlead.control.fleet import Fleet
from fairlead.control.groups import Groups
from fairlead.control.heartbeats import Heartbeats
from fairlead.control.identities import Identities
from fairlead.control.identity_changes import IdentityChanges
from fairlead.control.identity_tags import IdentityTags
from fairlead.control.instance_identity import InstanceIdentities
from fairlead.control.managed_policies import ManagedPolicies
from fairlead.control.mfa import Mfa
from fairlead.control.nodes import Nodes
from fairlead.control.notifier import AgentNotifier
from fairlead.control.resource_tags import ResourceTags
from fairlead.control.security_tokens import SecurityTokens
from fairlead.control.server_drain import ServerDrain
from fairlead.control.service_settings import ServiceSettings
from fairlead.control.sessions import Sessions
from fairlead.control.simulation import Simulations
from fairlead.control.user_locks import UserLocks
from fairlead.control.web_identities import WebIdentities
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.errors import WebIdentityRefused
from fairlead.domain.instance_identity import NOBODY_TRUSTED, IdentityTrust
from fairlead.domain.web_identity import WebIdentity
from fairlead.gateway.gateway import Gateway
from fairlead.gateway.notifier import GatewayNotifier
from fairlead.gateway.requests import Peer
from fairlead.server.errors import StartError
from fairlead.server.executor import CONCURRENT_THREADS, DatabaseExecutor
from fairlead.server.instance_identity_settings import read_trust
from fairlead.server.oidc_settings import read_issuers
from fairlead.server.settings import ServerSettings
from fairlead.server.shared_calls import share_reads, share_writes
from fairlead.server.state import Installation, StateDirectory
from fairlead.server.web_identity import Fetcher, WebIdentityVerifier
from fairlead.store.engine import DatabaseUnusable, open_engine, sqlite_url
from fairlead.store.migration import migrate
from fairlead.store.store import SqlStore

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of a real server."""
    return datetime.now(UTC)


def open_store(
    settings: ServerSettings,
    state: StateDirectory,
    installation: Installation,
    make_room: Callable[[], None] = lambda: None,
) -> SqlStore:
    """Open the database and bring it to this version's schema. `make_room` as in `SqlStore`.

    Raises StartError.
    """
    url = settings.database_url or sqlite_url(state.create_database_file())
    try:
        engine = open_engine(url)
        migrate(engine)
    except DatabaseUnusable as error:
        place = "--database-url" if settings.database_url else state.path
        raise StartError(f"{place}: {error}") from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        text = " ".join(str(cause).split())
        raise StartError(f"the database cannot be used: {text}") from error
    return SqlStore(engine, installation.sealer, make_room)


def make_environment(
    settings: ServerSettings,
    installation: Installation,
    store: SqlStore,
    now: Clock = utc_now,
    has_room: Callable[[], bool] = lambda: True,
) -> Environment:
    """The surroundings of all use cases."""
    regions = settings.regions or (installation.region,)
    return Environment(
        store=store,
        now=now,
        random_bytes=os.urandom,
        sealer=installation.sealer,
        settings=ControlSettings(
            account_id=installation.account_id,
            regions=regions,
            initial_activation_tier=settings.activation_tier,
            audit_days=settings.audit_days,
            default_document_is_checked=not settings.skip_default_document_check,
        ),
        error_code=audit_code,
        has_room=has_room,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The parts of a server that have a life of their own."""

    app: Starlette
    gateway: Gateway
    executor: DatabaseExecutor
    notifier: AgentNotifier
    polls: MessagePolls
    drain: ServerDrain
    heartbeats: Heartbeats
    fetcher: Fetcher


def make_components(
    settings: ServerSettings,
    env: Environment,
    names: PublicNames,
    audit_log: AuditLog,
    *,
    store: SqlStore,
    ca_certificates: bytes | None,
) -> Components:
    """Everything that serves, on the running event loop. `ca_certificates` is None without TLS.

    Raises StartError for a file of issuers that cannot be used.
    """
    file = settings.instance_identity_file
    trust = NOBODY_TRUSTED if file is None else read_trust(file)
    issuers = () if settings.oidc_file is None else read_issuers(settings.oidc_file)
    executor = DatabaseExecutor(
        CONCURRENT_THREADS if store.is_concurrent else 1, reads_apart=store.reads_apart
    )
    origins = OriginReader(settings.trusted_proxies)
    authenticator = Authenticator(env)
    notifier = GatewayNotifier()
    polls = MessagePolls()

    async def authenticate(request: Request, origin: Origin, service: str) -> Caller:
        return await executor.run(authenticator.authenticate, request, origin, service)

    def origin_of(request: Request, peer: Peer) -> Origin:
        return origins.read(request, peer.address, is_secure=peer.is_secure)

    channels = Channels(env, notifier)
    gateway = Gateway(
        channels=channels,
        # Bounded by the gateway's own limit on sockets; the end of a session must get through.
        run=executor.run_always,
        authenticate=authenticate,
        origin_of=origin_of,
        check_host=names.check,
        notifier=notifier,
    )
    use_cases = _use_cases(env, notifier, trust, audit_log)
    handlers = handlers_for(use_cases)
    share_reads(executor, store, authenticator, channels, handlers)
    share_writes(executor, store, handlers)
    fetcher = Fetcher()
    verifier = WebIdentityVerifier(issuers, fetcher, now=env.now, clock=time.monotonic)

    async def verify_token(origin: Origin, token: str) -> WebIdentity | WebIdentityRefused:
        use_cases.web_identities.admit(origin)
        return await verifier.verify(token)

    api = Api(
        names=names,
        origins=origins,
        authenticator=authenticator,
        handlers=handlers,
        polls=polls,
        executor=executor,
        verify_token=verify_token,
        record_refusal=lambda caller, operation, error: record_refusal(env, caller, operation, None, error),
    )
    app = create_app(api, names, ca_certificates=ca_certificates, gateway_routes=tuple(gateway.routes))
    return Components(
        app=app,
        gateway=gateway,
        executor=executor,
        notifier=notifier,
        polls=polls,
        drain=use_cases.server_drain,
        heartbeats=use_cases.nodes.heartbeats,
        fetcher=fetcher,
    )


def names_of(settings: ServerSettings, port: int) -> tuple[PublicNames, list[str], str]:
    """Names for Host headers, names for the certificate, and the URL for administrators on this machine.

    `port` is the one that is really listened on.
    """
    listen = settings.listen
    own = [] if listen.is_wildcard else [listen.authority(port)]
    urls = settings.public_urls or tuple(f"{settings.scheme}://{authority}" for authority in own)
    local = [f"{host}:{port}" for host in ("localhost", "127.0.0.1", "[::1]")]
    names = PublicNames(urls, [*own, *local])
    hosts = [url.partition("://")[2] for url in urls] + own + local
    return names, list(dict.fromkeys(map(_without_port, hosts))), urls[0]


def _without_port(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0]
    return authority.partition(":")[0]


def _use_cases(
    env: Environment, notifier: AgentNotifier, trust: IdentityTrust, audit_log: AuditLog
) -> UseCases:
    drain = ServerDrain(env, notifier)
    return UseCases(
        sessions=Sessions(env, notifier, drain),
        activations=Activations(env),
        nodes=Nodes(env, notifier),
        fleet=Fleet(env, notifier),
        instance_identities=InstanceIdentities(env, notifier, trust),
        documents=Documents(env),
        identities=Identities(env),
        resource_tags=ResourceTags(env),
        mfa=Mfa(env),
        user_locks=UserLocks(env, notifier),
        security_tokens=SecurityTokens(env),
        web_identities=WebIdentities(env),
        managed_policies=ManagedPolicies(env),
        identity_changes=IdentityChanges(env),
        identity_tags=IdentityTags(env),
        groups=Groups(env),
        boundaries=Boundaries(env),
        attachments=Attachments(env),
        callers=Callers(env),
        server_drain=drain,
        service_settings=ServiceSettings(env),
        simulations=Simulations(env),
        explanations=Explanations(env),
        event_history=EventHistory(env, audit_log),
        audit_proofs=AuditProofs(env, audit_log),
    )
