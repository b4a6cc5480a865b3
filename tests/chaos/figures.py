"""Figures as they are shown: how many, the median, the worst."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Iterable, Sequence


def tell(text: str) -> None:
    """Show a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def spread(values: Sequence[float]) -> str:
    """Give n, median and worst of some seconds."""
    if not values:
        return "n=0"
    middle, worst = statistics.median(values), max(values)
    high = sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]
    return f"n={len(values)}, median {middle:.2f} s, 99 % {high:.2f} s, worst {worst:.2f} s"


def busy() -> str:
    """Tell how busy the machine is: figures mean little without."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores, load average {load}"


def rows(named: Iterable[tuple[str, Sequence[float]]]) -> None:
    """Show a table: a name and the spread of its seconds."""
    for name, values in named:
        tell(f"  {name:28} {spread(values)}")
