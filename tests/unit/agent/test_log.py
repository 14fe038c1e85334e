"""One event, one line, whatever is in it."""

import logging

from fairlead.agent.log import MAX_LINE_CHARACTERS, OneLineFormatter


def line(message, *arguments, exc_info=None):
    record = logging.LogRecord("fairlead.agent", logging.INFO, "file", 1, message, arguments, exc_info)
    return OneLineFormatter().format(record)


def test_a_line_has_time_level_and_message():
    assert line("control channel %s", "open").endswith(" INFO control channel open")


def test_control_characters_and_line_breaks_are_escaped_as_json_does():
    hostile = "a\nINFO forged\r\x1b[31m\x00\u2028\u202e\x9b"
    assert line("%s", hostile).endswith(" a\\nINFO forged\\r\\u001b[31m\\u0000\\u2028\\u202e\\u009b")


def test_text_in_other_scripts_stays():
    assert line("größe 机 имя").endswith(" größe 机 имя")


def test_a_traceback_is_one_line_too():
    try:
        raise ValueError("deep\ninside")
    except ValueError as error:
        shown = line("a fault", exc_info=(type(error), error, error.__traceback__))
    assert "\n" not in shown
    assert "ValueError: deep\\ninside" in shown


def test_a_long_line_is_cut():
    assert len(line("x" * 100_000)) <= MAX_LINE_CHARACTERS + 1
