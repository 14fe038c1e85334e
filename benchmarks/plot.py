"""The figures as a picture, for the README: bars in SVG, drawn by hand so that nothing has to be installed.

It has a ground of its own and two sets of colours, of which a reader's choice of light or dark picks one, so
it reads well on any page.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.figures import Report, format_value

WIDTH = 860
MARGIN = 24
LABEL_WIDTH = 236
VALUE_WIDTH = 96
BAR_HEIGHT, BAR_STEP = 16, 24
HEADING_HEIGHT, PANEL_GAP = 34, 18
FOOT_HEIGHT = 30

OURS, OTHERS = "ours", "others"
_STYLE = """\
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .heading { font-weight: 600; font-size: 14px; }
  .foot { font-size: 11px; fill: #59636e; }
  .ground { fill: #ffffff; stroke: #d1d9e0; }
  .track { fill: #f0f2f5; }
  .ours { fill: #0f766e; }
  .others { fill: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .foot { fill: #9198a1; }
    .ground { fill: #0d1117; stroke: #3d444d; }
    .track { fill: #1c2129; }
    .ours { fill: #2dd4bf; }
    .others { fill: #6e7681; }
  }"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: what it says, the row and figure it shows, and whose it is."""

    label: str
    row: str
    figure: str
    kind: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars of one unit. Figures that a run does not have are left out, and a panel without any is, too."""

    heading: str
    unit: str
    bars: tuple[Bar, ...]


PANELS = (
    Panel(
        "scp to the machine, MB/s (more is better)",
        "MB/s",
        (
            Bar("direct", "scp", "up, direct", OTHERS),
            Bar("ProxyCommand nc", "scp", "up, nc", OTHERS),
            Bar("Fairlead, without TLS", "scp", "up, no TLS", OURS),
            Bar("Fairlead", "scp", "up, TLS", OURS),
            Bar("AWS's own client and agent", "stock", "up, stock pair", OTHERS),
        ),
    ),
    Panel(
        "scp from the machine, MB/s (more is better)",
        "MB/s",
        (
            Bar("direct", "scp", "down, direct", OTHERS),
            Bar("ProxyCommand nc", "scp", "down, nc", OTHERS),
            Bar("Fairlead, without TLS", "scp", "down, no TLS", OURS),
            Bar("Fairlead", "scp", "down, TLS", OURS),
            Bar("AWS's own client and agent", "stock", "down, stock pair", OTHERS),
        ),
    ),
    Panel(
        "what an echo through ssh takes longer than direct, µs (less is better)",
        "µs",
        (
            Bar("ProxyCommand nc", "echo", "ssh, nc: added, p50", OTHERS),
            Bar("Fairlead, without TLS", "echo", "ssh, no TLS: added, p50", OURS),
            Bar("Fairlead", "echo", "ssh, TLS: added, p50", OURS),
            Bar("AWS's own client and agent", "stock", "echo, stock pair: added, p50", OTHERS),
        ),
    ),
    Panel(
        "what connecting takes longer than direct, ms (less is better)",
        "ms",
        (
            Bar("Fairlead", "stock", "ssh host true, our pair: added", OURS),
            Bar("AWS's own CLI, client and agent", "stock", "ssh host true, stock pair: added", OTHERS),
        ),
    ),
)


def draw(report: Report, panels: tuple[Panel, ...] = PANELS) -> str:
    """The picture of a run."""
    lines: list[str] = []
    top = MARGIN
    for panel in panels:
        values = [(bar, report.value(bar.row, bar.figure)) for bar in panel.bars]
        shown = [(bar, value) for bar, value in values if value is not None and math.isfinite(value)]
        if shown:
            lines += _panel(panel, shown, top)
            top += HEADING_HEIGHT + BAR_STEP * len(shown) + PANEL_GAP
    height = top + FOOT_HEIGHT
    about = (
        f"{report.conditions.get('machine', '')}, {report.conditions.get('date', '')}; every program on it"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
            f' height="{height}" role="img" aria-label="How fast Fairlead is">',
            f"<style>\n{_STYLE}\n</style>",
            f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            *lines,
            _text("foot", MARGIN, height - 16, about),
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, shown: list[tuple[Bar, float]], top: int) -> Iterator[str]:
    yield _text("heading", MARGIN, top + 16, panel.heading)
    left, room = MARGIN + LABEL_WIDTH, WIDTH - 2 * MARGIN - LABEL_WIDTH - VALUE_WIDTH
    longest = max(0.0, *(value for _, value in shown)) or 1.0
    for place, (bar, value) in enumerate(shown):
        y = top + HEADING_HEIGHT + place * BAR_STEP
        # Less than nothing is drawn as nothing; a sliver shows where a bar is.
        length = max(2.0, room * value / longest)
        yield _text("", MARGIN, y + 13, bar.label)
        yield f'<rect class="track" x="{left}" y="{y}" width="{room}" height="{BAR_HEIGHT}" rx="3"/>'
        yield (
            f'<rect class="{bar.kind}" x="{left}" y="{y}" width="{length:.1f}" height="{BAR_HEIGHT}" rx="3"/>'
        )
        yield _text("", left + room + 10, y + 13, f"{format_value(value)} {panel.unit}")


def _text(kind: str, x: float, y: float, words: str) -> str:
    attribute = f' class="{kind}"' if kind else ""
    return f'<text{attribute} x="{x:g}" y="{y:g}">{escape(words)}</text>'
