from pathlib import Path

import pytest

from benchmarks.bench import Bench, Form
from benchmarks.rig import Rigs


def bench(form: Form, said: list[str] | None = None) -> Bench:
    return Bench(form, Rigs(Path("nowhere")), Path("nowhere"), [].append if said is None else said.append)


@pytest.mark.parametrize(("form", "value"), [(Form.FULL, 5), (Form.QUICK, 2), (Form.GATE, 1)])
def test_a_form_of_the_run_has_its_own_value(form, value):
    assert bench(form).pick(full=5, quick=2, gate=1) == value


def test_the_gate_is_as_thorough_as_the_quick_form_unless_told_otherwise():
    assert bench(Form.GATE).pick(full=5, quick=2) == 2
    assert bench(Form.GATE).pick(full=5, quick=2, gate=0) == 0


def test_variants_take_turns_after_a_round_that_warms_up():
    order: list[str] = []
    variants = {name: lambda name=name: order.append(name) or len(order) for name in ("a", "b")}
    found = bench(Form.FULL).interleave(variants, rounds=2)
    assert order == ["a", "b"] * 3
    assert found == {"a": [3, 5], "b": [4, 6]}


def test_each_round_is_shown():
    said: list[str] = []
    bench(Form.FULL, said).interleave({"a": lambda: 0.123456, "b": lambda: 7}, 1, warm_up=False)
    assert said == ["  round 1 of 1: a 0.1235, b 7"]
