"""`make faults`: carry a plan out, then check the history that it left.

python -m tools.faults [--seed N] [--faults N | --hours H] [--history FILE]
python -m tools.faults --check FILE
"""

import argparse
import math
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tools.faults.checker import check
from tools.faults.facts import facts_of
from tools.faults.history import History, read_events
from tools.faults.injector import InjectionFailed
from tools.faults.plan import DECK, make_plan
from tools.faults.report import lines
from tools.faults.run import Run
from tools.processes import StartFailed
from tools.ssh_server import find_sshd
from tools.stack import CommandFailed

FAULTS_PER_HOUR = 3600
VIOLATED, FAILED = 1, 2
"""Exit statuses: a rule does not hold; the harness itself could not go on."""


def main(arguments: Sequence[str]) -> int:
    """Run or check; 0 when every rule holds."""
    options = _parse(arguments)
    if options.check is not None:
        return report(options.check)
    if shutil.which("ssh") is None or find_sshd() is None:
        print("OpenSSH is not installed (Debian: apt install openssh-client openssh-server)", file=sys.stderr)
        return FAILED
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))  # so that no process is left behind
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    count = round(options.hours * FAULTS_PER_HOUR) if options.hours else options.faults
    path = options.history or Path("build", "faults", f"history-{seed}.jsonl")
    directory = Path(tempfile.mkdtemp(prefix="fairlead-faults-"))
    print(f"seed {seed}, {count} faults, history in {path}", flush=True)
    status = _carry_out(seed, count, path, directory)
    if status == 0:
        shutil.rmtree(directory)
    else:
        print(f"logs of every part: {directory}; the same again: make faults SEED={seed} FAULTS={count}")
    return status


def _carry_out(seed: int, count: int, path: Path, directory: Path) -> int:
    began = time.monotonic()
    try:
        with History(path) as history:
            Run(seed, make_plan(seed, count), history, lambda text: print(text, flush=True)).carry_out(
                directory
            )
    except (InjectionFailed, StartFailed, CommandFailed, OSError) as error:
        print(f"the harness could not go on: {error}", file=sys.stderr)
        return FAILED
    status = report(path)
    print(f"{time.monotonic() - began:.0f} s in all")
    return status


def report(path: Path) -> int:
    """Check the history in `path` and print what came of it."""
    try:
        with path.open(encoding="utf-8") as file:
            facts = facts_of(read_events(file))
    except OSError as error:
        print(f"{path}: cannot be read: {error.strerror}", file=sys.stderr)
        return FAILED
    except (ValueError, TypeError, KeyError) as error:
        print(f"{path}: not the history of a run: {error}", file=sys.stderr)
        return FAILED
    verdicts = check(facts)
    print("\n".join(lines(facts, verdicts)), flush=True)
    return VIOLATED if any(verdict.violations for verdict in verdicts) else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.faults", description="Faults under load, and what became of it."
    )
    parser.add_argument("--seed", type=int, help="what decides which fault comes when; default: drawn")
    parser.add_argument("--faults", type=number, default=DECK, help=f"how many faults; default: {DECK}")
    parser.add_argument("--hours", type=hours, default=0.0, help="instead: about so long, a fault a second")
    parser.add_argument("--history", type=Path, help="where the history goes; default: build/faults/")
    parser.add_argument(
        "--check", type=Path, metavar="HISTORY", help="only check the history of an earlier run"
    )
    return parser.parse_args(arguments)


def number(text: str) -> int:
    """Nothing is proved by no fault at all."""
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least 1 is needed")
    return count


def hours(text: str) -> float:
    value = float(text)
    if not 1 / FAULTS_PER_HOUR <= value < math.inf:
        raise argparse.ArgumentTypeError("more than 0 are needed")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
