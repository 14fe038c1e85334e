"""The context keys of a request: `aws:username`, `aws:SourceIp`, …

Which keys there are and where their values come from is the caller's knowledge. Key names are compared
without case, including the tag-key part (IAM User Guide, "Condition").
"""

from collections.abc import Iterable, Mapping

ContextValue = str | tuple[str, ...]
"""A text for a single-valued key, a tuple for a multivalued one."""


class Context:
    """Context keys looked up without regard to case. A key that is absent is unknown, not empty; one with an
    empty set of values counts as absent."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, ContextValue]) -> None:
        self._values = {key.lower(): value for key, value in values.items() if value != ()}

    def extended(self, values: Mapping[str, ContextValue]) -> "Context":
        """The same keys and some more, which win."""
        if not values:
            return self
        more = Context(values)
        more._values = self._values | more._values
        return more

    def single(self, key: str) -> str | None:
        """The value of a single-valued key; None if the key is absent or multivalued."""
        value = self._values.get(key.lower())
        return value if isinstance(value, str) else None

    def values(self, key: str) -> tuple[str, ...]:
        """Every value of a key, none if it is absent."""
        value = self._values.get(key.lower(), ())
        return (value,) if isinstance(value, str) else value

    def missing(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Those of `keys` that are absent."""
        return tuple(key for key in keys if key.lower() not in self._values)
