"""The checkpoint that an agent keeps for others to look at."""

import logging

import pytest

from fairlead.agent.audit_checkpoint import (
    ASIDE_FILE,
    CHECKPOINT_FILE,
    MAX_NOTE_CHARACTERS,
    covered,
    keep_checkpoint,
    put_aside,
)
from fairlead.agent.identity import StateDirectory


def note(size):
    return f"fairlead/audit/1\n{size}\nAAAA\n\n— fairlead/audit/1 BBBB\n"


@pytest.fixture
def state(tmp_path):
    tmp_path.chmod(0o700)
    return StateDirectory(tmp_path)


def kept(state):
    return (state.path / CHECKPOINT_FILE).read_text(encoding="utf-8")


def test_the_last_one_is_kept_for_the_owner_only(state):
    for size in (3, 7, 7):
        keep_checkpoint(state, note(size))
    assert kept(state) == note(7)
    assert (state.path / CHECKPOINT_FILE).stat().st_mode & 0o077 == 0


def test_one_that_covers_less_does_not_replace_it_and_is_named_in_the_log(state, caplog):
    keep_checkpoint(state, note(7))
    with caplog.at_level(logging.WARNING):
        keep_checkpoint(state, note(6))
    assert kept(state) == note(7)
    assert "has 6 events, fewer than before" in caplog.text


def test_another_log_of_the_same_length_does_not_replace_it(state, caplog):
    keep_checkpoint(state, note(7))
    with caplog.at_level(logging.WARNING):
        keep_checkpoint(state, note(7).replace("AAAA", "BBBB"))
    assert kept(state) == note(7)
    assert "has 7 events, and not those of before" in caplog.text
    keep_checkpoint(state, note(7) + "— witness CCCC\n")
    assert kept(state).endswith("— witness CCCC\n")


def test_a_machine_that_registers_anew_begins_anew_and_the_last_one_is_put_aside(state):
    put_aside(state)
    keep_checkpoint(state, note(7))
    put_aside(state)
    keep_checkpoint(state, note(1))
    assert kept(state) == note(1)
    assert (state.path / ASIDE_FILE).read_text(encoding="utf-8") == note(7)


@pytest.mark.parametrize("answer", [None, 5, "", "x", note("-1"), note("7x"), note("\u0667"), note("9" * 19)])
def test_what_is_no_checkpoint_is_not_kept(state, answer):
    keep_checkpoint(state, answer)
    assert not (state.path / CHECKPOINT_FILE).exists()


def test_a_damaged_file_is_replaced(state):
    (state.path / CHECKPOINT_FILE).write_bytes(b"\xff")
    keep_checkpoint(state, note(1))
    assert kept(state) == note(1)


def test_a_directory_that_cannot_be_written_to_is_no_more_than_a_warning(state, caplog):
    gone = StateDirectory(state.path / "gone")
    with caplog.at_level(logging.WARNING):
        keep_checkpoint(gone, note(1))
    assert "is not kept" in caplog.text


def test_how_much_a_checkpoint_covers_is_its_second_line():
    assert covered(note(12)) == 12
    assert covered(note("1\x1b")) is None
    assert covered(note(1) + "x" * MAX_NOTE_CHARACTERS) is None
