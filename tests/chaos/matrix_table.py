"""The fault matrix as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from tests.chaos.faults.base import PHASES
from tests.chaos.matrix_cell import Result
from tests.chaos.safe import SUCCEEDED, UNKNOWN

_SHORT = {"shifting": "sh", "observing": "ob", "preflight": "pre", "taking": "take"}
_SHORT |= {"waiting": "wait", "returning": "ret", "draining": "drain"}


def table(results: Sequence[Result], seconds: float) -> str:
    """Write it: a row a fault, a column a phase, seconds until traffic was safe."""
    heads = [_head(phase) for phase in PHASES]
    lines = [f"{'fault':28} " + " ".join(f"{head:>5}" for head in heads) + "  worst  exits"]
    for fault in dict.fromkeys(one.fault for one in sorted(results, key=lambda r: r.fault)):
        row = {one.phase: one for one in results if one.fault == fault}
        cells = " ".join(f"{_cell(row.get(phase)):>5}" for phase in PHASES)
        codes = Counter(one.code for one in row.values())
        exits = " ".join(f"{code}×{n}" for code, n in sorted(codes.items(), key=str))
        worst = max(one.took for one in row.values())
        lines.append(f"{fault:28} {cells} {worst:6.2f}  {exits}")
    bad = [one for one in results if one.wrong]
    times = [one.took for one in results if not one.wrong]
    lines.append("on: the rollout went on and succeeded; *: reported with exit 3")
    lines += ["", *(f"FAILED {one.fault}, {one.phase}: {one.wrong} ({one.why})" for one in bad)]
    lines.append(
        f"{len(results)} cells, {len(bad)} failed, "
        f"{sum(one.by_hand for one in results)} reported with exit 3 and recovered by hand; "
        f"seconds to safe: median {median(times or [0]):.2f}, worst {max(times, default=0):.2f}; "
        f"{seconds:.0f} s in all"
    )
    return "\n".join(lines)


def _head(phase: str) -> str:
    kind, _, number = phase.partition(" ")
    return _SHORT[kind] + number


def _cell(one: Result | None) -> str:
    if one is None:
        return "-"
    if one.wrong:
        return "FAIL"
    if one.code == SUCCEEDED:
        return "on"
    return f"{one.took:.1f}" + ("*" if one.code == UNKNOWN else "")
