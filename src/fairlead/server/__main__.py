"""The server as a program of its own: `python -m fairlead.server`, its options in one environment variable.

`fairlead server` turns into this by exec. The command-line library costs a service that runs for months a
fifth of its memory, and is of no use to it after the start. The options go by the environment because a
database URL may hold a password, and every user of a machine can read command lines.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from fairlead.server.errors import StartError
from fairlead.server.settings import read_settings

OPTIONS_VARIABLE = "FAIRLEAD_SERVER_OPTIONS"
_PATHS = (
    "state_dir",
    "tls_cert",
    "tls_key",
    "master_key_file",
    "oidc_file",
    "instance_identity_file",
    "audit_checkpoint_dir",
)


def command(options: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment that `main` understands. Any: the keyword arguments of
    `read_settings`. The state directory stands in the command line for whoever looks at a list of processes.
    `-P`: no module may come from the working directory."""
    words = [sys.executable, "-P", "-m", "fairlead.server", str(options["state_dir"])]
    return words, {**os.environ, OPTIONS_VARIABLE: json.dumps(options, default=str)}


def main() -> int:
    """Run the server until it is told to stop; 1 when it cannot start."""
    from fairlead.server.main import run  # late: whoever only wants `command` need not load all this

    options = json.loads(os.environ.pop(OPTIONS_VARIABLE))
    for name in _PATHS:
        if options[name] is not None:
            options[name] = Path(options[name])
    try:
        settings = read_settings(**options)
    except StartError as error:
        sys.stderr.write(f"fairlead server: {error}\n")
        return 1
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
