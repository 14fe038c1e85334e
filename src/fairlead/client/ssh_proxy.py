"""One session on stdin and stdout, from its grant to its end: what `fairlead proxy` and the plugin share.

Opens the WebSocket, runs the poll loop, brings a lost connection back, and turns the way the session ended
into an exit status or one line of text. Starting the session is the caller's part.
"""

from __future__ import annotations

import os
import time

from fairlead.client.errors import ClientError, SessionEnded
from fairlead.client.failures import say
from fairlead.client.reconnect import Reconnector
from fairlead.client.resume_secrets import ResumeSecrets
from fairlead.client.session_subject import SSH_DOCUMENT
from fairlead.client.signals import Interrupted
from fairlead.protocol.data_channel import DataChannel
from fairlead.protocol.message_ids import SEED_BYTES, MessageIds, format_message_id
from fairlead.protocol.open_channel import RESUME_UNKNOWN, ClientOpen
from fairlead.protocol.roles import CLIENT
from fairlead.protocol.settings import CLIENT_VERSION, ChannelSettings
from fairlead.transport import mask
from fairlead.transport.addresses import parse_endpoint
from fairlead.transport.errors import TransportError, printable
from fairlead.transport.heap import keep_freed_memory
from fairlead.transport.poll_endpoint import Outcome, PollEndpoint
from fairlead.transport.upgrade import takes_resume_secrets
from fairlead.transport.websocket_link import WebSocketLink, open_websocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fairlead.client.api_calls import SessionApi, SessionGrant
    from fairlead.client.debug_log import DebugLog
    from fairlead.client.patience import Patience
    from fairlead.client.session_subject import SessionSubject
    from fairlead.client.signals import SignalWatch
    from fairlead.protocol.events import HandshakeFinished
    from fairlead.transport.dialer import Dialer
    from fairlead.transport.local_stream import LocalStream

GOODBYE_TIMEOUT_S = 3.0
"""For a TerminateSession that nobody waits for."""


