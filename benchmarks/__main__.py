"""``python -m benchmarks [NAME ...]``: run benchmarks, print a table, keep the figures."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import detection, evaluation, lost_requests, share, startup, weight_change
from benchmarks.figure import Benchmark, Figure, NotRunnable, Settings
from benchmarks.table import table

BENCHMARKS: dict[str, Benchmark] = {
    "weight_change": weight_change.run,
    "lost_requests": lost_requests.run,
    "share": share.run,
    "startup": startup.run,
    "detection": detection.run,
    "evaluation": evaluation.run,
}


@dataclass
class Ended:
    """What the benchmarks came to: figures, and by name why there are none."""

    figures: list[Figure] = field(default_factory=list)
    not_run: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for.

    Returns 0 when every benchmark ran or said that it cannot run here. A missed target is
    shown and is no failure: whether a figure is good enough is for its reader.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value there")
    parser.add_argument("--runs", type=_positive, metavar="N", help="repeats of each benchmark")
    parser.add_argument("--quick", action="store_true", help="show that it works, little more")
    parser.add_argument("--verbose", action="store_true", help="say where the time goes")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.name if name not in BENCHMARKS]:
        parser.error(f"no benchmark {unknown[0]!r}: there are {', '.join(BENCHMARKS)}")
    ended = measured(
        given.name or list(BENCHMARKS), Settings(given.runs, given.quick, given.verbose)
    )
    print("\n".join(table(ended.figures)))
    for name, why in ended.not_run.items():
        print(f"not run: {name}: {why}")
    for name, why in ended.failed.items():
        print(f"failed: {name}: {why}")
    if given.json:
        given.json.write_text(json.dumps(_record(ended), indent=1) + "\n", encoding="utf-8")
    return 1 if ended.failed else 0


def measured(names: Sequence[str], settings: Settings) -> Ended:
    """Run benchmarks one after the other; one that fails does not stop the next."""
    ended = Ended()
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            ended.figures.extend(BENCHMARKS[name](settings))
        except NotRunnable as reason:
            ended.not_run[name] = str(reason)
        except Exception as error:  # noqa: BLE001  shown, and the exit code says it
            traceback.print_exc()
            ended.failed[name] = f"{type(error).__name__}: {error}"
    return ended


def _record(ended: Ended) -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "figures": [figure.record() for figure in ended.figures],
        "not_run": ended.not_run,
        "failed": ended.failed,
    }


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1000:  # noqa: PLR2004  every loop is bounded
        raise argparse.ArgumentTypeError(f"from 1 to 1000, not {text}")
    return number


if __name__ == "__main__":
    sys.exit(main())
