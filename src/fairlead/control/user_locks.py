"""Locking a user out, and letting him in again.

One transaction turns his access keys off, voids his temporary credentials (also those of roles that he took
on) and ends his sessions; both sides are told after the commit. What a lock voids stays void after it: of the
user's credentials only the access keys that it turned off come back.
"""

from fairlead.control.calls import Call, perform
from fairlead.control.environment import Environment
from fairlead.control.identity_lookup import authorized_user
from fairlead.control.notifier import AgentNotifier
from fairlead.domain.callers import Caller, CallerKind
from fairlead.domain.errors import AccessDenied, InvalidRequest
from fairlead.domain.operations import user_locks as operations
from fairlead.domain.sessions import ChannelSide, EndReason, Session, SessionEnd, SessionStatus

_END = SessionEnd(status=SessionStatus.TERMINATED, reason=EndReason.USER_LOCKED)


class UserLocks:
    """The use cases of locks."""

    def __init__(self, env: Environment, notifier: AgentNotifier) -> None:
        self._env = env
        self._notifier = notifier

    def lock_user(self, caller: Caller, request: operations.LockUserRequest) -> operations.LockUserResponse:
        """Lock a user out; locked, he stays so. Raises AccessDenied, NoSuchEntity or InvalidRequest."""

        def work(call: Call) -> operations.LockUserResponse:
            user = authorized_user(call, request.user_name)
            if user.id == _user_behind(caller):
                raise InvalidRequest("You cannot lock yourself out.")
            keys = call.uow.identities.lock_user(user.id, call.now)
            ended = [each for each in call.uow.sessions.active_of_user(user.id) if self._end(call, each)]
            return operations.LockUserResponse(
                user_name=user.name,
                locked_since=user.locked_at or call.now,
                access_key_count=keys,
                session_count=len(ended),
            )

        return perform(self._env, caller, operations.LOCK_USER, request, work)

    def unlock_user(
        self, caller: Caller, request: operations.UnlockUserRequest
    ) -> operations.UnlockUserResponse:
        """Let a user in again, if he is locked. Raises AccessDenied or NoSuchEntity."""

        def work(call: Call) -> operations.UnlockUserResponse:
            user = authorized_user(call, request.user_name)
            is_locked = user.locked_at is not None
            keys = call.uow.identities.unlock_user(user.id, call.now) if is_locked else 0
            return operations.UnlockUserResponse(user_name=user.name, access_key_count=keys)

        return perform(self._env, caller, operations.UNLOCK_USER, request, work)

    def _end(self, call: Call, session: Session) -> bool:
        if not call.uow.sessions.set_end(session.id, _END, call.now):
            return False
        call.uow.sessions.void_tokens(session.id, ChannelSide.AGENT)
        call.after_commit(lambda: self._notifier.session_terminated(session, _END))
        return True


def require_unlocked(call: Call) -> None:
    """Raise AccessDenied if the caller was locked out after he had proven who he is.

    His user is held until the transaction ends: a lock comes before all of it or sees what it leaves behind.
    """
    user_id = _user_behind(call.caller)
    user = None if user_id is None else call.uow.identities.get_user_by_id(user_id, to_change=True)
    temporary = call.caller.temporary
    if user is not None and user.voids(None if temporary is None else temporary.issued_at):
        raise AccessDenied(f"{call.caller.arn} was locked.")


def _user_behind(caller: Caller) -> str | None:
    """The unique id of the user that a caller is, or was before he took on a role."""
    if caller.kind is CallerKind.USER:
        return caller.principal_id
    return None if caller.temporary is None else caller.temporary.user_id
