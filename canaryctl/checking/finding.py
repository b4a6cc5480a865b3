"""What a check finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_SHOWN = 4
"""Problems of one check that are said; the rest is counted."""


class Status(StrEnum):
    """How a check ended. Only ``PASS`` and ``OFF`` are good under ``--strict``."""

    PASS = "pass"  # noqa: S105  a word
    FAIL = "fail"
    WARN = "warn"
    UNKNOWN = "unknown"
    OFF = "off"

    @property
    def sign(self) -> str:
        """One character for people."""
        return {"pass": "✓", "fail": "✗", "warn": "!", "unknown": "–", "off": "·"}[self.value]


@dataclass(frozen=True, slots=True)
class Said:
    """What a check says.

    Attributes:
        status: how it ended.
        reason: what was seen, with the values; never a secret's value.
        mend: what to do next; empty when nothing is.
        parts: where it found several problems, each by itself; reason and mend hold them all.
    """

    status: Status
    reason: str
    mend: str = ""
    parts: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one check; ``seconds`` is how long it took."""

    name: str
    status: Status
    reason: str
    mend: str
    seconds: float
    parts: tuple[Said, ...] = ()


def passed(reason: str) -> Said:
    """It is as it should be."""
    return Said(Status.PASS, reason)


def failed(reason: str, mend: str) -> Said:
    """It is not as it should be."""
    return Said(Status.FAIL, reason, mend)


def warned(reason: str, mend: str) -> Said:
    """It works, and it should be different."""
    return Said(Status.WARN, reason, mend)


def unknown(reason: str, mend: str) -> Said:
    """Nobody can tell."""
    return Said(Status.UNKNOWN, reason, mend)


_WORST = (Status.FAIL, Status.UNKNOWN, Status.WARN)


def together(problems: Sequence[Said], good: str) -> Said:
    """Make one of all that a check found: the worst status, and every problem, worst first.

    Args:
        problems: none of them passed.
        good: the reason when there is no problem.
    """
    if not problems:
        return passed(good)
    ordered = sorted(problems, key=lambda one: _WORST.index(one.status))
    if len(ordered) == 1:
        return ordered[0]
    rest = len(ordered) - _SHOWN
    left = (Said(ordered[-1].status, f"and {rest} more"),) if rest > 0 else ()
    return Said(
        ordered[0].status,
        some([one.reason for one in ordered], "; "),
        some(list(dict.fromkeys(one.mend for one in ordered if one.mend)), "; "),
        (*ordered[:_SHOWN], *left),
    )


def some(words: Sequence[str], between: str = ", ") -> str:
    """Name the first few and count the rest."""
    rest = len(words) - _SHOWN
    return between.join(words[:_SHOWN]) + (f"{between}and {rest} more" if rest > 0 else "")
