"""Where a request came from, with what proxies in front of the server say of it, if they may be believed.

Forwarded headers count only from the addresses of trusted proxies, and are read from the right: the last
entry is the trusted proxy's own, and everything left of the first untrusted address is the sender's
invention.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from fairlead.aws.canonical import Request
from fairlead.control.text import printable
from fairlead.domain.callers import Origin

MAX_USER_AGENT_CHARACTERS = 256
"""A longer User-Agent is cut. Control characters are left out: it is shown to people."""

Network = IPv4Network | IPv6Network


class OriginReader:
    """Makes the origin of a request; knows the trusted proxies."""

    def __init__(self, trusted_proxies: Sequence[Network] = ()) -> None:
        self._trusted = tuple(trusted_proxies)

    def read(self, request: Request, peer_address: str, *, is_secure: bool, request_id: str = "") -> Origin:
        """`peer_address` and `is_secure` are those of the connection itself."""
        address = _parsed(peer_address)
        if address is not None and self._is_trusted(address):
            address = self._forwarded_for(request, address)
            schemes = request.header_values("x-forwarded-proto")
            is_secure = is_secure or (len(schemes) == 1 and schemes[0].strip().lower() == "https")
        agents = request.header_values("user-agent")
        return Origin(
            source_address=peer_address if address is None else str(address),
            user_agent=printable(agents[0], MAX_USER_AGENT_CHARACTERS) if agents else "",
            secure=is_secure,
            request_id=request_id,
        )

    def _forwarded_for(
        self, request: Request, address: IPv4Address | IPv6Address
    ) -> IPv4Address | IPv6Address:
        """The last address that is not a trusted proxy's; the proxy's own where there is no better one."""
        listed = ",".join(request.header_values("x-forwarded-for"))
        for text in reversed(listed.split(",")):
            forwarded = _parsed(text.strip())
            if forwarded is None:
                break
            address = forwarded
            if not self._is_trusted(address):
                break
        return address

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An IPv6 address that wraps an IPv4 one (dual-stack sockets) counts as the latter."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
