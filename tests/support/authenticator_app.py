"""An authenticator app: made from the seed that CreateVirtualMFADevice shows, with a clock from outside."""

import base64
from datetime import datetime

from fairlead.domain.totp import code_at, step_at


class AuthenticatorApp:
    """Codes of a seed in base32, with or without padding."""

    def __init__(self, base32: bytes) -> None:
        self._seed = base64.b32decode(base32 + b"=" * (-len(base32) % 8))

    def code(self, now: datetime, offset: int = 0) -> str:
        """The code that is `offset` steps after the one of now."""
        return code_at(self._seed, step_at(now) + offset)
