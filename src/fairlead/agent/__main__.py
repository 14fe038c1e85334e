"""The agent as a program of its own: `python -m fairlead.agent`, see `agent.program`.

`fairlead agent run` turns into this by exec. The command-line library costs a service that runs for months
more memory than everything else it does, and is of no use to it after the start.
"""

from __future__ import annotations

import logging
import os
import sys

from fairlead.agent.errors import AgentError
from fairlead.agent.identity import StateDirectory
from fairlead.agent.log import configure_logging
from fairlead.agent.process import run_agent
from fairlead.agent.program import parse_program
from fairlead.agent.restart import own_check_answer
from fairlead.agent.settings import AgentSettings, load_settings
from fairlead.transport.errors import TransportError
from fairlead.transport.heap import keep_freed_memory


def main(arguments: list[str]) -> int:
    """Run the agent until it is told to stop; 1 when it cannot start."""
    try:
        program = parse_program(arguments)
        settings = load_settings(program.state_dir, program.config, program.options)
        if program.is_check:
            return _check(settings)
        configure_logging(settings.log_level)
        keep_freed_memory()
        run_agent(settings, os.environ, program)
    except (AgentError, TransportError) as error:
        sys.stderr.write(f"fairlead agent: {error}\n")
        return 1
    except (
        Exception
    ):  # a fault of ours: one line as every other event, and a status that restarts the service
        logging.getLogger(__name__).exception("a fault ended the agent")
        return 1
    return 0


def _check(settings: AgentSettings) -> int:
    """Everything that a start needs has been imported, the settings are read; now the registration."""
    StateDirectory(settings.state_dir).load()
    sys.stdout.write(own_check_answer())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
