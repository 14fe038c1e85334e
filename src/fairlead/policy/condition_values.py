"""The values of conditions as numbers, moments, networks and ARN patterns.

Every reader returns None for what it cannot read: in a request's context that is a value which matches
nothing; in a document `operators` refuses it. Forms: IAM User Guide, "IAM JSON policy elements: Condition
operators".
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from fairlead.policy.matching import ARN_FIELDS, EVERYTHING
from fairlead.policy.wildcards import Glob, Token, Wildcard, compile_glob

_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_EPOCH = re.compile(r"[0-9]{1,3}|[0-9]{5,15}(?:\.[0-9]{1,9})?", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?)?)?",
    re.ASCII,
)
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(?:/[0-9]{1,3})?", re.ASCII)

_MAPPED_BITS = 96
"""Before the IPv4 address in one in IPv6 form (RFC 4291 §2.5.5.2)."""


def read_number(text: str) -> Decimal | None:
    """An integer or a decimal number."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def read_moment(text: str) -> Decimal | None:
    """Seconds since 1970 from the W3C's profile of ISO 8601 or from such seconds.

    Four digits are a year. A time without its zone is UTC.
    """
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or default) for part, default in _with_defaults(found))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(found[8]))
        whole = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    return Decimal(whole) + Decimal(found[7] or 0)


def _with_defaults(found: "re.Match[str]") -> Iterable[tuple[str | None, int]]:
    return zip(found.groups()[:6], (1, 1, 1, 0, 0, 0), strict=True)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:]))
    return timezone(-offset if text[0] == "-" else offset)


def read_boolean(text: str) -> bool | None:
    """`true` or `false` in any case."""
    return {"true": True, "false": False}.get(text.lower())


def read_binary(text: str) -> bytes | None:
    """Base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=64)
def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; an IPv4 one in IPv6 form (`::ffff:192.0.2.1`) is the IPv4 one.

    Kept: each condition on the peer's address of a request reads the same text.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_network(text: str) -> IPv4Network | IPv6Network | None:
    """A network as `address/bits`; an address alone is a network of one.

    One of IPv4 addresses in IPv6 form is that of the IPv4 ones, as `read_address` has it.
    """
    if not _NETWORK.fullmatch(text):
        return None
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


class ArnPattern:
    """Six fields compared one by one, each with wildcards of its own. A lone `*` is any ARN."""

    __slots__ = ("_fields",)

    def __init__(self, fields: tuple[Glob, ...]) -> None:
        self._fields = fields

    def matches(self, arn: str) -> bool:
        """Does the pattern match the whole ARN? Case counts."""
        values = arn.split(":", ARN_FIELDS - 1)
        return len(values) == ARN_FIELDS and all(map(Glob.matches, self._fields, values))


def arn_pattern(tokens: Iterable[Token]) -> ArnPattern | None:
    """Compile; None for a pattern without six fields. Colons that a variable brought in part fields, too."""
    fields: list[list[Token]] = [[]]
    for token in tokens:
        if isinstance(token, Wildcard):
            fields[-1].append(token)
            continue
        first, *others = token.split(":", ARN_FIELDS - len(fields))
        fields[-1].append(first)
        fields.extend([other] for other in others)
    if fields == [[Wildcard(EVERYTHING)]]:
        fields = fields * ARN_FIELDS
    if len(fields) != ARN_FIELDS:
        return None
    return ArnPattern(tuple(map(compile_glob, fields)))
