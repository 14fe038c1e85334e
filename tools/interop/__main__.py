"""Which tools work between which ends, and how fast? Runs them all and makes docs/interop.md.

    make interop            the whole table, with the stock programs that REAL_AWS_BIN names

Where a stock program is missing it says so, prints what it found without it, and leaves the page alone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.interop.checks import FAIL, LEFT_OUT, run_checks
from tools.interop.conditions import conditions
from tools.interop.page import kept_section, render
from tools.interop.routes import running_routes
from tools.interop.speed import Copies, Speed
from tools.processes import StartFailed
from tools.ssh_connection import CopyFailed
from tools.stack import CommandFailed

PAGE = Path("docs/interop.md")
ROUNDS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, measure, write; 1 when a tool failed, or nothing could be measured."""
    parser = argparse.ArgumentParser(prog="make interop", description="every tool between every pair of ends")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of the measurement")
    options = parser.parse_args(arguments)
    load_before = os.getloadavg()[0]
    try:
        speeds, missing = _measure(options.rounds)
    except (StartFailed, CommandFailed, CopyFailed, subprocess.TimeoutExpired) as error:
        print(f"The measurement failed: {error}", file=sys.stderr)
        return 1
    found_under = conditions(load_before, options.rounds)
    outcomes = run_checks()
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    text = render(found_under, outcomes, speeds, kept_section(page))
    print(text)
    left_out = dict.fromkeys([*missing, *(each.reason for each in outcomes if each.result == LEFT_OUT)])
    if left_out:
        print(f"{PAGE} stays as it is, since something was left out:\n  " + "\n  ".join(left_out))
    else:
        PAGE.write_text(text, encoding="utf-8")
    return int(not outcomes or any(each.result == FAIL for each in outcomes))


def _measure(rounds: int) -> tuple[list[Speed], list[str]]:
    """The speeds of every corner that can be had, and what was missing for the others."""
    with tempfile.TemporaryDirectory(prefix="fairlead-interop-") as name:
        directory = Path(name)
        with running_routes(directory) as corners:
            for reason in corners.missing:
                print(f"left out: {reason}", flush=True)
            copies = Copies(directory)
            speeds = copies.measure(corners.routes, rounds, lambda line: print(line, flush=True))
            return speeds, corners.missing


if __name__ == "__main__":
    sys.exit(main())
