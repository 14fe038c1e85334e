"""The few messages that the gateway itself writes, with the ids and dates they need."""

from collections.abc import Callable
from datetime import datetime

from fairlead.domain.aws_documents import AWS_OWNED_DOCUMENTS
from fairlead.domain.documents import SCHEMA_VERSION
from fairlead.domain.sessions import Session
from fairlead.protocol.acknowledgements import encode_one
from fairlead.protocol.control_channel import (
    ChannelClosed,
    ReturnPace,
    StartSession,
    TaskAcknowledge,
    encode_control_message,
)
from fairlead.protocol.message import (
    ACKNOWLEDGE,
    FLAG_SYN_FIN,
    make_frame,
    peek_message_id,
    peek_sequence_number,
    peek_type,
)
from fairlead.protocol.message_ids import MessageIds


class Messages:
    """Builds frames. `now` gives the wall clock (aware); `seed` is `SEED_BYTES` random bytes."""

    def __init__(self, now: Callable[[], datetime], seed: bytes) -> None:
        self._now = now
        self._ids = MessageIds(seed)

    def interactive_shell(self, session: Session) -> bytes:
        """Ask an agent to start a session."""
        return self._encode(
            StartSession(
                session.id,
                session.document_name,
                document_content(session),
                # Lists have been filled in, and our agent reads texts only.
                {name: value for name, value in session.parameters.items() if isinstance(value, str)},
                session.owner_arn,
            )
        )

    def channel_closed(self, session_id: str, destination_id: str, output: str = "") -> bytes:
        """Tell either side that a session is over. A client shows a non-empty `output` to its user."""
        return self._encode(
            ChannelClosed(
                session_id,
                destination_id=destination_id,
                created_date=self._now().isoformat(timespec="milliseconds"),
                output=output,
            )
        )

    def task_acknowledge(self, message_id: str, session_id: str) -> bytes:
        """Tell an agent that its completion of a session, sent under `message_id`, arrived."""
        return self._encode(TaskAcknowledge(message_id, session_id))

    def acknowledge(self, frame: bytes | memoryview) -> bytes:
        """Acknowledge a stream message once more. The message itself names all that its first
        acknowledgement named; the ends look at the number alone."""
        payload = encode_one(peek_type(frame), peek_message_id(frame), peek_sequence_number(frame))
        return make_frame(
            ACKNOWLEDGE,
            payload,
            message_id=self._ids.next_id(),
            created_date=int(self._now().timestamp() * 1000),
            flags=FLAG_SYN_FIN,
        )

    def return_pace(self, spread_s: int) -> bytes:
        """To an agent of ours: over how many seconds all of them come back."""
        return self._encode(ReturnPace(spread_s))

    def _encode(self, body: StartSession | ChannelClosed | TaskAcknowledge | ReturnPace) -> bytes:
        return encode_control_message(
            body,
            message_id=self._ids.next_id(),
            created_date=int(self._now().timestamp() * 1000),
        )


def document_content(session: Session) -> dict[str, object]:
    """The session document as the agent gets it: the parameters are filled in already, yet still declared,
    since the stock agent looks up every parameter that it is given."""
    document = session.document
    if document is None:
        of_aws = AWS_OWNED_DOCUMENTS.get(session.document_name)
        document = of_aws.content() if of_aws is not None else {}
    content: dict[str, object] = {
        "schemaVersion": SCHEMA_VERSION,
        "description": document.get("description", ""),
        "sessionType": session.session_type.value,
        "parameters": document.get("parameters", {}),
        "properties": dict(session.properties),
    }
    if document.get("inputs"):
        content["inputs"] = document["inputs"]
    return content


def readable(text: str, limit: int) -> str:
    """A peer's text on one line: control characters become blanks, and what is over `limit` is cut."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
