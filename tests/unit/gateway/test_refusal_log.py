"""How many lines about refusals are written."""

import logging

from fairlead.control.environment import Rate
from fairlead.gateway.refusal_log import RefusalFilter, refusal_log


def record(at: float) -> logging.LogRecord:
    made = logging.LogRecord("x", logging.INFO, __file__, 1, "refused %s: %d%%", ("somebody", 7), None)
    made.created = at
    return made


def written(lines: RefusalFilter, *times: float) -> list[str]:
    return [each.getMessage() for each in map(record, times) if lines.filter(each)]


def test_a_stranger_writes_a_bounded_number_of_lines_and_the_next_one_says_how_many_are_missing():
    lines = RefusalFilter(Rate(burst=3, per_s=1))
    assert written(lines, *[100.0] * 10) == ["refused somebody: 7%"] * 3
    assert written(lines, 101.0) == ["refused somebody: 7% (7 refusals before this one are not logged)"]
    assert written(lines, 102.0) == ["refused somebody: 7%"]


def test_the_log_of_refusals_has_such_a_bound():
    assert [type(each) for each in refusal_log.filters] == [RefusalFilter]
