"""What use cases tell the gateway, after what they did is committed.

A lost notification does no harm: the gateway offers pending sessions again, and finds ended ones over.
"""

from typing import Protocol

from fairlead.domain.sessions import Session, SessionEnd


class AgentNotifier(Protocol):
    """Knows which nodes are connected, and passes news on to them.

    Called on the threads that run use cases: implementations are thread-safe, do not block and do not raise.
    """

    def session_started(self, session: Session) -> None:
        """Offer a new session to its node."""
        ...

    def session_terminated(self, session: Session, end: SessionEnd) -> None:
        """Tell both sides of a session that it is over, and close their channels."""
        ...

    def node_removed(self, node_id: str) -> None:
        """Close the control channel of a node that was deregistered."""
        ...

    def is_connected(self, node_id: str) -> bool:
        """True while the node has an open control channel."""
        ...

    def has_our_agent(self, node_id: str) -> bool:
        """True while the node's open control channel is that of our own agent."""
        ...

    def is_reconnecting(self, node_id: str) -> bool:
        """True while a node that was connected before the server's start is expected to be so again."""
        ...

    def bytes_of(self, session_id: str) -> tuple[int, int]:
        """What an active session has carried until now: bytes to the node, and to the client."""
        ...
