"""Patterns of document parameters: regular expressions that others wrote, matched in linear time.

AWS's service reads `allowedPattern` as a regular expression of Java's, its agent as one of RE2's. Taken here
is what both read alike: RE2's syntax without what Java understands in another way. RE2 has no backtracking,
so no pattern takes longer than its length times that of the value. Why: docs/decisions/0015.
"""

from functools import lru_cache
from typing import Any

import re2

MAX_PATTERN_CHARACTERS = 4096
MAX_PROGRAM_BYTES = 1024 * 1024
"""Memory of one compiled pattern; one that needs more is refused."""

_KEPT_PROGRAMS = 64


class UnusablePattern(ValueError):
    """A pattern that is not taken; the text says why."""


def matches(pattern: str, value: str) -> bool:
    """Whether the whole of `value` matches, with or without anchors. Raises UnusablePattern.

    A text with a lone surrogate matches nothing: it is no sequence of characters.
    """
    program = _compiled(pattern)
    try:
        return program.fullmatch(value) is not None
    except UnicodeEncodeError:
        return False


def check_pattern(pattern: str) -> None:
    """Raise UnusablePattern unless values can be matched with this."""
    _compiled(pattern)


@lru_cache(_KEPT_PROGRAMS)
def _compiled(pattern: str) -> Any:  # Any: the library has no types
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise UnusablePattern(f"longer than {MAX_PATTERN_CHARACTERS} characters")
    _refuse_what_java_reads_differently(pattern)
    options = re2.Options()
    options.max_mem = MAX_PROGRAM_BYTES
    options.log_errors = False
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        detail = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise UnusablePattern(detail) from None
    except UnicodeEncodeError:
        raise UnusablePattern("not text") from None


def _refuse_what_java_reads_differently(pattern: str) -> None:
    """Inside `[…]` Java takes `[` for the start of another class and `&&` for an intersection; RE2 takes them
    for characters."""
    is_inside = is_escaped = False
    previous = ""
    for character in pattern:
        if is_escaped:
            is_escaped, previous = False, ""
            continue
        if is_inside and (character == "[" or previous + character == "&&"):
            raise UnusablePattern(f"put a backslash before {character} inside of brackets")
        if character == "\\":
            is_escaped = True
        elif character == "[":
            is_inside = True
        elif character == "]":
            is_inside = False
        previous = character
