"""What surrounds a session, in a process of its own: descriptors and signal handlers are the process's."""

import os
import subprocess
import sys

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
FILES = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FAIRLEAD_"))}
    program = f"""
from fairlead.client.errors import SettingsError
from fairlead.client.session_process import SessionProcess

def prepare(region="us-east-1", endpoint_url="https://ssm.example/"):
    return SessionProcess("prog", region=region, profile=None, endpoint_url=endpoint_url)

{code}"""
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**clean, **FILES, **KEYS, **environ},
        timeout=30,
        check=False,
    )


def test_the_calls_go_where_the_program_says_rather_than_the_environment():
    done = run("print(prepare().api.endpoint.authority)", AWS_ENDPOINT_URL="https://other.example/")
    assert (done.stdout, done.stderr) == ("ssm.example:443\n", "")


def test_what_the_program_leaves_open_comes_from_the_environment():
    code = "print(prepare(region=None, endpoint_url=None).api.endpoint.authority)"
    done = run(code, AWS_REGION="eu-west-1")
    assert (done.stdout, done.stderr) == ("ssm.eu-west-1.amazonaws.com:443\n", "")


def test_an_ending_signal_is_watched_from_the_start():
    code = """
import signal
from fairlead.client.signals import Interrupted
process = prepare()
try:
    signal.raise_signal(signal.SIGTERM)
except Interrupted:
    print(process.watch.exit_status)"""
    assert run(code).stdout == "143\n"


def test_a_setting_that_makes_no_sense_is_told_before_anything_is_asked():
    code = """
try:
    prepare()
except SettingsError as error:
    print(error)"""
    assert run(code, FAIRLEAD_RESUME_WINDOW="soon").stdout.startswith("FAIRLEAD_RESUME_WINDOW must be")
