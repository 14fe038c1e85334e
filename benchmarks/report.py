"""A run as JSON and as Markdown, and the table of goals: text from values, no I/O."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.figures import Bound, Figure, Report, Section, format_value

REACHED, NOT_REACHED = "reached", "**not reached**"


def to_json(report: Report) -> str:
    """Everything, the samples of each round included."""
    sections = [
        {
            "name": section.name,
            "title": section.title,
            "question": section.question,
            **({"skipped": section.skipped} if section.skipped else {}),
            **({"failed": True} if section.has_failed else {}),
            "figures": [_figure_members(figure) for figure in section.figures],
        }
        for section in report.sections
    ]
    return (
        json.dumps({"conditions": report.conditions, "rows": sections}, indent=1, ensure_ascii=False) + "\n"
    )


def from_json(text: str) -> Report:
    """A report that `to_json` wrote."""
    found = json.loads(text)
    sections = (
        Section(
            name=row["name"],
            title=row["title"],
            question=row["question"],
            figures=tuple(_figure(members) for members in row["figures"]),
            skipped=row.get("skipped", ""),
            has_failed=row.get("failed", False),
        )
        for row in found["rows"]
    )
    return Report(found["conditions"], tuple(sections))


def to_markdown(report: Report) -> str:
    """Conditions, then a table per row."""
    parts = [
        "# How fast, how small, how many",
        "Made by `make bench`; how each figure is made stands in [docs/performance.md]"
        "(../../docs/performance.md). Each is a median; *rounds* gives the smallest and the largest round."
        " MB = 10^6 bytes, GB = 10^9 bytes.",
        "## Conditions",
        _table(["", ""], report.conditions.items()),
    ]
    for section in report.sections:
        parts += [f"## {section.title}", section.question]
        if section.skipped:
            parts.append(f"{'Failed' if section.has_failed else 'Left out'}: {section.skipped}")
        if section.figures:
            rows = [_row(figure) for figure in section.figures]
            parts.append(_table(["", "measured", "rounds", "goal", ""], rows))
    return "\n\n".join(parts) + "\n"


def goals_table(report: Report) -> str:
    """Only the figures that have a goal, all rows in one table."""
    rows = [
        [f"{section.title}: {figure.name}", _measured(figure), str(figure.goal), _verdict(figure)]
        for section in report.sections
        for figure in section.figures
        if figure.goal is not None
    ]
    return _table(["", "measured", "goal", ""], rows)


def with_section(page: str, mark: str, content: str) -> str:
    """The page with `content` between the comments `<!-- mark -->` and `<!-- end of mark -->`.

    Raises ValueError when the page does not have both.
    """
    begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->"
    head, found_begin, rest = page.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"the page has no section {begin.strip()} … {end}")
    return f"{head}{begin}\n{content}\n\n{end}{tail}"


def _figure_members(figure: Figure) -> dict[str, Any]:
    members: dict[str, Any] = {"name": figure.name, "unit": figure.unit, "value": _rounded(figure.value)}
    for key, bound in (("goal", figure.goal), ("gate", figure.gate)):
        if bound is not None:
            members[key] = {"at least" if bound.is_floor else "at most": bound.limit}
    if figure.is_reached is not None:
        members["reached"] = figure.is_reached
    if figure.samples:
        members["samples"] = [_rounded(sample) for sample in figure.samples]
    if figure.note:
        members["note"] = figure.note
    return members


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def _figure(members: Mapping[str, Any]) -> Figure:
    return Figure(
        name=members["name"],
        unit=members["unit"],
        value=members["value"],
        samples=tuple(members.get("samples", ())),
        goal=_bound(members.get("goal")),
        gate=_bound(members.get("gate")),
        note=members.get("note", ""),
    )


def _bound(members: Mapping[str, float] | None) -> Bound | None:
    if members is None:
        return None
    ((kind, limit),) = members.items()
    return Bound(limit, is_floor=kind == "at least")


def _row(figure: Figure) -> list[str]:
    spread = ""
    if len(figure.samples) > 1:
        low, high = format_value(min(figure.samples)), format_value(max(figure.samples))
        spread = f"{low} … {high} ({len(figure.samples)})"
    name = f"{figure.name} ({figure.note})" if figure.note and figure.value is not None else figure.name
    return [name, _measured(figure), spread, str(figure.goal or ""), _verdict(figure)]


def _measured(figure: Figure) -> str:
    if figure.value is None:
        return f"left out: {figure.note}"
    # A ratio has no unit to show.
    return format_value(figure.value) + (f" {figure.unit}" if figure.unit not in ("", "ratio") else "")


def _verdict(figure: Figure) -> str:
    if figure.is_reached is None:
        return ""
    return REACHED if figure.is_reached else NOT_REACHED


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
