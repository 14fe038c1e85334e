"""The last line of defence of a client program: whatever fails becomes one line on stderr and a status.

Never a traceback, unless `FAIRLEAD_DEBUG=1` asks for one.
"""

from __future__ import annotations

import os
import signal
import sys

from fairlead.client.errors import ClientError
from fairlead.client.signals import Interrupted, exit_status_of
from fairlead.transport.errors import TransportError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

DEBUG_VARIABLE = "FAIRLEAD_DEBUG"
MAX_LINE = 2000
EXIT_FAILURE = 1


def say(program: str, text: str) -> None:
    """One line on stderr, without control characters. A closed stderr is no failure."""
    try:
        sys.stderr.write(f"{program}: {printable(text, MAX_LINE)}\n")
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return


def run_guarded(program: str, action: Callable[[], int]) -> int:
    """Run `action` and return its exit status, or say what went wrong and return 1.

    128 plus its number, without words, for a signal.
    """
    try:
        return action()
    except (ClientError, TransportError) as exc:
        say(program, str(exc))
        _trace()
    except Interrupted as exc:
        return exc.exit_status
    except KeyboardInterrupt:  # before the signals are watched, Python's own answer to SIGINT
        return exit_status_of(signal.SIGINT)
    except Exception as exc:  # the promise of this module
        say(program, f"internal error: {type(exc).__name__}: {exc}; {DEBUG_VARIABLE}=1 shows where")
        _trace()
    return EXIT_FAILURE


def _trace() -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        import traceback

        traceback.print_exc()
