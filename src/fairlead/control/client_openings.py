"""How a client opens its side of a data channel: with a token, or coming back with its resume secret.

A token was given, just now, to a caller who was allowed to have it. A secret may be old, so the owner's right
to start such a session is looked at as it is at this moment: a user who was denied or deleted meanwhile does
not come back, and his session ends. That his credentials have expired does not matter. Whoever shows a secret
that was used before has it from somebody else: that ends the session too, since nobody can tell which of the
two is the thief (RFC 9700 §4.14.2).

Decided, changed and recorded in one transaction, in which nobody else has the session. What is refused for
want of proof says nothing about the session. Why in this way: docs/decisions/0008.
"""

import hashlib
from collections.abc import Callable

from fairlead.control.audit import security_record
from fairlead.control.channel_tokens import take_token
from fairlead.control.document_lookup import find_document
from fairlead.control.environment import Environment
from fairlead.control.notifier import AgentNotifier
from fairlead.control.principals import owner_at_start, present_owner
from fairlead.control.references import document_reference
from fairlead.control.security_events import SecurityEvents
from fairlead.control.session_access import authorize_start
from fairlead.control.text import MAX_DETAILS_CHARACTERS, printable
from fairlead.control.throttling import TokenBuckets
from fairlead.domain.callers import Caller, Origin
from fairlead.domain.documents import SessionType
from fairlead.domain.errors import (
    AccessDenied,
    InvalidChannelToken,
    SessionEnded,
    Throttled,
    UnknownResumeSecret,
)
from fairlead.domain.resumption import ClientClaim, ResumeChain, ResumeVerdict
from fairlead.domain.sessions import ChannelSide, EndReason, Session, SessionEnd, SessionStatus
from fairlead.domain.unit_of_work import UnitOfWork
from fairlead.policy.decision import Decision
from fairlead.protocol.versions import client_too_old_text, is_client_too_old

_EVENTS = {
    EndReason.ACCESS_REVOKED: "SessionAccessRevoked",
    EndReason.RESUME_REUSED: "ResumeSecretReused",
    EndReason.CLIENT_OUTDATED: "ClientRefused",
    EndReason.CLIENT_UNSUPPORTED: "ClientRefused",
}
_NEEDS_STOCK_CLIENT = "Fairlead's own carries plain streams to a port; use AWS's session-manager-plugin"


