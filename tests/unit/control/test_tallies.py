"""Counting what is not written down each time."""

from datetime import timedelta

from fairlead.control.tallies import MAX_CODES, MAX_SOURCES, OTHERS, LastCheckpoint, Tallies
from tests.support.factories import NOW


def test_calls_are_counted_until_they_are_taken():
    tallies = Tallies()
    for name in ("a", "b", "a"):
        tallies.count_call(name)
    assert tallies.take_calls() == {"a": 2, "b": 1}
    assert tallies.take_calls() == {}


def test_refusals_are_counted_by_source_and_code_with_their_times():
    tallies = Tallies()
    tallies.count_refusal("192.0.2.1", "InvalidSignatureException", NOW)
    tallies.count_refusal("192.0.2.1", "InvalidSignatureException", NOW + timedelta(seconds=2))
    tallies.count_refusal("192.0.2.1", "ExpiredTokenException", NOW + timedelta(seconds=1))
    tallies.count_refusal("192.0.2.2", "InvalidSignatureException", NOW)
    taken = tallies.take_refusals()
    first = taken["192.0.2.1"]
    assert first.codes == {"InvalidSignatureException": 2, "ExpiredTokenException": 1}
    assert (first.count, first.first_at, first.last_at) == (3, NOW, NOW + timedelta(seconds=2))
    assert taken["192.0.2.2"].count == 1
    assert tallies.take_refusals() == {}


def test_what_could_not_be_recorded_is_counted_with_what_came_since():
    tallies = Tallies()
    tallies.count_call("a")
    tallies.count_refusal("192.0.2.1", "old", NOW)
    calls, refusals = tallies.take_calls(), tallies.take_refusals()
    tallies.count_call("a")
    tallies.count_refusal("192.0.2.1", "new", NOW + timedelta(seconds=1))
    tallies.put_back_calls(calls)
    tallies.put_back_refusals(refusals)
    assert tallies.take_calls() == {"a": 2}
    tally = tallies.take_refusals()["192.0.2.1"]
    assert tally.codes == {"old": 1, "new": 1}
    assert (tally.first_at, tally.last_at) == (NOW, NOW + timedelta(seconds=1))


def test_what_is_kept_of_a_flood_is_bounded():
    tallies = Tallies()
    for number in range(MAX_SOURCES + 50):
        tallies.count_refusal(f"source {number}", "code", NOW)
    for number in range(MAX_CODES + 50):
        tallies.count_refusal("source 0", f"code {number}", NOW)
    taken = tallies.take_refusals()
    assert len(taken) == MAX_SOURCES + 1
    assert taken[OTHERS].count == 50
    assert len(taken["source 0"].codes) == MAX_CODES + 1
    assert sum(tally.count for tally in taken.values()) == MAX_SOURCES + MAX_CODES + 100


def test_there_is_no_checkpoint_at_first():
    assert LastCheckpoint().note == ""
