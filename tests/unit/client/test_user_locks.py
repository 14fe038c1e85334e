"""What `fairlead users` says."""

import pytest

from fairlead.client.user_locks import lock_line, unlock_line


@pytest.mark.parametrize(
    ("keys", "sessions", "words"),
    [
        (0, 0, "0 access keys turned off, 0 sessions ended"),
        (1, 1, "1 access key turned off, 1 session ended"),
        (2, None, "2 access keys turned off, ? sessions ended"),
    ],
)
def test_a_lock_says_what_it_took_away(keys, sessions, words):
    line = lock_line({"UserName": "alice", "AccessKeyCount": keys, "SessionCount": sessions})
    assert line == f"alice is locked: {words}, temporary credentials are void."


def test_an_unlock_says_what_came_back():
    line = unlock_line({"UserName": "alice", "AccessKeyCount": 2})
    assert line == "alice is not locked: 2 access keys turned on again."


def test_a_strange_answer_is_shown_without_control_characters():
    assert "\x1b" not in lock_line({"UserName": "\x1b[31malice"})
    assert unlock_line({}).startswith("? is not locked")
