"""The chain of secrets with which a client of ours comes back to its session without a call of the API.

Each open frame promises the next secret by its SHA-256; coming back shows the secret that was promised
before. Nothing is sent to us that could be lost, but an open frame of ours can be, and then we do not know
whether the gateway took it. So what was not confirmed is shown again word for word, which the gateway knows
for what it is; only when that is refused is the promised secret tried, in case it was taken long ago.

See docs/protocol.md, "Losing and regaining a connection".
"""

from __future__ import annotations

from hashlib import sha256

from fairlead.protocol.open_channel import RESUME_SECRET_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class ResumeSecrets:
    """The secret to show next and the one that was promised with the last open frame; either may be empty."""

    __slots__ = ("_is_repeat", "_promised", "_random", "_secret")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._secret = ""
        self._promised = ""
        self._is_repeat = False

    @property
    def can_come_back(self) -> bool:
        """Whether there is a secret that the gateway may know."""
        return bool(self._secret or self._promised)

    def begin(self) -> str:
        """The digest to promise with a token: a new chain."""
        self._secret, self._promised = "", self._new_secret()
        return digest_of(self._promised)

    def show(self) -> tuple[str, str]:
        """The secret to show and the digest to promise, for one attempt to come back."""
        if not self._secret:
            self._secret, self._promised = self._promised, ""
        self._is_repeat = bool(self._promised)
        self._promised = self._promised or self._new_secret()
        return self._secret, digest_of(self._promised)

    def confirmed(self) -> None:
        """The gateway took the last open frame: it has sent something on that connection."""
        if self._promised:
            self._secret, self._promised = self._promised, ""

    def refused(self) -> None:
        """The gateway does not know the secret that was shown last."""
        self._secret, self._promised = (self._promised, "") if self._is_repeat else ("", "")

    def forget(self) -> None:
        """There is no coming back this way any more."""
        self._secret = self._promised = ""

    def _new_secret(self) -> str:
        return self._random(RESUME_SECRET_BYTES).hex()


def digest_of(secret: str) -> str:
    """The SHA-256 of a secret, both in hexadecimal."""
    return sha256(bytes.fromhex(secret)).hexdigest()
