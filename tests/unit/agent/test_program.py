"""The command line of a running agent: there and back, and nothing that nobody wrote."""

import json
import sys
from pathlib import Path

import pytest

from fairlead.agent.errors import SettingsError
from fairlead.agent.program import Inherited, Program, parse_program

PROGRAM = Program(state_dir=Path("/state"), config=Path("/agent.toml"), options={"log_level": "debug"})
RESTARTED = Program(
    state_dir=Path("/state"), config=None, options={}, inherited=Inherited(7, 3, (9, 10)), is_check=True
)


@pytest.mark.parametrize("program", [PROGRAM, RESTARTED])
def test_what_a_program_is_given_arrives(program):
    assert parse_program(program.command[4:]) == program


def test_the_command_runs_our_interpreter_and_takes_no_module_from_the_working_directory():
    assert PROGRAM.command[:4] == [sys.executable, "-P", "-m", "fairlead.agent"]


def test_the_arguments_of_the_first_version_stay_understood():
    first = {"state_dir": "/state", "config": "/agent.toml", "options": {"log_level": "debug"}}
    assert parse_program([json.dumps(first)]) == PROGRAM


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["[]"],
        ["{}"],
        ['{"state_dir": 1, "config": null, "options": {}}'],
        *(
            [json.dumps({"state_dir": "/", "config": None, "options": {}, "inherited": inherited})]
            for inherited in (
                [],
                {"handover": 3, "lock": 4},
                {"handover": 2, "lock": 4, "targets": []},
                {"handover": 3, "lock": True, "targets": []},
                {"handover": 3, "lock": 4, "targets": 5},
                {"handover": 3, "lock": 4, "targets": ["5"]},
            )
        ),
    ],
)
def test_other_arguments_are_one_line(arguments):
    with pytest.raises(SettingsError, match="fairlead agent run"):
        parse_program(arguments)
