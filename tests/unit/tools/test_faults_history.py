import json
from pathlib import Path

import pytest

from tools.faults.history import History, read_events


def test_what_is_written_is_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.jsonl"
    with History(path) as history:
        history.write("late", 7.5, session="upload-1")
        history.write("early", 2.0)
    events = read_events(path.read_text().splitlines())
    assert events == [{"t": 2.0, "event": "early"}, {"t": 7.5, "event": "late", "session": "upload-1"}]


def test_an_event_without_a_moment_of_its_own_happens_now(tmp_path: Path) -> None:
    with History(tmp_path / "history") as history:
        before = history.now()
        history.write("now")
        after = history.now()
    (event,) = read_events((tmp_path / "history").read_text().splitlines())
    assert round(before, 3) <= event["t"] <= round(after, 3)


def test_a_closed_history_takes_no_more(tmp_path: Path) -> None:
    with History(tmp_path / "history") as history:
        pass
    history.write("too late")
    assert (tmp_path / "history").read_text() == ""


@pytest.mark.parametrize("line", ["[]", "{}", '{"t": 1}', "no JSON"])
def test_something_else_is_no_history(line: str) -> None:
    with pytest.raises(ValueError, match=r"not a history|Expecting value"):
        read_events([json.dumps({"t": 0, "event": "run"}), line])
