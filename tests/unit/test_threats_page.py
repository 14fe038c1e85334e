"""The page on threats names tests; this holds it to them."""

import pytest

from tests.support.named_tests import DOCS, NAME, TESTS, exists, names_on

PAGE = DOCS / "threats.md"


@pytest.mark.parametrize("name", names_on(PAGE))
def test_every_test_that_the_page_names_exists(name: str) -> None:
    assert exists(name)


def test_the_page_names_the_tests_of_every_attack_module() -> None:
    named = {name.partition("::")[0] for name in names_on(PAGE)}
    assert {f"evil/{path.name}" for path in (TESTS / "evil").glob("test_*.py")} <= named


def test_every_row_names_a_test_or_says_that_there_is_no_defence() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = [
        line
        for section in text.split("\n## ")
        if "| shown by |" in section
        for line in section.splitlines()
        if line.startswith("| ") and not line.startswith(("| attack", "| what was"))
    ]
    assert len(rows) > 60
    assert [row for row in rows if not NAME.search(row) and "not defended" not in row] == []
