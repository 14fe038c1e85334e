"""The log that FAIRLEAD_LOG asks for."""

import os
import re
import stat

from fairlead.client.debug_log import DebugLog


def test_lines_are_appended_to_an_owner_only_file_without_control_characters(tmp_path):
    path = tmp_path / "log"
    for text in ("first", "second\n\x1b[1m"):
        DebugLog.open({"FAIRLEAD_LOG": str(path)}).write(text)
    lines = path.read_text().splitlines()
    assert [re.sub(r"^\d+\.\d{3} \d+ ", "", line) for line in lines] == ["first", "second [1m"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_without_the_variable_or_a_usable_file_nothing_is_written(tmp_path):
    DebugLog.open({}).write("x")
    DebugLog.open({"FAIRLEAD_LOG": str(tmp_path)}).write("x")
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_fails_is_given_up(tmp_path):
    descriptor = os.open(tmp_path / "log", os.O_RDONLY | os.O_CREAT)
    log = DebugLog(descriptor)
    log.write("x")
    os.close(descriptor)
    log.write("y")
