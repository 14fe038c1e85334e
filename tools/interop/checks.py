"""Runs tests/interop/test_corners.py and keeps what came of it: one outcome per corner and tool.

The checks are the tests, so that there is one of each: a test's marker `tool` names it, its parameter
`corner` says between which ends it ran.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from tools.interop.corners import Corner

CHECKS = Path("tests/interop/test_corners.py")
"""Below the repository, which is the working directory."""
PASS, FAIL, LEFT_OUT = "pass", "FAIL", "left out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one tool over one corner; `reason` is empty for a pass."""

    corner: Corner
    tool: str
    result: str
    reason: str = ""


@dataclass(slots=True)
class _Recorder:
    """A plugin of pytest that keeps the outcomes."""

    subjects: dict[str, tuple[Corner, str]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        for item in items:
            marker = item.get_closest_marker("tool")
            if marker is not None:
                corner = cast("Corner", item.callspec.params["corner"])
                self.subjects[item.nodeid] = (corner, marker.args[0])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        corner, tool = self.subjects[report.nodeid]
        if report.failed:
            self.outcomes[report.nodeid] = Outcome(corner, tool, FAIL, f"fails at {report.when}")
        elif report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self.outcomes[report.nodeid] = Outcome(corner, tool, LEFT_OUT, reason)
        elif report.when == "call":
            self.outcomes.setdefault(report.nodeid, Outcome(corner, tool, PASS))


def run_checks() -> list[Outcome]:
    """Run every tool over every corner; pytest says on the terminal how it goes."""
    recorder = _Recorder()
    # Measuring before this has imported the package, whose pytest plugin would have its asserts rewritten.
    options = ["-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    pytest.main([*options, str(CHECKS)], plugins=[recorder])
    return list(recorder.outcomes.values())
