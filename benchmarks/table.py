"""Figures as plain aligned text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.figure import Figure

_HEAD = ("benchmark", "ratio", "median", "min", "max", "runs", "promised")


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """Give the lines: a row a figure, its note below."""
    rows = [_HEAD, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for number, row in enumerate(rows):
        left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
        right = [cell.rjust(width) for cell, width in zip(row[2:6], widths[2:6], strict=True)]
        yield "  ".join([*left, *right, row[6]]).rstrip()
        note = figures[number - 1].note if number else ""
        if note:
            yield f"{'':{widths[0]}}    {note}"


def _row(figure: Figure) -> tuple[str, ...]:
    spread = (figure.median, min(figure.values), max(figure.values))
    promise = "" if figure.at_most is None else f"≤ {figure.at_most:g} {_kept(figure)}"
    numbers = [f"{value:.4g}" for value in spread]
    return (figure.benchmark, figure.name, *numbers, str(len(figure.values)), promise)


def _kept(figure: Figure) -> str:
    return "kept" if figure.met else "MISSED"
