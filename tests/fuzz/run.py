"""Fuzzing guided by coverage, for as long as one likes: `make fuzz TARGET=url SECONDS=600`.

Without a target, all of them in turn. Each runs in a process of its own under atheris (libFuzzer); what it
learned stays in `.fuzz/NAME/` and is where the next run begins. A finding is kept as `.fuzz/NAME-crash-…`;
show it again with `python -m tests.fuzz.run --replay NAME FILE`, mend it, and give it a test of its own.
"""

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / ".fuzz"
MAX_INPUT_BYTES = 8192
TIMEOUT_S = 20
MEMORY_LIMIT_MB = 1024


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 when something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", default="all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--replay", nargs=2, metavar=("NAME", "FILE"))
    options = parser.parse_args(arguments)
    if options.one:
        return _fuzz_here(options.one, options.seconds)
    from tests.fuzz.target import check
    from tests.fuzz.targets import TARGETS

    if options.replay:
        name, file = options.replay
        print(check(TARGETS[name], Path(file).read_bytes()) or "taken")
        return 0
    names = list(TARGETS) if options.target == "all" else options.target.split(",")
    if unknown := [name for name in names if name not in TARGETS]:
        parser.error(f"no target {', '.join(unknown)}; there are: {', '.join(TARGETS)}")
    found = [name for name in names if not _is_clean(name, options.seconds)]
    print(f"{len(names)} targets, {options.seconds} s each; findings: {', '.join(found) or 'none'}")
    return 1 if found else 0


def _is_clean(name: str, seconds: int) -> bool:
    print(f"== {name}", flush=True)
    command = [sys.executable, "-m", "tests.fuzz.run", "--one", name, "--seconds", str(seconds)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _fuzz_here(name: str, seconds: int) -> int:
    """Never returns while the target holds: libFuzzer ends the process."""
    try:
        import atheris
    except ImportError:
        print(
            "atheris is not installed: pip install --require-hashes -r requirements/fuzz.txt", file=sys.stderr
        )
        return 2
    with atheris.instrument_imports(include=["fairlead"], enable_loader_override=False):
        from tests.fuzz.target import check
        from tests.fuzz.targets import TARGETS
    from tests.fuzz.tokens import TOKENS

    target = TARGETS[name]
    corpus = DIRECTORY / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    tokens = DIRECTORY / "tokens.dict"
    lines = ("".join(f"\\x{byte:02x}" for byte in token) for token in TOKENS if len(token) <= 64)
    tokens.write_text("".join(f'"{line}"\n' for line in lines))
    settings = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT_BYTES}",
        f"-timeout={TIMEOUT_S}",
        f"-rss_limit_mb={MEMORY_LIMIT_MB}",
        f"-artifact_prefix={DIRECTORY / name}-",
        f"-dict={tokens}",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *settings, str(corpus)], lambda data: check(target, data) and None)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
