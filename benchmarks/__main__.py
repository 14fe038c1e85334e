"""How fast, how small, how many? One command, one table.

    make bench                    every row: benchmarks/results/bench.json and bench.md, the plot, the page
    make bench QUICK=1            every row in a short form, under three minutes; printed only
    make bench ROWS=scp,echo      these rows; printed only
    make bench GATE=1             what must hold on any machine; exit status 1 when a bound is broken
    make bench … OUTPUT=DIR       the JSON and the Markdown to a directory of one's choice
    python -m benchmarks --redraw the plot and the page anew, from bench.json

A row measures its variants round by round, interleaved, so that what else the machine does falls on all of
them. `benchmarks/rows` has a module per row. Progress goes to stderr, the table to stdout.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from benchmarks import gate, plot
from benchmarks.bench import Bench, Form
from benchmarks.conditions import conditions
from benchmarks.echoes import NoEcho
from benchmarks.figures import Figure, Report, Row, Section, Skipped
from benchmarks.report import from_json, goals_table, to_json, to_markdown, with_section
from benchmarks.rig import Rigs
from benchmarks.rows import find_rows
from tools.processes import StartFailed
from tools.ssh_connection import CopyFailed
from tools.stack import CommandFailed

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
PLOT = DOCS / "performance.svg"
MARK = "figures"
EXPECTED = (StartFailed, CommandFailed, CopyFailed, NoEcho, subprocess.SubprocessError)
"""What a program that does not work leads to; the text says it all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 when a row failed or the gate is broken, 2 for a wrong option."""
    parser = argparse.ArgumentParser(prog="make bench", description="how fast, how small, how many")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="a short form of every row")
    form.add_argument("--gate", action="store_true", help="only what must hold on any machine")
    form.add_argument("--redraw", action="store_true", help="measure nothing: plot and page from bench.json")
    parser.add_argument("--rows", default="", help="names of rows, separated by commas")
    parser.add_argument("--output", type=Path, help="directory for bench.json and bench.md")
    options = parser.parse_args(arguments)
    if options.redraw:
        publish(from_json((RESULTS / "bench.json").read_text(encoding="utf-8")))
        return 0
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # ends what was started, too
    chosen = Form.QUICK if options.quick else Form.GATE if options.gate else Form.FULL
    names = [name for name in options.rows.split(",") if name]
    try:
        rows = [row for row in find_rows(names) if names or _takes_part(row, chosen)]
    except ValueError as error:
        parser.error(str(error))
    try:
        report = run(rows, chosen)
    except KeyboardInterrupt:
        return 130
    print(to_markdown(report))
    if options.output:
        write(report, options.output)
    elif chosen is Form.FULL and not names:
        write(report, RESULTS)
        publish(report)
    failed = [section.name for section in report.sections if section.has_failed]
    if failed:
        print(f"make bench: failed: {', '.join(failed)}", file=sys.stderr)
        return 1
    return _judge(report) if chosen is Form.GATE else 0


def run(rows: Sequence[Row], form: Form) -> Report:
    """Measure the rows one after the other."""
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        rigs = Rigs(directory)
        try:
            sections = [_section(row, form, rigs, directory / row.name) for row in rows]
        finally:
            rigs.stop()
    return Report(conditions(form.value, load_before), tuple(sections))


def write(report: Report, directory: Path) -> None:
    """The run as JSON and as Markdown."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "bench.json").write_text(to_json(report), encoding="utf-8")
    (directory / "bench.md").write_text(to_markdown(report), encoding="utf-8")


def publish(report: Report) -> None:
    """The plot of the README, and the table of goals on its page."""
    PLOT.write_text(plot.draw(report), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    about = f"{report.conditions['date']}, {report.conditions['machine']}"
    PAGE.write_text(with_section(page, MARK, f"{about}:\n\n{goals_table(report)}"), encoding="utf-8")


def _takes_part(row: Row, form: Form) -> bool:
    return {Form.FULL: True, Form.QUICK: row.in_quick, Form.GATE: row.in_gate}[form]


def _section(row: Row, form: Form, rigs: Rigs, directory: Path) -> Section:
    say(f"{row.title}: {row.question}")
    directory.mkdir()
    began = time.monotonic()
    figures: dict[str, Figure] = {}
    skipped, has_failed = "", False
    try:
        for figure in row.measure(Bench(form, rigs, directory, say)):
            if figure.name in figures:
                raise ValueError(f"two figures with the name {figure.name}")
            figures[figure.name] = figure
    except Skipped as reason:
        skipped = str(reason)
    except EXPECTED as error:
        skipped, has_failed = str(error), True
    except Exception as error:  # a mistake in one row must not cost the figures of the others
        traceback.print_exc()
        skipped, has_failed = f"{type(error).__name__}: {error}", True
    say(f"  {len(figures)} figures in {time.monotonic() - began:.0f} s{skipped and f': {skipped}'}")
    return Section(
        name=row.name,
        title=row.title,
        question=row.question,
        figures=tuple(figures.values()),
        skipped=skipped,
        has_failed=has_failed,
    )


def _judge(report: Report) -> int:
    wrong = gate.broken(report)
    if wrong:
        print(f"make bench GATE=1: {'; '.join(wrong)}", file=sys.stderr)
        return 1
    say(f"make bench GATE=1: all {gate.checked(report)} bounds hold")
    return 0


def say(line: str) -> None:
    """Show progress."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
