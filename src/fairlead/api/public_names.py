"""The names under which the world reaches this server, and what a Host header may say.

Only names that were configured count: a Host header is the sender's text, and it decides where a client is
sent to open its data channel.
"""

from collections.abc import Iterable, Sequence
from urllib.parse import SplitResult, urlsplit

from fairlead.aws.errors import excerpt
from fairlead.domain.errors import HostRefused

_DEFAULT_PORTS = {"https": 443, "http": 80}


class PublicNames:
    """Public URLs, the preferred one first, and further addresses that lead here too."""

    def __init__(self, urls: Sequence[str], also: Iterable[str] = ()) -> None:
        """`urls` are `https://name[:port]` or `http://…`; `also` are more `name[:port]` of Host headers."""
        parts = [urlsplit(url) for url in urls]
        self._preferred = _stream_base_url(parts[0])
        self._scheme = parts[0].scheme
        self._base_urls: dict[str, str] = {}
        for authority in also:
            self._base_urls[self._normal(authority)] = self._preferred
        for part in parts:
            self._base_urls[_normal_authority(part.netloc, part.scheme)] = _stream_base_url(part)

    def check(self, hosts: Sequence[str]) -> str:
        """The one Host header of a request; raises HostRefused unless it is there once and names us."""
        if len(hosts) != 1:
            raise HostRefused("The request must have one Host header.")
        if not self.contains(hosts[0]):
            raise HostRefused(
                f"This server is not known as '{excerpt(hosts[0])}'. Use one of its own names in the "
                "endpoint URL, or start it with this one as a further --public-url."
            )
        return hosts[0]

    def contains(self, host: str) -> bool:
        """True if a Host header may say this."""
        return self._normal(host) in self._base_urls

    def stream_base_url(self, host: str) -> str:
        """Where clients that reached us as `host` open data channels: by that name if it is a public one."""
        return self._base_urls.get(self._normal(host), self._preferred)

    def _normal(self, authority: str) -> str:
        return _normal_authority(authority, self._scheme)


def _normal_authority(authority: str, scheme: str) -> str:
    """`name:port` in lower case with the port always there; any text may come in."""
    name, colon, port = authority.lower().rpartition(":")
    if not colon or not port.isdigit() or (name.startswith("[") and not name.endswith("]")):
        name, port = authority.lower(), str(_DEFAULT_PORTS[scheme])
    return f"{name.rstrip('.')}:{port}"


def _stream_base_url(url: SplitResult) -> str:
    return f"{'ws' if url.scheme == 'http' else 'wss'}://{url.netloc}"
