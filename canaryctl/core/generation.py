"""The names of generations: a number that grows, and a part that no other process picks."""

from __future__ import annotations

_LONGEST = 18
"""Digits; more is no count of changes."""


def number(generation: str | None) -> int:
    """Give the part that grows; 0 where there is none."""
    digits = (generation or "").partition("-")[0]
    counted = digits.isdecimal() and digits.isascii() and len(digits) <= _LONGEST
    return int(digits) if counted else 0
