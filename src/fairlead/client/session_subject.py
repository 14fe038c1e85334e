"""What a session is about, for the texts that a user sees."""

from __future__ import annotations

SSH_DOCUMENT = "AWS-StartSSHSession"
"""The document whose stream is SSH."""


class SessionSubject:
    """Who asks for a session, to where and by which document. `port` may be unknown (empty)."""

    __slots__ = ("document_name", "port", "program", "target")

    def __init__(self, program: str, target: str, port: str, document_name: str) -> None:
        self.program = program
        self.target = target
        self.port = port
        self.document_name = document_name
