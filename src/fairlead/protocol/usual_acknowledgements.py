"""The acknowledgement of one message, in the very form in which every program writes it.

For a gateway that sees one for each kilobyte: ten times as fast as reading it as JSON. By itself, since
compiling an expression takes half a millisecond, which the ProxyCommand path does not have.
"""

from __future__ import annotations

import re

_PAYLOAD = re.compile(
    rb'\{"AcknowledgedMessageType":"[a-z_]{1,32}","AcknowledgedMessageId":"[0-9a-f-]{36}",'
    rb'"AcknowledgedMessageSequenceNumber":(0|[1-9][0-9]{0,17}),"IsSequentialMessage":true\}'
)


def usual_sequence(payload: bytes | memoryview) -> int | None:
    """The number that it acknowledges; None: `parse_acknowledgement` is yet to say what this is."""
    found = _PAYLOAD.fullmatch(payload)
    return None if found is None else int(found[1])
