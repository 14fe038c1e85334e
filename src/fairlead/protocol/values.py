"""A small base for values with named fields.

`dataclasses` and `typing.NamedTuple` cost milliseconds to import, which the ProxyCommand path does not have.
A subclass lists its fields in `__slots__` and assigns all of them in `__init__`; equality and `repr` come
from here. By convention nobody assigns a field after construction.
"""

from __future__ import annotations


class Value:
    """Equal when the class and all fields are equal; fields are those of the class's own `__slots__`."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    # Fields may hold memoryviews and dicts, so these values are no keys.
    __hash__ = None  # type: ignore[assignment]  # the data model's way to say "not hashable"

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{self.__class__.__name__}({fields})"
