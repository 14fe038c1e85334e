"""A set of numbers that is kept as ranges."""

from random import Random

from fairlead.gateway.number_ranges import NumberRanges


def test_numbers_in_order_are_one_range():
    numbers = NumberRanges(10)
    for number in range(1000):
        numbers.add(number)
    assert len(numbers) == 1
    assert 0 in numbers
    assert 999 in numbers
    assert -1 not in numbers
    assert 1000 not in numbers


def test_in_any_order_and_more_than_once_they_are_what_a_set_is():
    random = Random(1)
    numbers, model = NumberRanges(1000), set()
    for _ in range(3000):
        number = random.randrange(500)
        numbers.add(number)
        model.add(number)
        probe = random.randrange(-2, 502)
        assert (probe in numbers) == (probe in model)
    borders = sum(number - 1 not in model for number in model)
    assert len(numbers) == borders


def test_a_number_that_fills_a_gap_joins_two_ranges():
    numbers = NumberRanges(10)
    for number in (1, 2, 4, 5, 3):
        numbers.add(number)
    assert len(numbers) == 1


def test_of_too_many_ranges_the_lowest_is_forgotten():
    numbers = NumberRanges(2)
    for number in (10, 20, 30):
        numbers.add(number)
    assert [number in numbers for number in (10, 20, 30)] == [False, True, True]
