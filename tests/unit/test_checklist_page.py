"""The checklist names tests and commands; this holds it to them, and to the rows that it must have."""

import re
from collections.abc import Iterator

import pytest

from tests.support.named_tests import DOCS, NAME, TESTS, exists, names_on

PAGE = DOCS / "checklist.md"
IDS = (
    [f"I{number}" for number in range(1, 8)]
    + [f"L{number}" for number in range(1, 5)]
    + [f"N{number}" for number in range(1, 7)]
    + [f"C{number}" for number in range(1, 11)]
    + [f"E{number}" for number in range(1, 6)]
    + [f"D{number}" for number in range(1, 4)]
    + [f"V{number}" for number in range(1, 8)]
)
TOPICS = {
    *("resume", "terminate", "history", "parallel", "status", "isolation"),
    *("tags", "boundary", "conditions", "idle", "maximum duration", "clock"),
}
COMMANDS = re.compile(r"`((?:make|\.ci/run|\.venv/bin/python -m tools\.)[^`]*)`")


def _rows() -> Iterator[list[str]]:
    """The cells of every row below a head with a column `state`."""
    in_table = False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            in_table = False
        elif cells[-1] == "state":
            in_table = True
        elif in_table and set(line) - set("|-"):
            yield cells


@pytest.mark.parametrize("name", names_on(PAGE))
def test_every_test_that_the_page_names_exists(name: str) -> None:
    assert exists(name)


def test_every_command_that_the_page_names_exists() -> None:
    makefile = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    for command in COMMANDS.findall(PAGE.read_text(encoding="utf-8")):
        match command.split():
            case ["make"]:
                pass
            case ["make", target, *_]:
                assert re.search(rf"^{target}:", makefile, re.M), command
            case [".venv/bin/python", "-m", module]:
                assert (TESTS.parent / f"{module.replace('.', '/')}.py").is_file(), command
            case [program]:
                assert (TESTS.parent / program).is_file(), command
            case _:
                pytest.fail(f"{command}: how does one see that it exists?")


def test_the_statements_of_the_documentation_are_all_there_once_and_in_order() -> None:
    known = [cells[0] for cells in _rows() if cells[0] in IDS]
    assert known == IDS
    assert {cells[0] for cells in _rows()} >= TOPICS


def test_every_row_has_a_state_and_what_is_shown_says_how() -> None:
    rows = list(_rows())
    assert len(rows) > 100
    for *_, shown_by, state in rows:
        assert re.match(r"(shown|partly: \S.*|open(: \S.*)?|shown[:,] \S.*)$", state), state
        if state == "shown" or state.startswith("partly"):
            names_something = NAME.search(shown_by) or COMMANDS.search(shown_by)
            assert names_something or re.search(r"\b(as|rows) [A-Z]\d", shown_by), shown_by
