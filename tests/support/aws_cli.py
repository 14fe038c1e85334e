"""The unmodified AWS CLI in one long-lived process of its own, which saves a second for each command.

Not in the process of the tests: the CLI puts a botocore of its own in the place of the installed one.
"""

import contextlib
import io
import json
import subprocess
import sys
from typing import Any


class AwsCli:
    """Runs commands, one after the other, in the environment that it was started with."""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", __name__],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str) -> Any:
        """What a command that succeeds prints, parsed."""
        status, output, errors = self.run(*words)
        assert status == 0, errors
        return json.loads(output) if output.strip() else None

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(["--output", "json", *words]) + "\n")
        self._process.stdin.flush()
        status, output, errors = json.loads(self._process.stdout.readline())
        return status, output, errors

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=10)


def _serve() -> None:
    from awscli.clidriver import create_clidriver

    answers = sys.stdout
    for line in sys.stdin:
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = create_clidriver().main(json.loads(line))
        print(json.dumps([status, output.getvalue(), errors.getvalue()]), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