class ClientOpenings:
    """The use case of a client's open frame."""

    def __init__(self, env: Environment, notifier: AgentNotifier, events: SecurityEvents) -> None:
        self._env = env
        self._notifier = notifier
        self._events = events
        self._throttle = TokenBuckets(env.settings.reattachment_rate, env.settings.rate_limited_keys)

    def open(
        self, session_id: str, claim: ClientClaim, origin: Origin, may_record_refusal: Callable[[], bool]
    ) -> Session:
        """The session whose client side is open now. Tokens and secrets of before are void.

        `may_record_refusal` is asked for a refusal for want of proof only, which anybody can cause. Raises
        InvalidChannelToken, UnknownResumeSecret, Throttled, or SessionEnded: it was over, or is now.
        """
        with self._env.store.transaction() as uow:
            session = uow.sessions.find(session_id, to_change=True)
            verdict = self._judge(uow, session_id, session, claim)
            end = None
            if session is not None and session.status.is_active and verdict is not ResumeVerdict.UNKNOWN:
                end = self._admit(uow, session, claim, verdict, origin)
        if session is None or verdict is ResumeVerdict.UNKNOWN:
            raise self._refused(session_id, claim, origin if may_record_refusal() else None)
        if end is not None:
            self._notifier.session_terminated(session, end)
            raise SessionEnded(end.explanation)
        return active(session)

    def _judge(
        self, uow: UnitOfWork, session_id: str, session: Session | None, claim: ClientClaim
    ) -> ResumeVerdict:
        """What the claim proves. One that a session which is over has seen before proves nothing."""
        if not claim.resume_secret:
            holder = session.owner_id if session is not None else ""
            is_good = take_token(self._env, uow, claim.token, ChannelSide.CLIENT, session_id, holder)
            return ResumeVerdict.GOOD if is_good else ResumeVerdict.UNKNOWN
        chain = uow.sessions.resume_chain(session_id)
        if session is None or chain is None:
            return ResumeVerdict.UNKNOWN
        shown = hashlib.sha256(bytes.fromhex(claim.resume_secret)).digest()
        verdict = chain.judge(shown, claim.promised_digest, self._env.now())
        is_late = verdict is ResumeVerdict.REUSED and not session.status.is_active
        return ResumeVerdict.UNKNOWN if is_late else verdict

    def _admit(
        self, uow: UnitOfWork, session: Session, claim: ClientClaim, verdict: ResumeVerdict, origin: Origin
    ) -> SessionEnd | None:
        """Let the client in, or end the session and say how."""
        owner = owner_at_start(session, origin)
        if verdict is ResumeVerdict.REUSED:
            return self._end(uow, session, owner, EndReason.RESUME_REUSED, "")
        if session.session_type is SessionType.PORT and is_client_too_old(claim.version):
            text = client_too_old_text(claim.version)
            return self._end(uow, session, owner, EndReason.CLIENT_OUTDATED, text)
        if claim.is_ours and not session.is_raw_stream:
            return self._end(uow, session, owner, EndReason.CLIENT_UNSUPPORTED, _NEEDS_STOCK_CLIENT)
        if claim.resume_secret:
            if not self._throttle.take(session.id, self._env.now()):
                raise Throttled
            try:
                decision = self._present_right(uow, session, origin)
            except AccessDenied as error:
                return self._end(uow, session, owner, EndReason.ACCESS_REVOKED, str(error), error.decision)
            self._record(uow, owner, "SessionReattached", {"sessionId": session.id}, decision)
        self._keep_promise(uow, session, claim, verdict)
        return None

    def _present_right(self, uow: UnitOfWork, session: Session, origin: Origin) -> Decision:
        """Raises AccessDenied if the owner could not start this session now."""
        owner = present_owner(uow, session, origin)
        found = find_document(uow, owner.scope, document_reference(owner, session.document_name))
        node = uow.nodes.get(owner.scope, session.target)
        settings = self._env.settings
        return authorize_start(
            uow,
            owner,
            self._env.now(),
            session.target,
            node,
            found,
            # Whether a session with the default document had named it is not remembered: its owner could
            # start another one without.
            is_document_left_out=found.reference.is_default and not settings.default_document_is_checked,
        )

    def _keep_promise(
        self, uow: UnitOfWork, session: Session, claim: ClientClaim, verdict: ResumeVerdict
    ) -> None:
        uow.sessions.void_tokens(session.id, ChannelSide.CLIENT)
        if verdict is ResumeVerdict.REPEATED:
            return
        chain = uow.sessions.resume_chain(session.id) if claim.resume_secret else None
        if chain is not None:
            chain = chain.moved(claim.promised_digest, self._env.now())
        elif claim.promised_digest:
            chain = ResumeChain(current=claim.promised_digest)
        uow.sessions.set_resume_chain(session.id, chain)

    def _end(
        self,
        uow: UnitOfWork,
        session: Session,
        owner: Caller,
        reason: EndReason,
        details: str,
        decision: Decision | None = None,
    ) -> SessionEnd:
        details = printable(details, MAX_DETAILS_CHARACTERS)
        end = SessionEnd(status=SessionStatus.TERMINATED, reason=reason, details=details)
        uow.sessions.set_end(session.id, end, self._env.now())
        uow.sessions.void_tokens(session.id)
        self._record(uow, owner, _EVENTS[reason], {"sessionId": session.id, "message": details}, decision)
        return end

    def _record(
        self, uow: UnitOfWork, owner: Caller, name: str, details: dict[str, str], decision: Decision | None
    ) -> None:
        uow.audit.add(security_record(self._env, owner, name, details, decision))

    def _refused(
        self, session_id: str, claim: ClientClaim, origin: Origin | None
    ) -> InvalidChannelToken | UnknownResumeSecret:
        if not claim.resume_secret:
            return token_refused(self._events, origin, ChannelSide.CLIENT, session_id)
        if origin is not None:
            self._events.record(origin, "ResumeSecretRefused", {"channelId": session_id})
        return UnknownResumeSecret()


def token_refused(
    events: SecurityEvents, who: Caller | Origin | None, side: ChannelSide, channel_id: str
) -> InvalidChannelToken:
    """The refusal of a token, recorded if it is known who showed it."""
    if who is not None:
        events.record(who, "ChannelTokenRefused", {"side": side.value, "channelId": channel_id})
    return InvalidChannelToken(
        "The token is not valid for this channel: unknown, used, expired or given to another side."
    )


def active(session: Session) -> Session:
    """The session, if it is not over. Raises SessionEnded with the reason."""
    if not session.status.is_active:
        raise SessionEnded(session.end.explanation if session.end is not None else None)
    return session
