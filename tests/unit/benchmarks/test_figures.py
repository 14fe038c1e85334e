import pytest

from benchmarks.figures import Figure, Pairing, Report, Section, at_least, at_most, format_value


def test_a_bound_holds_at_its_limit():
    assert at_least(0.62).holds(0.62)
    assert not at_least(0.62).holds(0.61)
    assert at_most(60).holds(60)
    assert not at_most(60).holds(60.1)


def test_the_best_value_lies_furthest_within_the_bound():
    assert at_least(1).best([0.5, 2, 1]) == 2
    assert at_most(1).best([0.5, 2, 1]) == 0.5


def test_pairs_are_compared_round_by_round():
    # Each round is twice as slow as the one before, for both: the ratio is the same in all.
    ratio = Figure.of_pairs("r", "ratio", [1, 2, 4], [2, 4, 8])
    assert (ratio.value, ratio.samples) == (0.5, (0.5, 0.5, 0.5))
    difference = Figure.of_pairs("d", "ms", [5, 9, 6], [1, 2, 3], how=Pairing.DIFFERENCE)
    assert (difference.value, difference.samples) == (4, (4, 7, 3))


def test_a_round_that_only_one_has_is_a_mistake():
    with pytest.raises(ValueError, match="shorter"):
        Figure.of_pairs("r", "ratio", [1, 2], [1])


def test_a_goal_is_reached_or_not_or_unknown():
    assert Figure.of_value("a", "ms", 59, goal=at_most(60)).is_reached is True
    assert Figure.of_value("a", "ms", 61, goal=at_most(60)).is_reached is False
    assert Figure.of_value("a", "ms", 61).is_reached is None
    assert Figure.left_out("a", "no nc", goal=at_most(60)).is_reached is None


def test_a_report_finds_a_value_by_row_and_figure():
    section = Section(
        name="scp",
        title="",
        question="",
        figures=(Figure.of_value("up", "MB/s", 3), Figure.left_out("nc", "")),
    )
    report = Report({}, (section,))
    assert report.value("scp", "up") == 3
    assert report.value("scp", "nc") is None
    assert report.value("scp", "down") is None
    assert report.value("echo", "up") is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.6172, "0.617"), (3.724, "3.72"), (98.64, "98.6"), (1239.6, "1,240"), (-12.34, "-12.3"), (0, "0.000")],
)
def test_a_value_is_shown_with_three_digits(value, shown):
    assert format_value(value) == shown
