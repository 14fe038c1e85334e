"""Text that comes from a node or a user, made fit to be kept and shown."""

import unicodedata

MAX_DETAILS_CHARACTERS = 512
"""Longest text of a peer that is kept with the end of a session."""

_STRIPPED_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str, max_characters: int) -> str:
    """The text on one line and bounded, without control characters, invisible formats and lone surrogates.

    Terminals obey control characters, and direction marks make text read differently from what it is.
    """
    kept = (
        " " if character in "\t\n\r" else character
        for character in text
        if character in "\t\n\r" or unicodedata.category(character) not in _STRIPPED_CATEGORIES
    )
    return "".join(kept).strip()[:max_characters]
