"""What `make interop` makes of its findings, and the page it made."""

from tests.support.named_tests import DOCS
from tools.interop.checks import FAIL, LEFT_OUT, PASS, Outcome
from tools.interop.corners import BOTH_STOCK, CORNERS, OUR_AGENT, OUR_PROXY, STOCK_AGENT, STOCK_PLUGIN, Corner
from tools.interop.page import KEPT_HEADING, kept_section, ratio, render
from tools.interop.speed import LARGEST_BYTES, MB, SMALLEST_BYTES, WANTED_S, Speed, fitting_size
from tools.ssh_connection import DOWN, UP

STOCK_CLIENT = Corner(STOCK_PLUGIN, OUR_AGENT)
OUR_CLIENT = Corner(OUR_PROXY, STOCK_AGENT)
KEPT = (
    f"{KEPT_HEADING}\n\nBy hand:\n\n| cut | result |\n|---|---|\n| client | survives |\n\n### More\n\nwords"
)


def speed(corner: Corner, up: float, down: float) -> Speed:
    """Rates in MB/s: copies of a second, of which the median is neither the first nor the fastest."""
    sizes = {UP: int(up * MB), DOWN: int(down * MB)}
    return Speed(corner, sizes, {UP: [9.0, 1.0, 0.1], DOWN: [0.1, 9.0, 1.0]}, [0.3, 0.25, 9.0])


SPEEDS = [speed(BOTH_STOCK, 0.8, 0.5), speed(STOCK_CLIENT, 0.8, 150.0), speed(OUR_CLIENT, 24.0, 0.4)]


def test_each_tool_is_a_row_and_each_pair_of_ends_a_column():
    outcomes = [Outcome(corner, tool, PASS) for tool in ("scp", "rsync") for corner in CORNERS]
    lines = render({}, outcomes, [], "").splitlines()
    head = next(line for line in lines if "stock plugin / stock agent" in line)
    assert head.count(" / ") == len(CORNERS)
    assert "| rsync |" + " pass |" * len(CORNERS) in lines
    assert lines.index("| rsync |" + " pass |" * len(CORNERS)) > lines.index(
        "| scp |" + " pass |" * len(CORNERS)
    )


def test_what_failed_or_was_left_out_is_named_with_its_reason():
    outcomes = [
        Outcome(BOTH_STOCK, "scp", FAIL, "fails at call"),
        Outcome(STOCK_CLIENT, "scp", LEFT_OUT, "not installed"),
        Outcome(STOCK_CLIENT, "sftp", LEFT_OUT, "not installed"),
    ]
    page = render({}, outcomes, [], "")
    assert "| scp | FAIL | left out | not run |" in page
    assert "FAIL: scp of stock plugin / stock agent: fails at call." in page
    assert (
        "left out: scp of stock plugin / our agent; sftp of stock plugin / our agent: not installed." in page
    )


def test_speeds_are_medians_beside_their_ratio_to_both_ends_stock():
    page = render({}, [], SPEEDS, "")
    assert "| stock plugin / our agent | 0.80 | 1.00 | 150 | 300 | 300 |" in page
    assert ratio(SPEEDS, OUR_CLIENT, UP) == 30.0
    assert "downloads from our agent 300 times as fast as from the stock agent" in page
    assert "uploads to the stock agent 30 times as fast" in page
    assert "0.80 times the plugin's speed" in page


def test_without_both_ends_stock_there_is_no_ratio_and_no_finding():
    page = render({}, [], SPEEDS[1:], "")
    assert "| stock plugin / our agent | 0.80 | – | 150 | – |" in page
    assert "times as fast" not in page


def test_conditions_are_a_table():
    assert "| date | 2026-11-21 |\n| ssh | OpenSSH_9.2 |" in render(
        {"date": "2026-11-21", "ssh": "OpenSSH_9.2"}, [], [], ""
    )


def test_the_section_by_hand_is_kept_as_it_is_wherever_it_stands():
    once = render({}, [], [], KEPT)
    assert once.endswith(f"\n\n{KEPT}\n")
    assert kept_section(once) == KEPT
    assert kept_section(f"# Title\n\n{KEPT}\n\n## Another\n\ntext\n") == KEPT
    assert render({}, [], [], kept_section(once)) == once


def test_a_page_without_the_section_gets_none():
    assert kept_section("# Title\n\n## Another\n") == ""
    assert KEPT_HEADING not in render({}, [], [], "")


def test_a_copy_is_as_large_as_takes_long_enough():
    assert fitting_size(lambda size: WANTED_S * size / (5 * SMALLEST_BYTES)) == 8 * SMALLEST_BYTES
    assert fitting_size(lambda size: 100.0) == SMALLEST_BYTES
    assert fitting_size(lambda size: 0.0) == LARGEST_BYTES


def test_the_page_of_the_documentation_is_complete():
    page = (DOCS / "interop.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.endswith(" pass |")]
    assert len(rows) >= 10
    assert all(line.count("| pass ") == len(CORNERS) for line in rows)
    assert all(f"| {corner.name} | " in page for corner in CORNERS)
    assert all(word not in page for word in (FAIL, LEFT_OUT, "not run"))
