"""Which loopback address a session's connection comes from.

Behind an agent, sshd sees every user at 127.0.0.1. Its limits per source address (`PerSourceMaxStartups`,
`PerSourcePenalties`) then punish all users for one. All of 127.0.0.0/8 is loopback on Linux, so each
principal gets a stable address of its own there. Pure.
"""

from __future__ import annotations

from hashlib import sha256


def source_address(principal: str) -> str:
    """A stable address in 127.1.0.1 to 127.254.255.254 for `principal` (an ARN).

    127.0.0.0/16, where local services use to listen, is left out, and so are last octets 0 and 255.
    """
    first, second, third = sha256(principal.encode("utf-8", "replace")).digest()[:3]
    return f"127.{1 + first % 254}.{second}.{1 + third % 254}"
