"""What checks and smoke tests leave in the summary of a CI job. Nothing anywhere else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from canaryctl.cli.ci_run import annotate, summarise

MOST = 200
"""Rows; a summary is for reading."""


def told(
    title: str, rows: Sequence[tuple[str, str, str]], problems: Sequence[str], *, passed: bool
) -> None:
    """Summarise what was looked at, and annotate what failed.

    Args:
        title: what it was, and of what.
        rows: a sign, a name and what was seen, for each thing that was looked at.
        problems: what failed, a sentence each.
        passed: how it ended.
    """
    summarise(lambda: "\n".join(_lines(title, rows, passed=passed)))
    for problem in problems:
        annotate(title, problem)


def _lines(title: str, rows: Sequence[tuple[str, str, str]], *, passed: bool) -> Iterator[str]:
    from canaryctl.listeners.line import clean
    from canaryctl.reporting.markdown_text import table, text

    yield f"## {'✅' if passed else '❌'} {text(clean(title))}"
    yield ""
    yield from table(
        ("", "what", "seen"),
        [(sign, text(clean(name)), text(clean(seen))) for sign, name, seen in rows[:MOST]],
    )
    if len(rows) > MOST:
        yield f"… and {len(rows) - MOST} more"
