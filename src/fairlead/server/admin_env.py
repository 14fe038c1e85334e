"""`admin.env`: the shell file with which the first administrator gets to work."""

import shlex
from collections.abc import Mapping
from pathlib import Path

_HEADER = """\
# Bootstrap credential of the user "admin", who may do everything here. Keep it secret.
# To use it:    set -a; . {path}; set +a; aws sts get-caller-identity
# When there are users of your own, delete this access key (aws iam delete-access-key) and this file.
"""


def render(path: Path, variables: Mapping[str, str]) -> bytes:
    """The text of the file that is going to stand at `path`."""
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    return (_HEADER.format(path=shlex.quote(str(path))) + "".join(lines)).encode()


def parse(text: str) -> dict[str, str]:
    """The variables of such a file."""
    variables = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            variables[name] = "".join(shlex.split(value))
    return variables
