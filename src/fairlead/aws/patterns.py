"""Regular expressions of the AWS service models, which follow Java's dialect, as Python patterns.

The models use three things that differ: Unicode categories (`\\p{L}`), which Python lacks; `\\w`, `\\d` and
`\\s`, which mean ASCII; and the whole value must match, with or without anchors.
"""

import re
import unicodedata
from functools import cache

_MAX_CODE_POINT = 0x10FFFF
_TOKEN = re.compile(r"\\p\{(\w+)\}|\\.|\[|\]|[^\\\[\]]+", re.DOTALL)


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern of a service model; use its `fullmatch`.

    Raises ValueError for what is no valid pattern. The first one with a Unicode category costs about a
    tenth of a second; every result is kept.
    """
    try:
        return re.compile("".join(_translated(pattern)), re.ASCII)
    except re.error as error:
        raise ValueError(f"not a usable pattern: {pattern} ({error})") from None


def _translated(pattern: str) -> list[str]:
    translated: list[str] = []
    inside_class = False
    for token in _TOKEN.finditer(pattern):
        text, category = token[0], token[1]
        if category is not None:
            members = _class_of(category)
            text = members if inside_class else f"[{members}]"
        elif text == "[":
            inside_class = True
        elif text == "]":
            inside_class = False
        translated.append(text)
    return translated


@cache
def _class_of(category: str) -> str:
    """The inside of a character class that matches a Unicode category: `L`, or a finer one such as `Lu`."""
    ranges = [f"\\U{first:08x}-\\U{last:08x}" for name, first, last in _runs() if name.startswith(category)]
    if not ranges:
        raise ValueError(f"there is no Unicode category {category}")
    return "".join(ranges)


@cache
def _runs() -> tuple[tuple[str, int, int], ...]:
    """All code points as runs of the same category: (category, first, last)."""
    runs = []
    first, current = 0, unicodedata.category(chr(0))
    for code in range(1, _MAX_CODE_POINT + 1):
        category = unicodedata.category(chr(code))
        if category != current:
            runs.append((current, first, code - 1))
            first, current = code, category
    runs.append((current, first, _MAX_CODE_POINT))
    return tuple(runs)
