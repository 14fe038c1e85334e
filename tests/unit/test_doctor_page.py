"""The page on the doctor names hops and tests; this holds it to the checks and tests that there are."""

from pathlib import Path

import pytest

from fairlead.agent.doctor import NodeDoctor
from fairlead.client.doctor import ClientDoctor, Question
from fairlead.server.doctor import ServerDoctor
from fairlead.server.settings import read_settings
from tests.support.named_tests import DOCS, NAME, exists, names_on

PAGE = DOCS / "doctor.md"
NOWHERE = Path("/nonexistent")

CHECKS = {
    "On your own machine": ClientDoctor(Question("mi-0", user="bob"), {}, "").checks(),
    "On a node": NodeDoctor(NOWHERE, {}).checks(),
    "On the server": ServerDoctor(read_settings(state_dir=NOWHERE)).checks(),
}
NETWORK = {"name resolution", "proxy", "connection", "TLS", "answer", "clock"}
"""Described once, for all three sides."""


def rows(section: str) -> list[list[str]]:
    """The cells of a section's table, below its head."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    table = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1:]]


@pytest.mark.parametrize("name", names_on(PAGE))
def test_every_test_that_the_page_names_exists(name: str) -> None:
    assert exists(name)


@pytest.mark.parametrize("section", CHECKS)
def test_every_hop_of_a_side_is_in_its_table_and_no_other(section: str) -> None:
    hops = {check.hop for check in CHECKS[section]}
    named = {hop for row in rows(section) for hop in row[1].split(", ")}
    assert named <= hops
    shared = set() if section == "On your own machine" else NETWORK
    assert hops - shared <= named


def test_every_row_names_a_test() -> None:
    found = [row for section in CHECKS for row in rows(section)]
    assert len(found) >= 60
    assert [row for row in found if not NAME.search(row[3])] == []
