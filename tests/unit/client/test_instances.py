from fairlead.client.instances import leave_line, removed_line


def test_a_leave_says_until_when() -> None:
    line = leave_line({"InstanceId": "i-00000000", "AllowedUntil": 1793534400.5})
    assert line == "i-00000000 may register once with another key, until 2026-11-01 12:00:00 UTC."


def test_a_strange_answer_is_fit_for_a_terminal() -> None:
    assert leave_line({"InstanceId": "i-\x1b[2J"}).endswith(
        "may register once with another key, for a while."
    )
    assert "\x1b" not in leave_line({"InstanceId": "i-\x1b[2J"})
    assert "\x1b" not in leave_line({})


def test_a_removal_says_how_to_come_back() -> None:
    assert removed_line("i-00000000").endswith("fairlead instances allow-registration i-00000000")
