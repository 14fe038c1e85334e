"""docs/interop.md from what was found: text from values, no I/O.

One section is written by hand and kept as it is: the one with the heading `KEPT_HEADING`.
"""

from collections.abc import Iterable, Mapping, Sequence

from tools.interop.checks import FAIL, LEFT_OUT, Outcome
from tools.interop.corners import (
    BOTH_STOCK,
    CORNERS,
    OUR_AGENT,
    OUR_PROXY,
    STOCK_AGENT,
    STOCK_PLUGIN,
    Corner,
)
from tools.interop.speed import Speed
from tools.ssh_connection import DOWN, UP

KEPT_HEADING = "## What a cut does"
_INTRODUCTION = """\
# Either end may be AWS's own

Fairlead takes AWS's `session-manager-plugin` and `amazon-ssm-agent` as they are, at either end or at both,
and its own ends work with either. This page says what goes between which ends, and how fast. `make interop`
makes it, with the stock programs that the directory named by `REAL_AWS_BIN` has; only "What a cut does" is
written by hand.

*Plugin* is what the AWS CLI starts, *proxy* is `fairlead proxy` without an AWS CLI."""
_ABOUT_CHECKS = """\
Each cell is a test of `tests/interop/test_corners.py`: real `ssh`, a real `sshd`, the bytes compared."""
_ABOUT_SPEED = """\
`scp` over an ssh connection that stands already; medians of rounds in which every pair had its turn. MB =
10^6 bytes. The ratio is to both ends stock, same direction. *Connecting* is the whole of `ssh node true`.

A stock end reads 1,024 bytes at a time and sleeps a millisecond after each read, but takes whatever size it
is sent. So the *sending* end decides: the client on the way up, the agent on the way down."""


def render(
    conditions: Mapping[str, str], outcomes: Sequence[Outcome], speeds: Sequence[Speed], kept: str
) -> str:
    """The whole page; `kept` is the section by hand, empty when there is none yet."""
    parts = [
        _INTRODUCTION,
        "## Under which conditions",
        _table(["", ""], conditions.items()),
        "## Every tool between every pair of ends",
        _ABOUT_CHECKS,
        *_checks(outcomes),
        "## How fast",
        _ABOUT_SPEED,
        _speeds(speeds),
        *_findings(speeds),
        kept.strip(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def kept_section(page: str) -> str:
    """The section of an earlier page that is written by hand, with its heading; empty when it has none."""
    _, heading, rest = page.partition(f"{KEPT_HEADING}\n")
    section, _, _ = rest.partition("\n## ")
    return f"{heading}{section}".rstrip()


def _checks(outcomes: Sequence[Outcome]) -> list[str]:
    """The table, and a list of the reasons for every cell that is not a pass."""
    cells = {(outcome.tool, outcome.corner): outcome.result for outcome in outcomes}
    tools = list(dict.fromkeys(outcome.tool for outcome in outcomes))
    rows = [[tool, *(cells.get((tool, corner), "not run") for corner in CORNERS)] for tool in tools]
    parts = [_table(["", *(corner.name for corner in CORNERS)], rows)]
    for result in (FAIL, LEFT_OUT):
        reasons: dict[str, list[str]] = {}
        for outcome in outcomes:
            if outcome.result == result:
                reasons.setdefault(outcome.reason, []).append(f"{outcome.tool} of {outcome.corner.name}")
        parts += [f"{result}: {'; '.join(which)}: {reason}." for reason, which in reasons.items()]
    return parts


def _speeds(speeds: Sequence[Speed]) -> str:
    head = ["", "up MB/s", "ratio", "down MB/s", "ratio", "connecting ms", "copied up, down MiB"]
    rows = []
    for speed in speeds:
        sizes = ", ".join(f"{speed.size_bytes[direction] / 2**20:g}" for direction in (UP, DOWN))
        rates = [
            text
            for direction in (UP, DOWN)
            for text in (_figure(speed.mb_per_s(direction)), _ratio_text(speeds, speed.corner, direction))
        ]
        rows.append([speed.corner.name, *rates, f"{speed.connect_ms():.0f}", sizes])
    return _table(head, rows)


def _findings(speeds: Sequence[Speed]) -> list[str]:
    """What the figures answer; nothing when they were not measured."""
    stock_client, our_client = Corner(STOCK_PLUGIN, OUR_AGENT), Corner(OUR_PROXY, STOCK_AGENT)
    found = []
    if ratio(speeds, stock_client, DOWN) is not None:
        down = _ratio_text(speeds, stock_client, DOWN)
        found.append(
            f"* The stock plugin downloads from our agent {down} times as fast as from the stock agent."
            " The aim is 100."
        )
    if ratio(speeds, our_client, UP) is not None:
        up, down = (_ratio_text(speeds, our_client, direction) for direction in (UP, DOWN))
        found.append(
            f"* Our client uploads to the stock agent {up} times as fast as the stock plugin. It downloads"
            f" at {down} times the plugin's speed: there the stock agent's own sending is the bound."
        )
    return ["\n".join(found)] if found else []


def ratio(speeds: Sequence[Speed], corner: Corner, direction: str) -> float | None:
    """A corner's speed over that of both ends stock; None when one of them was not measured."""
    rates = {speed.corner: speed.mb_per_s(direction) for speed in speeds}
    if corner not in rates or BOTH_STOCK not in rates:
        return None
    return rates[corner] / rates[BOTH_STOCK]


def _ratio_text(speeds: Sequence[Speed], corner: Corner, direction: str) -> str:
    value = ratio(speeds, corner, direction)
    return "–" if value is None else _figure(value)


def _figure(value: float) -> str:
    """Three digits at least."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
