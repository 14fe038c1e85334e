"""A small base for values with named fields.

`dataclasses` and `typing.NamedTuple` cost milliseconds to import, which the ProxyCommand path does not have.
A subclass lists its fields in `__slots__` and assigns all of them in `__init__`; equality and `repr` come
from here. By convention nobody assigns a field after construction.
"""

from __future__ import annotations


class Value:
    """Equal when the class and all fields are equal: the `__slots__` of the class and its bases."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._fields())

    # Fields may hold memoryviews and dicts, so these values are no keys.
    __hash__ = None  # type: ignore[assignment]  # the data model's way to say "not hashable"

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields())
        return f"{self.__class__.__name__}({fields})"

    def _fields(self) -> list[str]:
        return [name for owner in self.__class__.__mro__ for name in owner.__dict__.get("__slots__", ())]
