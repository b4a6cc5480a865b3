"""``python -m tests.fuzz``: many hostile inputs, and nothing that may not come of them.

Each input has a number and is made from the seed and that number alone, so what fails can be
tried again: ``python -m tests.fuzz --only NAME --seed SEED --at NUMBER``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from tests.fuzz.everything import TARGETS
from tests.fuzz.slices import Slice, counts, slices, tried
from tests.fuzz.target import Target, bounded

_SHOWN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz every target; 1 when something was found."""
    asked = _asked(arguments)
    chosen = [one for one in TARGETS if not asked.only or one.name in asked.only]
    if asked.at is not None:
        return _again(chosen, asked.seed, asked.at)
    until = time.monotonic() + asked.seconds
    _say(f"seed {asked.seed}: {asked.inputs:,} inputs, at most {asked.seconds:g} s")
    with ProcessPoolExecutor(asked.processes, multiprocessing.get_context("spawn")) as pool:
        done = list(pool.map(tried, slices(chosen, asked.inputs, asked.seed, until)))
    return _told(chosen, done, asked.inputs)


def _told(targets: Sequence[Target], done: Sequence[Slice], inputs: int) -> int:
    """Print the table and what was found."""
    total = found = 0
    _say(f"{'target':<22}{'inputs':>10}{'per s':>10}{'found':>8}")
    for target in targets:
        mine = [one for one in done if one.name == target.name]
        tried, spent = sum(one.tried for one in mine), sum(one.seconds for one in mine)
        failures = [(one.seed, *failure) for one in mine for failure in one.failures]
        total, found = total + tried, found + len(failures)
        rate = f"{tried / spent:,.0f}" if spent else "-"
        _say(f"{target.name:<22}{tried:>10,}{rate:>10}{len(failures):>8}")
        for seed, number, said in failures[:_SHOWN]:
            _say(f"  again: python -m tests.fuzz --only {target.name} --seed {seed} --at {number}")
            _say("  " + said.replace("\n", "\n  "))
    _say(f"{'all':<22}{total:>10,}{'':>10}{found:>8}")
    planned = sum(counts(targets, inputs).values())
    if total < planned:
        _say(f"time ran out: {total:,} of {planned:,} inputs")
    return 1 if found or total < planned else 0


def _again(targets: Sequence[Target], seed: int, number: int) -> int:
    for target in targets:
        with bounded():
            target.check(target.dice(seed, number))
        _say(f"{target.name}: input {number} of seed {seed} is fine")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=1500.0, help="in all, at most")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", action="append", choices=[one.name for one in TARGETS])
    parser.add_argument("--at", type=int, help="try this one input again")
    found = parser.parse_args(arguments)
    if found.seed is None:
        found.seed = time.time_ns() % 1_000_000
    return found


if __name__ == "__main__":
    sys.exit(main())
