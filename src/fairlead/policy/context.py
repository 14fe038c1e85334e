"""The context keys of a request: `aws:username`, `aws:SourceIp`, …

Which keys there are and where their values come from is the caller's knowledge. Key names are compared
without case, including the tag-key part (IAM User Guide, "Condition").
"""

from collections.abc import Mapping

ContextValue = str | tuple[str, ...]
"""A text for a single-valued key, a tuple for a multivalued one."""


class Context:
    """Context keys looked up without regard to case. A key that is absent is unknown, not empty."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, ContextValue]) -> None:
        self._values = {key.lower(): value for key, value in values.items()}

    def single(self, key: str) -> str | None:
        """The value of a single-valued key; None if the key is absent or multivalued."""
        value = self._values.get(key.lower())
        return value if isinstance(value, str) else None
