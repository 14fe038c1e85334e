"""The store: transactions over all repositories."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from fairlead.domain.errors import StorageFull
from fairlead.store.activations import SqlActivations
from fairlead.store.audit import SqlAudit
from fairlead.store.documents import SqlDocuments
from fairlead.store.engine import for_reading, is_disk_full, is_in_memory, reading, writing
from fairlead.store.groups import SqlGroups
from fairlead.store.identities import SecretSealer, SqlIdentities
from fairlead.store.instance_registrations import SqlInstanceRegistrations
from fairlead.store.managed_policies import SqlManagedPolicies
from fairlead.store.mfa import SqlMfa
from fairlead.store.nodes import SqlNodes
from fairlead.store.service_settings import SqlServiceSettings
from fairlead.store.sessions import SqlSessions
from fairlead.store.shared_reads import SharedIdentities, SharedManagedPolicies, SharedNodes, SharedSessions
from fairlead.store.shared_writes import SharedTransaction


class SqlUnitOfWork:
    """domain.unit_of_work.UnitOfWork over one connection in one transaction."""

    def __init__(self, connection: Connection, sealer: SecretSealer) -> None:
        self.sessions = SqlSessions(connection)
        self.nodes = SqlNodes(connection)
        self.activations = SqlActivations(connection)
        self.identities = SqlIdentities(connection, sealer)
        self.instance_registrations = SqlInstanceRegistrations(connection)
        self.groups = SqlGroups(connection)
        self.managed_policies = SqlManagedPolicies(connection)
        self.mfa = SqlMfa(connection, sealer)
        self.documents = SqlDocuments(connection)
        self.service_settings = SqlServiceSettings(connection)
        self.audit = SqlAudit(connection)


class SqlStore:
    """domain.unit_of_work.Store. Synchronous; the server calls it on its database threads."""

    def __init__(
        self, engine: Engine, sealer: SecretSealer, make_room: Callable[[], None] = lambda: None
    ) -> None:
        """`make_room` is called before each transaction that writes."""
        self._make_room = make_room
        self._engine = engine
        self._reader = for_reading(engine)
        self._sealer = sealer
        self._of_thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[SqlUnitOfWork]:
        """Commits when the block ends, rolls back when it raises. Raises StorageFull when the disk is.

        Within `shared_transaction` of this thread it is a part of that one.
        """
        shared = self._shared
        if shared is not None:
            with _full_disk_named(), shared.part() as work:
                yield work
            return
        self._make_room()
        with _full_disk_named(), writing(self._engine) as connection:
            yield SqlUnitOfWork(connection, self._sealer)

    @contextmanager
    def shared_transaction(self) -> Iterator[None]:
        """Until the block ends, the transactions of this thread are parts of one, which is committed then.

        Raises StorageFull, or what else keeps it from being committed: then nothing of any part is.
        """
        self._make_room()
        with _full_disk_named(), writing(self._engine) as connection:
            shared = SharedTransaction(connection, SqlUnitOfWork(connection, self._sealer))
            self._of_thread.shared = shared
            try:
                yield
            finally:
                del self._of_thread.shared
            shared.require_sound()
        shared.tell_news()

    def once_committed(self, tell: Callable[[], None]) -> None:
        """Do this when what this thread has written is committed: now, unless a transaction is shared."""
        shared = self._shared
        if shared is None:
            tell()
        else:
            shared.keep_news(tell)

    @property
    def _shared(self) -> SharedTransaction[SqlUnitOfWork] | None:
        return getattr(self._of_thread, "shared", None)

    @contextmanager
    def read(self) -> Iterator[SqlUnitOfWork]:
        """A view that nothing is to be written through: of one moment in SQLite, as READ COMMITTED in
        PostgreSQL."""
        view: SqlUnitOfWork | None = getattr(self._of_thread, "view", None)
        if view is None and self._shared is not None:
            view = self._shared.work
        if view is not None:
            yield view
            return
        with reading(self._reader) as connection:
            yield SqlUnitOfWork(connection, self._sealer)

    @contextmanager
    def shared_view(self, node_ids: Collection[str]) -> Iterator[None]:
        """Until the block ends, every `read` of this thread gives one and the same view.

        For many calls that only read. Those of `node_ids` that exist are read beforehand: a hint, not a
        bound.
        """
        with reading(self._reader) as connection:
            view = SqlUnitOfWork(connection, self._sealer)
            view.nodes = SharedNodes(connection, node_ids)
            view.sessions = SharedSessions(connection, node_ids)
            view.identities = SharedIdentities(connection, self._sealer)
            view.managed_policies = SharedManagedPolicies(connection)
            self._of_thread.view = view
            try:
                yield
            finally:
                del self._of_thread.view

    @property
    def is_concurrent(self) -> bool:
        """True when several threads may run transactions at once; SQLite has one writer."""
        return self._engine.dialect.name != "sqlite"

    @property
    def reads_apart(self) -> bool:
        """True when another thread than one that writes may read; a database in memory has one connection."""
        return self.is_concurrent or not is_in_memory(self._engine.url)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


@contextmanager
def _full_disk_named() -> Iterator[None]:
    """Raise StorageFull for what the database says when there is no room."""
    try:
        yield
    except OperationalError as error:
        if not is_disk_full(error):
            raise
        raise StorageFull from error
