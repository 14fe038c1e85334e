"""One transaction over all repositories.

A use case does everything in one unit of work, the audit record included; what it wants to tell others, it
tells after the commit.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from fairlead.domain.activations import ActivationRepository
from fairlead.domain.audit import AuditRepository
from fairlead.domain.groups import GroupRepository
from fairlead.domain.identities import IdentityRepository
from fairlead.domain.instance_identity import InstanceRegistrationRepository
from fairlead.domain.managed_policies import ManagedPolicyRepository
from fairlead.domain.mfa import MfaRepository
from fairlead.domain.nodes import NodeRepository
from fairlead.domain.service_settings import ServiceSettingRepository
from fairlead.domain.sessions import SessionRepository
from fairlead.domain.stored_documents import DocumentRepository


class UnitOfWork(Protocol):
    """The repositories of one transaction."""

    @property
    def sessions(self) -> SessionRepository: ...
    @property
    def nodes(self) -> NodeRepository: ...
    @property
    def instance_registrations(self) -> InstanceRegistrationRepository: ...
    @property
    def activations(self) -> ActivationRepository: ...
    @property
    def identities(self) -> IdentityRepository: ...
    @property
    def groups(self) -> GroupRepository: ...
    @property
    def managed_policies(self) -> ManagedPolicyRepository: ...
    @property
    def mfa(self) -> MfaRepository: ...
    @property
    def documents(self) -> DocumentRepository: ...
    @property
    def service_settings(self) -> ServiceSettingRepository: ...
    @property
    def audit(self) -> AuditRepository: ...


class Store(Protocol):
    """Gives out units of work."""

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """Commits when the block ends, rolls back when it raises."""
        ...

    def once_committed(self, tell: Callable[[], None]) -> None:
        """Do this when what this thread has written is committed.

        That is now, unless several calls share a transaction; never if it is not.
        """
        ...

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """A consistent view that is never written through."""
        ...
