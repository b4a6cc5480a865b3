"""Several worlds at once, for parts that mostly wait."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(count: int, jobs: int, work: Callable[[int, int], T]) -> list[T]:
    """Share a count between so many; give what each made of it.

    Args:
        count: to be shared.
        jobs: how many work at once, each in a thread.
        work: given its number, from 0, and its share.
    """
    shares = [count // jobs + (number < count % jobs) for number in range(jobs)]
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(work, number, share) for number, share in enumerate(shares)]
        return [future.result() for future in futures]
