"""``python -m canaryctl.simulate``: how often a rule is wrong, on the reference gates.

For those who work on the judge. What a configuration does is simulated by ``canaryctl simulate``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial

from canaryctl.simulate.evidence import Evidence
from canaryctl.simulate.harmful import HARMFUL
from canaryctl.simulate.healthy import HEALTHY, SPECIAL
from canaryctl.simulate.peers import Argo, Documents, Flagger, Kayenta, PipeCD
from canaryctl.simulate.run import RolloutRule
from canaryctl.simulate.starting import Starting
from canaryctl.simulate.table import Row, simulate, summed
from canaryctl.simulate.world import Family

RULES: dict[str, Callable[[], RolloutRule]] = {
    "evidence": Evidence,
    "early": partial(Evidence, early=True),
    "starting": Starting,
    "flagger": Flagger,
    "argo": Argo,
    "kayenta": Kayenta,
    "pipecd": PipeCD,
    "documents": Documents,
}
HEAD = (
    "| family | rps | runs | back | at most | inconclusive | promoted | failed | slow | Wald"
    " | looks p95 | 100 % at p95 | lasted p95 | held | why |\n" + "|---" * 15 + "|\n"
)


def chosen(names: list[str]) -> Iterator[Family]:
    """Give the families a word names: a group, or a part of the name."""
    groups = {"healthy": HEALTHY, "harmful": HARMFUL, "special": SPECIAL}
    every = (*HEALTHY, *SPECIAL, *HARMFUL)
    seen: set[str] = set()
    for name in names:
        for family in groups.get(name, [one for one in every if name in one.name]):
            if family.name not in seen:
                seen.add(family.name)
                yield family


def line(row: Row) -> str:
    """Write a row as Markdown."""

    def number(value: float | None, digits: int = 1) -> str:
        return "" if value is None else f"{value:.{digits}f}"

    cells = [
        row.family,
        f"{row.rps:g}",
        str(row.runs),
        *(
            f"{part * 100:.1f} %"
            for part in (row.back, row.back_at_most, row.inconclusive, row.promoted)
        ),
        number(row.hurt),
        number(row.slow),
        number(row.wald, 2),
        number(row.looks, 0),
        number(row.full_at, 0),
        number(row.lasted, 0),
        f"{row.held * 100:.0f} %",
        ", ".join(row.reasons),
    ]
    return "| " + " | ".join(cells) + " |\n"


def main(arguments: list[str] | None = None) -> None:
    """Simulate and write the table to standard output, a row as soon as it is known."""
    parser = argparse.ArgumentParser(prog="python -m canaryctl.simulate", description=__doc__)
    parser.add_argument("families", nargs="*", default=["healthy", "special", "harmful"])
    parser.add_argument("--rule", choices=RULES, default="evidence")
    parser.add_argument("--threshold", type=int, help="Flagger's threshold")
    parser.add_argument("--rps", type=float, nargs="+", default=[2.0, 20.0, 200.0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--before", type=float, default=0.0, help="seconds of stable's history")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    make = RULES[asked.rule]
    if asked.threshold is not None:
        make = partial(Flagger, asked.threshold)
    if not asked.json:
        sys.stdout.write(HEAD)
    for family in chosen(asked.families):
        for rps in asked.rps:
            results = simulate(family, rps, asked.runs, make, seed=asked.seed, before=asked.before)
            row = summed(family, rps, results)
            sys.stdout.write(json.dumps(row.as_dict()) + "\n" if asked.json else line(row))
            sys.stdout.flush()


if __name__ == "__main__":
    main()
