import pytest

from benchmarks.plot import PANELS
from benchmarks.rows import find_rows


def test_every_module_of_rows_is_found_under_its_name_and_in_the_tables_order():
    rows = find_rows()
    assert {"scp", "scp_limited", "echo", "stock"} <= {row.name for row in rows}
    assert [row.order for row in rows] == sorted(row.order for row in rows)
    for row in rows:
        assert row.measure.__module__ == f"benchmarks.rows.{row.name}"
        assert row.title
        assert row.question.endswith("?")


def test_rows_are_chosen_by_name():
    assert [row.name for row in find_rows(["echo", "scp"])] == ["scp", "echo"]


def test_an_unknown_name_is_answered_with_those_that_there_are():
    with pytest.raises(ValueError, match=r"no row nope; there are .*echo, .*scp"):
        find_rows(["nope", "scp"])


def test_the_plot_shows_rows_that_exist():
    assert {bar.row for panel in PANELS for bar in panel.bars} <= {row.name for row in find_rows()}
