"""Several calls in one transaction, so that they wait for the disk once.

Each is a part that is undone by itself when it is refused. An error of the database itself (a full disk, a
lock) can undo more than the part that it met, so it spoils the transaction for all: none is committed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

Work = TypeVar("Work")


class SharedTransaction(Generic[Work]):
    """What calls on one thread have in common. `work` is the unit of work that each of them gets."""

    def __init__(self, connection: Connection, work: Work) -> None:
        self.work = work
        self._connection = connection
        self._failure: OperationalError | None = None
        self._news: list[Callable[[], None]] = []

    @contextmanager
    def part(self) -> Iterator[Work]:
        """One call's part: undone when the block raises. Raises what has spoilt the transaction, if it is."""
        self.require_sound()
        try:
            with self._connection.begin_nested():
                yield self.work
        except OperationalError as error:
            self._failure = error
            raise

    def require_sound(self) -> None:
        """Raise what has spoilt the transaction."""
        if self._failure is not None:
            raise self._failure

    def keep_news(self, tell: Callable[[], None]) -> None:
        """Do this after the commit."""
        self._news.append(tell)

    def tell_news(self) -> None:
        """All is committed."""
        for tell in self._news:
            tell()
