"""The agent as a program of its own: `python -m fairlead.agent OPTIONS`, OPTIONS one JSON object.

`fairlead agent run` turns into this by exec. The command-line library costs a service that runs for months
more memory than everything else it does, and is of no use to it after the start.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from fairlead.agent.errors import AgentError
from fairlead.agent.log import configure_logging
from fairlead.agent.settings import load_settings
from fairlead.transport.errors import TransportError


def command(state_dir: Path, config: Path | None, options: dict[str, object]) -> list[str]:
    """The command that `main` understands. `-P`: no module may come from the working directory."""
    given = {
        "state_dir": str(state_dir),
        "config": None if config is None else str(config),
        "options": options,
    }
    return [sys.executable, "-P", "-m", "fairlead.agent", json.dumps(given)]


def main(arguments: list[str]) -> int:
    """Run the agent until it is told to stop; 1 when it cannot start."""
    from fairlead.agent.process import run_agent  # late: whoever only wants `command` need not load all this

    given = json.loads(arguments[0])
    config = given["config"]
    try:
        settings = load_settings(
            Path(given["state_dir"]), None if config is None else Path(config), given["options"]
        )
        configure_logging(settings.log_level)
        run_agent(settings, os.environ)
    except (AgentError, TransportError) as error:
        sys.stderr.write(f"fairlead agent: {error}\n")
        return 1
    except (
        Exception
    ):  # a fault of ours: one line as every other event, and a status that restarts the service
        logging.getLogger(__name__).exception("a fault ended the agent")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
