"""Write the state diagrams of docs/protocol.md anew from the tables that the code runs on: `make diagrams`.

A block stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; what is outside is left alone.
`tests/unit/test_diagrams.py` fails when page and code differ.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from fairlead.domain.sessions import TRANSITIONS as STATUS_TRANSITIONS
from fairlead.domain.sessions import SessionStatus
from fairlead.protocol import session_handshake

PAGE = Path(__file__).parents[1] / "docs" / "protocol.md"

Edge = tuple[str, str, str]
"""State, step (empty: none is named) and next state."""


def main() -> int:
    """Write the page if it changes."""
    text = PAGE.read_text(encoding="utf-8")
    renewed = with_blocks(text)
    if renewed != text:
        PAGE.write_text(renewed, encoding="utf-8")
        print(f"{PAGE.name}: written anew")
    return 0


def with_blocks(text: str) -> str:
    """The page with every block made from the code; KeyError for a block that nobody makes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}{found[3]}", text)


def names_on(text: str) -> list[str]:
    """The blocks that a page has."""
    return [found[2] for found in _BLOCK.finditer(text)]


_BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end of \2 -->\n)", re.DOTALL)


def handshake_states() -> str:
    """The course of a data channel, as a diagram and as a table."""
    edges = [(before, step, after) for (before, step), after in session_handshake.TRANSITIONS.items()]
    rows = "".join(f"| {before} | {step} | {after} |\n" for before, step, after in edges)
    return _mermaid(edges, session_handshake.NEW) + "\n| state | step | next |\n|---|---|---|\n" + rows + "\n"


def session_states() -> str:
    """The statuses of a session."""
    return _mermaid(_status_edges(STATUS_TRANSITIONS), SessionStatus.CONNECTING.value) + "\n"


def _status_edges(table: Mapping[SessionStatus, Iterable[SessionStatus]]) -> list[Edge]:
    return [
        (before.value, "", after.value)
        for before in SessionStatus
        for after in SessionStatus  # their own order: a set has none
        if after in table[before]
    ]


def _mermaid(edges: Iterable[Edge], first: str) -> str:
    """A state diagram; a state that nothing follows ends it."""
    drawn = list(edges)
    ends = sorted({after for *_, after in drawn} - {before for before, *_ in drawn})
    lines = [f"    [*] --> {first}"]
    lines += [f"    {before} --> {after}" + (f" : {step}" if step else "") for before, step, after in drawn]
    lines += [f"    {end} --> [*]" for end in ends]
    return "```mermaid\nstateDiagram-v2\n" + "\n".join(lines) + "\n```\n"


BLOCKS: Mapping[str, Callable[[], str]] = {"handshake": handshake_states, "session": session_states}

if __name__ == "__main__":
    sys.exit(main())
