"""A session process whose standard descriptors were closed before it began."""

import subprocess
import sys

import pytest

PROGRAM = """
import os
from fairlead.client.errors import UsageError
from fairlead.client.standard_streams import occupy_standard_descriptors
try:
    occupy_standard_descriptors()
    said = "nothing"
except UsageError as error:
    said = str(error)
first, second = os.pipe()
os.write(3 if len(os.sys.argv) > 1 else 1, f"{said}; next {min(first, second) > 2}".encode())
"""


def run(redirections: str, *argv: str) -> str:
    command = f'exec "$0" -c "$1" {" ".join(argv)} {redirections}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, PROGRAM],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("redirections", ["", "<&-", "2>&-", "<&- 2>&-"])
def test_no_later_descriptor_gets_a_standard_number(redirections):
    assert run(redirections) == "nothing; next True"


@pytest.mark.parametrize("redirections", ["3>&1 >&-", "3>&1 <&- >&- 2>&-"])
def test_a_closed_standard_output_is_an_error_of_the_caller(redirections):
    said = "standard output is closed, but it is where the session's stream goes; next True"
    assert run(redirections, "other") == said
