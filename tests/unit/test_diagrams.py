"""The state diagrams of the page on the protocol are those of the code's tables."""

import re

import pytest

from fairlead.domain.sessions import TRANSITIONS as STATUS_TRANSITIONS
from fairlead.domain.sessions import SessionStatus
from fairlead.protocol.session_handshake import TRANSITIONS
from tools import diagrams

PAGE = diagrams.PAGE.read_text(encoding="utf-8")
EDGE = re.compile(r"^    (\S+) --> (\S+?)(?: : (.+))?$", re.MULTILINE)


def edges(block: str) -> set[tuple[str, str, str]]:
    """What a diagram says, without where it begins and ends."""
    return {found for found in EDGE.findall(block) if "[*]" not in found}


def test_the_page_has_every_diagram_as_the_code_has_it() -> None:
    assert sorted(diagrams.names_on(PAGE)) == sorted(diagrams.BLOCKS)
    assert diagrams.with_blocks(PAGE) == PAGE, "run: make diagrams"


def test_a_diagram_that_differs_is_written_anew_and_nothing_else_is() -> None:
    damaged = PAGE.replace("new --> requested", "new --> open", 1) + "\nnew --> nowhere\n"
    assert diagrams.with_blocks(damaged) == PAGE + "\nnew --> nowhere\n"


def test_a_block_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(KeyError, match="weather"):
        diagrams.with_blocks("<!-- generated: weather -->\n<!-- end of weather -->\n")


def test_the_handshake_has_every_row_of_its_table() -> None:
    expected = {(before, after, step) for (before, step), after in TRANSITIONS.items()}
    assert edges(diagrams.handshake_states()) == expected


def test_the_session_has_every_entry_of_its_table() -> None:
    block = diagrams.session_states()
    assert edges(block) == {
        (before.value, after.value, "")
        for before, following in STATUS_TRANSITIONS.items()
        for after in following
    }
    ended = {status.value for status in SessionStatus if not status.is_active}
    assert {line.split()[0] for line in block.splitlines() if line.endswith("--> [*]")} == ended
