import itertools
from collections import Counter

import pytest

from tools.faults.plan import DECK, DURATIONS_S, MIX, SERVER_KILL_SHARE, Kind, make_plan


def test_a_seed_always_gives_the_same_plan() -> None:
    assert make_plan(7, 300) == make_plan(7, 300)


def test_another_seed_gives_another_plan() -> None:
    assert make_plan(7, 50) != make_plan(8, 50)


def test_a_longer_plan_begins_with_the_shorter_one() -> None:
    assert make_plan(7, 500)[:100] == make_plan(7, 100)


@pytest.mark.parametrize("seed", range(5))
def test_every_deck_has_each_kind_as_often_as_the_mix_says(seed: int) -> None:
    plan = make_plan(seed, 2 * DECK)
    for deck in (plan[:DECK], plan[DECK:]):
        assert Counter((fault.kind, fault.part) for fault in deck) == MIX


def test_the_mix_has_every_kind_and_few_server_kills() -> None:
    assert {kind for kind, _ in MIX} == set(Kind)
    assert sum(MIX.values()) == DECK
    assert MIX[Kind.SERVER_KILL, ""] <= SERVER_KILL_SHARE * DECK == 40


def test_faults_are_numbered_and_come_about_one_a_second_or_quicker() -> None:
    plan = make_plan(1, DECK)
    assert [fault.number for fault in plan] == list(range(1, DECK + 1))
    moments = [fault.at_s for fault in plan]
    assert moments == sorted(moments)
    assert moments[-1] <= DECK


def test_some_faults_begin_while_the_one_before_is_under_way() -> None:
    plan = make_plan(1, DECK)
    inside = [
        fault for before, fault in itertools.pairwise(plan) if fault.at_s < before.at_s + before.duration_s
    ]
    assert len(inside) > DECK / 10


def test_a_kind_that_lasts_has_a_duration_and_the_others_have_none() -> None:
    for fault in make_plan(1, DECK):
        low, high = DURATIONS_S.get(fault.kind, (0.0, 0.0))
        assert low <= fault.duration_s <= high
