"""The unmodified AWS CLI in one long-lived process of its own, which saves a second for each command.

Not in the process of the tests: the CLI puts a botocore of its own in the place of the installed one.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE_S
from tools.processes import environment
from tools.stack import CommandFailed, LocalStack


@dataclass(frozen=True)
class Printed:
    """What a command left behind."""

    status: int
    output: str
    errors: str


class AwsCli:
    """Runs commands, one after the other, each in the environment that comes with it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", __name__],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, env: Mapping[str, str], *words: str) -> Any:
        """What a command that succeeds prints, parsed; raises CommandFailed with its standard error."""
        printed = self.run(env, *words)
        if printed.status:
            raise CommandFailed(["aws", *words], printed.status, printed.errors)
        return json.loads(printed.output) if printed.output.strip() else {}

    def run(self, env: Mapping[str, str], *words: str) -> Printed:
        """Run `aws WORDS --output json` to its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([dict(env), ["--output", "json", *words]]) + "\n")
        self._process.stdin.flush()
        return Printed(*json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=PATIENCE_S)


class AwsStack(LocalStack):
    """A stack whose AWS CLI is ready."""

    def __init__(self, directory: Path, cli: AwsCli, **options: Any) -> None:
        super().__init__(directory, **options)
        self._cli = cli

    def aws(self, *arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = self._cli(self.env, *map(str, arguments))
        return answer


def _serve() -> None:
    from awscli.clidriver import create_clidriver

    own = {"AWS_DATA_PATH": os.environ["AWS_DATA_PATH"]}  # the CLI's, as it set it when it was imported
    answers = sys.stdout
    for line in sys.stdin:
        env, words = json.loads(line)
        os.environ.clear()
        os.environ.update(env | own)
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = create_clidriver().main(words)
        print(json.dumps([status, output.getvalue(), errors.getvalue()]), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
