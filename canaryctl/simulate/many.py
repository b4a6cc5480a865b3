"""Many rollouts, on as many processes as wanted. What comes out does not depend on how many."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from canaryctl.simulate.chosen import by_name, fitted
from canaryctl.simulate.rules import OWN, rollout
from canaryctl.simulate.run import Result
from canaryctl.simulate.service import Service

CHUNK = 5
"""Rollouts that a process is given at a time."""
POLITE = 10
"""How far a process steps back for others on this machine: it may serve traffic."""


@dataclass(frozen=True, slots=True)
class Task:
    """The rollouts of one row.

    Attributes:
        rule: one of ``rules``.
        family: its whole name, as in ``chosen.every``.
        rps: requests a second.
        runs: how many.
        seed: the same seed draws the same traffic, whatever else is simulated.
    """

    rule: str
    family: str
    rps: float
    runs: int
    seed: object


def worked(service: Service, task: Task, first: int, last: int) -> list[Result]:
    """Run the rollouts from ``first`` up to ``last``, exclusive, of a row."""
    family = fitted(by_name(task.family), service)
    keys = ((task.seed, task.family, task.rps, index) for index in range(first, last))
    return [rollout(task.rule, service, family, task.rps, key) for key in keys]


def simulated(
    service: Service, tasks: Sequence[Task], jobs: int, told: Callable[[int], None]
) -> Iterator[tuple[Task, list[Result]]]:
    """Give each task's results, in order, as soon as they are complete.

    Args:
        service: what is simulated.
        tasks: the rows.
        jobs: processes; 1: this one.
        told: is told of how many rollouts more are done.
    """
    if jobs == 1:
        for task in tasks:
            results: list[Result] = []
            for index in range(task.runs):
                results += worked(service, task, index, index + 1)
                told(1)
            yield task, results
        return
    with ProcessPoolExecutor(jobs, initializer=_begin) as pool:
        try:
            futures = [
                [
                    pool.submit(worked, service, task, at, min(at + CHUNK, task.runs))
                    for at in range(0, task.runs, CHUNK)
                ]
                for task in tasks
            ]
            for task, parts in zip(tasks, futures, strict=True):
                yield task, list(_collected(parts, told))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _collected(
    parts: Sequence[Future[list[Result]]], told: Callable[[int], None]
) -> Iterator[Result]:
    for part in parts:
        results = part.result()
        told(len(results))
        yield from results


def _begin() -> None:
    """Begin a process: Ctrl-C is the parent's to answer, and others come first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    with suppress(OSError):
        os.nice(POLITE)


__all__ = ["OWN", "Task", "simulated", "worked"]
