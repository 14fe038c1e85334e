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

_HEAP = {
    "MALLOC_MMAP_THRESHOLD_": str(256 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 1024),
    "MALLOC_TOP_PAD_": str(64 * 1024),
}
"""Settings of glibc's malloc, read at the start of a process (mallopt(3)); other C libraries ignore them.

The TLS transport has two buffers of 514 KiB for each connection (`http_server.TLS_BUFFERS`), of which an idle
one has used a page at each end. glibc takes blocks of that size from the system, and no page of them is
resident before it is written to. But the first one that is freed moves the bound above it; from then on they
come from the heap, and are made of memory that others have used: 20 KB more for each idle agent. Naming the
bound keeps it where it is.

The free end of the heap goes before the system: it must never have room for such a buffer. So it is given
back from 256 KiB on, and not from the 512 KiB that a moved bound would make of it. 64 KiB are left of it, so
that messages that come and go do not move the end: what they cost in page faults is as before.
"""


def command(options: dict[str, Any]) -> tuple[list[str], dict[str, str]]:
    """The command line and the environment that `main` understands. Any: the keyword arguments of
    `read_settings`. The state directory stands in the command line for whoever looks at a list of processes.
    `-P`: no module may come from the working directory. What the operator sets of malloc stands."""
    words = [sys.executable, "-P", "-m", "fairlead.server", str(options["state_dir"])]
    return words, {**_HEAP, **os.environ, OPTIONS_VARIABLE: json.dumps(options, default=str)}


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
