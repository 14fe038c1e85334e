import pytest

from benchmarks.statistics import median, quantile


def test_the_median_is_the_middle_or_between_the_two_in_the_middle():
    assert median([9, 1, 5]) == 5
    assert median(iter([4, 1, 3, 2])) == 2.5


def test_a_quantile_is_a_value_that_occurred():
    hundred = list(range(1, 101))
    assert quantile(reversed(hundred), 0.99) == 99
    assert quantile(hundred, 0.5) == 50
    assert quantile(hundred, 1) == 100
    assert quantile([7.0, 3.0], 0.99) == 7.0


@pytest.mark.parametrize("share", [0, -0.5, 1.01])
def test_a_share_lies_between_nothing_and_all(share):
    with pytest.raises(ValueError, match="share"):
        quantile([1.0], share)


def test_nothing_has_no_median_and_no_quantile():
    with pytest.raises(ValueError, match="at least one"):
        median([])
    with pytest.raises(ValueError, match="at least one"):
        quantile([], 0.5)