class SshProxy:
    """One session. Without `patience` its first connection is tried once. `random` and `clock` are arguments
    for the sake of tests."""

    def __init__(
        self,
        subject: SessionSubject,
        grant: SessionGrant,
        api: SessionApi,
        dialer: Dialer,
        local: LocalStream,
        watch: SignalWatch,
        log: DebugLog,
        *,
        resume_window_s: float,
        patience: Patience | None = None,
        random: Callable[[int], bytes] = os.urandom,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._subject = subject
        self._grant = grant
        self._api = api
        self._dialer = dialer
        self._local = local
        self._watch = watch
        self._log = log
        self._patience = patience
        self._random = random
        self._clock = clock
        self._end_is_known = False
        self._stream_url = grant.stream_url
        self._secrets = ResumeSecrets(random)
        self._ids = MessageIds(random(SEED_BYTES))
        self._client_id = format_message_id(self._ids.next_id())
        self._channel = DataChannel(
            CLIENT,
            ChannelSettings(CLIENT_VERSION, zero_digest=subject.document_name == SSH_DOCUMENT),
            MessageIds(random(SEED_BYTES)),
            time.time() - clock(),
        )
        self._endpoint = PollEndpoint(
            self._channel,
            local,
            wake_descriptor=watch.descriptor,
            on_start=self._refusal,
            log=log.write,
            clock=clock,
        )
        self._reconnector = Reconnector(
            api,
            self._open_link,
            self._open_again,
            window_s=resume_window_s,
            clock=clock,
            chance=lambda: int.from_bytes(random(4), "big") / 2**32,
            pause=self._pause,
            log=log.write,
        )

    def run(self) -> int:
        """Carry the session to its end; the exit status. Raises `SessionEnded` or a `TransportError` when it
        failed; the session is terminated then."""
        if not mask.is_fast:
            self._log.write("the C mask function of the websockets package is missing: uploads will be slow")
        keep_freed_memory()
        try:
            return self._run()
        except Interrupted:
            return self._watch.exit_status
        finally:
            self._watch.raises = False
            self._local.restore()
            if not self._end_is_known:
                self._terminate()
            self._api.close()

    def _run(self) -> int:
        link = self._first_link()
        while True:
            self._endpoint.attach(link)
            outcome = self._run_loop()
            self._log.write(f"{outcome.kind}: {outcome.text}")
            if link.has_received:
                self._secrets.confirmed()
            elif outcome.close_code == RESUME_UNKNOWN:
                self._secrets.refused()
            if outcome.kind != Outcome.CONNECTION_LOST:
                # Told by the gateway, or we told the agent, which takes no word before its handshake.
                self._end_is_known = outcome.kind == Outcome.PEER_END or self._endpoint.has_started
                return self._status(outcome)
            restored = None if self._endpoint.is_leaving else self._restore(outcome.text)
            if restored is None:
                return self._exit_status()
            link = restored
            self._channel.connection_restored(self._clock())

    def _first_link(self) -> WebSocketLink:
        """The token of the grant is shown when a link stands, so that a further attempt may use it, too."""
        if self._patience is None:
            return self._open_link(self._grant)
        return self._patience.insist(lambda: self._open_link(self._grant))

    def _run_loop(self) -> Outcome:
        self._watch.raises = False
        try:
            return self._endpoint.run()
        finally:
            self._watch.raises = self._watch.received is None

    def _exit_status(self) -> int:
        """For a session that ended on this side. Raises `SessionEnded` when bytes were lost here."""
        if self._watch.received is not None:
            return self._watch.exit_status
        if self._local.failure:
            raise SessionEnded(self._local.failure)
        return 0

    def _status(self, outcome: Outcome) -> int:
        """The exit status of a session that ended as it should; else raise why not."""
        subject, session_id = self._subject, self._grant.session_id
        if outcome.kind == Outcome.LOCAL_END or self._watch.received is not None:
            return self._exit_status()
        if outcome.kind == Outcome.CONNECT_FAILED:
            port = f"port {subject.port}" if subject.port else "the port"
            raise SessionEnded(
                f"{subject.target} does not accept connections on {port}: is sshd running there?"
            )
        if outcome.text:
            raise SessionEnded(f"session {session_id} to {subject.target} ended: {printable(outcome.text)}")
        if self._endpoint.received_bytes == 0 and not self._endpoint.input_has_ended:
            raise SessionEnded(f"session {session_id} ended before {subject.target} sent anything")
        return self._exit_status()

    # -- connections --

    def _open_link(self, grant: SessionGrant) -> WebSocketLink:
        """Connect to the grant's stream URL and queue the open frame with its token."""
        self._stream_url = grant.stream_url
        link, takes_secrets = self._connect()
        self._secrets.forget()
        digest = self._secrets.begin() if takes_secrets else ""
        self._send_open(link, grant.token_value, "", digest)
        return link

    def _open_again(self) -> WebSocketLink | None:
        """Connect where the session's gateway was, and queue an open frame with our secret for a token.

        None when there is no secret, or when who answers there now takes none.
        """
        if not self._secrets.can_come_back:
            return None
        link, takes_secrets = self._connect()
        if not takes_secrets:
            self._secrets.forget()
            link.close()
            return None
        self._send_open(link, "", *self._secrets.show())
        return link

    def _connect(self) -> tuple[WebSocketLink, bool]:
        """A WebSocket to the stream URL, and whether the gateway there takes resume secrets."""
        endpoint = parse_endpoint(self._stream_url)
        sock = self._api.take_connection(endpoint)
        opened = None
        if sock is not None:
            try:
                opened = open_websocket(sock, endpoint, self._random)
            except TransportError as exc:
                self._log.write(f"the API's connection did not become a WebSocket: {exc}")
                sock.close()
                sock = None
        if sock is None or opened is None:
            sock = self._dialer.dial(endpoint)
            try:
                opened = open_websocket(sock, endpoint, self._random)
            except BaseException:
                sock.close()
                raise
        head, leftover = opened
        self._log.write(
            f"opened the data channel of session {self._grant.session_id} at {endpoint.authority}"
        )
        return WebSocketLink(sock, leftover, self._random, self._clock()), takes_resume_secrets(head)

    def _send_open(self, link: WebSocketLink, token: str, secret: str, digest: str) -> None:
        link.send_text(
            ClientOpen(
                format_message_id(self._ids.next_id()),
                token,
                self._client_id,
                CLIENT_VERSION,
                resume_secret=secret,
                resume_digest=digest,
            ).encode()
        )

    def _restore(self, reason: str) -> WebSocketLink | None:
        try:
            return self._reconnector.restore(self._grant.session_id, reason)
        except SessionEnded as exc:
            self._end_is_known = exc.is_certain
            self._endpoint.finish_local()
            raise

    def _pause(self, seconds: float) -> bool:
        # A signal that came while the loop was losing its connection has raised nothing.
        if self._watch.received is None:
            time.sleep(seconds)
        return self._watch.received is None and not self._local.reader_is_gone

    def _terminate(self) -> None:
        """Ask the service to end the session, as a courtesy: it ends without us as well, only later."""
        self._api.timeout_s = GOODBYE_TIMEOUT_S
        try:
            self._api.terminate_session(self._grant.session_id)
        except (ClientError, TransportError) as exc:
            self._log.write(f"TerminateSession failed: {exc}")

    # -- the start --

    def _refusal(self, started: HandshakeFinished) -> str | None:
        """Why the session that the agent has announced cannot be carried here; None when it can."""
        if started.customer_message:
            say(self._subject.program, started.customer_message)
        if started.session_type != "Port":
            return (
                f"sessions of type {printable(started.session_type, 40)} are not supported by this client yet"
            )
        kind = (started.properties or {}).get("type")
        if kind:
            return f"port sessions of type {printable(str(kind), 40)} are not supported by this client yet"
        return None
