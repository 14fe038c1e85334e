"""Which figures break their bound for continuous integration?

A gate looks only at costs that hold on a noisy machine: CPU seconds per GB, memory, the ratio of a transfer
whose rate is limited, instructions. Noise makes those worse and never better, so the best round counts.
"""

from collections.abc import Iterator

from benchmarks.figures import Report, format_value


def broken(report: Report) -> list[str]:
    """A phrase for every figure outside of its bound; empty when all hold."""
    return list(_broken(report))


def _broken(report: Report) -> Iterator[str]:
    for section in report.sections:
        for figure in section.figures:
            if figure.gate is None or figure.value is None:
                continue
            best = figure.gate.best(figure.samples or (figure.value,))
            if not figure.gate.holds(best):
                kind = "at least" if figure.gate.is_floor else "at most"
                unit = "" if figure.unit == "ratio" else f" {figure.unit}"
                yield (
                    f"{section.title}, {figure.name} is {format_value(best)}{unit},"
                    f" and must be {kind} {figure.gate.limit:g}"
                )


def checked(report: Report) -> int:
    """How many figures were held against a bound."""
    figures = (figure for section in report.sections for figure in section.figures)
    return sum(figure.gate is not None and figure.value is not None for figure in figures)
