"""Numbers as metrics expose them, safe to add up."""

from __future__ import annotations

from math import copysign, inf

MOST = 1e300
"""Beyond it sums and products leave what a float can hold; no counter or gauge comes near."""


def calculable(value: float) -> float:
    """Give a value that is too large to calculate with as infinite, and so as none at all."""
    return value if -MOST <= value <= MOST or value != value else copysign(inf, value)  # noqa: PLR0124
