from benchmarks.figures import Figure, Report, Section, at_least, at_most
from benchmarks.gate import broken, checked


def report(*figures: Figure) -> Report:
    return Report({}, (Section(name="scp", title="scp", question="", figures=figures),))


def test_the_best_round_counts_since_noise_only_makes_costs_larger():
    assert broken(report(Figure.of_samples("cpu", "s/GB", [2.0, 9.0, 9.0], gate=at_most(2)))) == []
    assert broken(report(Figure.of_samples("limited", "ratio", [0.2, 0.3, 0.9], gate=at_least(0.9)))) == []


def test_a_broken_bound_is_named_with_value_and_limit():
    found = report(
        Figure.of_samples("CPU of the server", "s/GB", [3.6, 4.0], gate=at_most(3.5)),
        Figure.of_value("limited", "ratio", 0.5, gate=at_least(0.85)),
    )
    assert broken(found) == [
        "scp, CPU of the server is 3.60 s/GB, and must be at most 3.5",
        "scp, limited is 0.500, and must be at least 0.85",
    ]
    assert checked(found) == 2


def test_goals_and_figures_that_were_left_out_are_not_the_gates_business():
    found = report(Figure.of_value("a", "ms", 99, goal=at_most(1)), Figure.left_out("b", "no perf"))
    assert (broken(found), checked(found)) == ([], 0)
