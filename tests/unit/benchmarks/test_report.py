import json

import pytest

from benchmarks.figures import Figure, Report, Section, at_least, at_most
from benchmarks.report import from_json, goals_table, to_json, to_markdown, with_section

REPORT = Report(
    {"date": "2026-11-21 16:00 UTC", "machine": "two processors"},
    (
        Section(
            name="scp",
            title="scp",
            question="How fast?",
            figures=(
                Figure.of_samples("up, direct", "MB/s", [200.0, 300.0, 250.0]),
                Figure.of_samples("up, TLS / direct", "ratio", [0.5, 0.64, 0.62], goal=at_least(0.62)),
                Figure.of_value("client", "MB", 19.0, goal=at_most(18), gate=at_most(30), note="with TLS"),
                Figure.left_out("up, nc / direct", "nc is not installed", goal=at_least(0.9)),
            ),
        ),
        Section(name="stock", title="Stock", question="And theirs?", figures=(), skipped="no plugin"),
        Section(
            name="storm",
            title="Storm",
            question="?",
            figures=(Figure.of_value("idle", "KB", 12.0),),
            skipped="it died",
            has_failed=True,
        ),
    ),
)


def test_json_brings_back_the_whole_report():
    assert from_json(to_json(REPORT)) == REPORT


def test_json_says_what_was_measured_and_what_was_wanted():
    figure = json.loads(to_json(REPORT))["rows"][0]["figures"][1]
    assert figure == {
        "name": "up, TLS / direct",
        "unit": "ratio",
        "value": 0.62,
        "goal": {"at least": 0.62},
        "reached": True,
        "samples": [0.5, 0.64, 0.62],
    }


def test_each_figure_is_a_line_with_its_rounds_its_goal_and_whether_it_is_reached():
    lines = to_markdown(REPORT).splitlines()
    assert "| up, direct | 250 MB/s | 200 … 300 (3) |  |  |" in lines
    assert "| up, TLS / direct | 0.620 | 0.500 … 0.640 (3) | ≥ 0.62 | reached |" in lines
    assert "| client (with TLS) | 19.0 MB |  | ≤ 18 | **not reached** |" in lines
    assert "| up, nc / direct | left out: nc is not installed |  | ≥ 0.9 |  |" in lines


def test_a_row_without_figures_says_why():
    assert "And theirs?\n\nLeft out: no plugin\n" in to_markdown(REPORT)


def test_a_row_that_failed_keeps_the_figures_it_had():
    assert "Failed: it died\n\n|  | measured" in to_markdown(REPORT)


def test_the_table_of_goals_has_only_figures_with_a_goal():
    table = goals_table(REPORT)
    assert "| scp: client | 19.0 MB | ≤ 18 | **not reached** |" in table.splitlines()
    assert "up, direct |" not in table


def test_a_section_of_a_page_is_replaced_and_the_rest_kept():
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"
    replaced = with_section(page, "figures", "new")
    assert replaced == "before\n<!-- figures -->\n\nnew\n\n<!-- end of figures -->\nafter\n"
    assert with_section(replaced, "figures", "new") == replaced


@pytest.mark.parametrize("page", ["", "<!-- figures -->\n", "<!-- end of figures -->\n<!-- figures -->\n"])
def test_a_page_without_the_section_is_refused(page):
    with pytest.raises(ValueError, match="no section"):
        with_section(page, "figures", "new")
