"""Many inputs, cut into parts that processes take in turn."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.everything import TARGETS
from tests.fuzz.target import Target, TooSlowError, bounded

_SLICES = 8
"""Parts of one target's inputs, so that no process waits long for another."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Some inputs of one target, and what came of them."""

    name: str
    seed: int
    numbers: range
    until: float
    tried: int = 0
    seconds: float = 0.0
    failures: tuple[tuple[int, str], ...] = ()


def counts(targets: Sequence[Target], inputs: int) -> dict[str, int]:
    """Share so many inputs out."""
    parts = sum(one.share for one in targets) or 1.0
    fixed = sum(one.most or 0 for one in targets if not one.share)
    found = {}
    for one in targets:
        many = round(max(0, inputs - fixed) * one.share / parts) if one.share else inputs
        found[one.name] = many if one.most is None else min(many, one.most)
    return found


def slices(targets: Sequence[Target], inputs: int, seed: int, until: float) -> list[Slice]:
    """Cut every target's inputs into parts."""
    found = []
    for name, many in counts(targets, inputs).items():
        step = max(1, -(-many // _SLICES))
        found += [
            Slice(name, seed, range(low, min(low + step, many)), until)
            for low in range(0, many, step)
        ]
    return found


def tried(part: Slice) -> Slice:
    """Try a part's inputs, in a process of its own."""
    logging.disable(logging.CRITICAL)  # thousands of broken files are meant to be noticed
    target = next(one for one in TARGETS if one.name == part.name)
    began = time.monotonic()
    done, failures = 0, []
    for number in part.numbers:
        if time.monotonic() > part.until:
            break
        done += 1
        try:
            with bounded():
                target.check(target.dice(part.seed, number))
        except (Exception, TooSlowError):  # noqa: BLE001  whatever comes is what is looked for
            failures.append((number, traceback.format_exc(limit=-6)))
    spent = time.monotonic() - began
    return Slice(part.name, part.seed, part.numbers, part.until, done, spent, tuple(failures))
