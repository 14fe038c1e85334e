"""What a running agent writes about itself."""

import stat

import pytest

from fairlead.agent.errors import IdentityError
from fairlead.agent.identity import StateDirectory
from fairlead.agent.run_status import STATUS_FILE, RunStatus, clear_status, read_status, write_status


@pytest.fixture
def state(tmp_path):
    state = StateDirectory(tmp_path / "state")
    state.prepare()
    return state


STATUS = RunStatus(pid=4711, version="1.2.3", restarts=2, refusal="", is_serving=True, kept_sessions=5)


def test_it_comes_back_as_it_was_written_and_only_the_owner_can_read_it(state):
    write_status(state, STATUS)
    assert read_status(state) == STATUS
    assert stat.S_IMODE((state.path / STATUS_FILE).stat().st_mode) == 0o600


def test_there_is_none_before_the_first_start_and_after_the_end(state):
    assert read_status(state) is None
    write_status(state, STATUS)
    clear_status(state)
    clear_status(state)
    assert read_status(state) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"pid": 1}',
        b'{"pid": 0, "version": "1"}',
        b'{"pid": -1, "version": "1"}',
        b'{"pid": "1", "version": "1"}',
        b'{"pid": true, "version": "1"}',
        b'{"pid": 1, "version": "1", "restarts": null}',
        b'{"pid": 1, "version": "1"' + b" " * 100_000 + b"}",
    ],
)
def test_a_damaged_one_names_no_process(state, content):
    (state.path / STATUS_FILE).write_bytes(content)
    with pytest.raises(IdentityError, match="damaged"):
        read_status(state)


def test_what_a_later_version_adds_is_left_aside(state):
    (state.path / STATUS_FILE).write_bytes(b'{"pid": 4711, "version": "9", "mood": "good"}')
    assert read_status(state) == RunStatus(pid=4711, version="9")


def test_one_that_cannot_be_removed_is_a_failure_that_names_it(state):
    (state.path / STATUS_FILE).mkdir()
    with pytest.raises(IdentityError, match=rf"{STATUS_FILE}: cannot be removed"):
        clear_status(state)
