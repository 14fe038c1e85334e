"""One-time codes by time: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds, as AWS has them.

Which steps were used, and how many wrong codes there were, is kept with the device (`mfa`).
"""

import hmac
from collections.abc import Iterable
from datetime import datetime

STEP_S = 30
DIGITS = 6
SEED_BYTES = 32
"""Length of a new seed; RFC 4226 asks for 20 at least."""


def step_at(moment: datetime) -> int:
    """The number of the step that a moment lies in."""
    return int(moment.timestamp()) // STEP_S


def code_at(seed: bytes, step: int) -> str:
    """The code of a step (RFC 4226 §5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(seed: bytes, steps: Iterable[int], *codes: str) -> int | None:
    """The last step of the first run of steps that has these codes; `steps` are where a run may begin.

    How long it takes does not depend on the codes.
    """
    shown = "".join(codes).encode()
    found = None
    for first in steps:
        run = "".join(code_at(seed, first + number) for number in range(len(codes))).encode()
        if hmac.compare_digest(run, shown) and found is None:
            found = first + len(codes) - 1
    return found
