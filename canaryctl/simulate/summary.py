"""What a whole simulation came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from canaryctl.simulate.run import End, Result
from canaryctl.simulate.service import Service
from canaryctl.simulate.table import Row, at_most, summed
from canaryctl.simulate.world import Family

ALWAYS = 0.995
"""A Wald multiple is told where at least this part was thrown back."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table.

    Attributes:
        rule: whose.
        healthy: the canary is no worse than stable.
        special: how such traffic should end, if not promoted; see ``Family``.
        row: the figures.
        multiple: failed requests as a multiple of Wald's bound; None where that says nothing.
        thrown: how many were thrown back.
    """

    rule: str
    healthy: bool
    special: str
    row: Row
    multiple: float | None
    thrown: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "rule": self.rule,
            "healthy": self.healthy,
            "special": self.special,
            **asdict(self.row),
            "wald_multiple": self.multiple,
        }


def line_of(
    rule: str, family: Family, rps: float, results: Sequence[Result], service: Service
) -> Line:
    """Sum one row's rollouts up."""
    row = summed(
        family,
        rps,
        results,
        interval=service.plan.interval,
        stages=len(service.plan.stages),
        risk=service.judgement.risk,
    )
    multiple = row.hurt / row.wald if row.wald and row.back >= ALWAYS else None
    thrown = sum(one.end is End.BACK for one in results)
    return Line(rule, family.healthy, family.special, row, multiple, thrown)


@dataclass(frozen=True, slots=True)
class Healthy:
    """All healthy rollouts of one rule together.

    Attributes:
        runs: how many.
        thrown: how many were thrown back.
        at_most: upper bound of that fraction, with 95 % confidence.
        inconclusive: fraction that ended without a verdict.
    """

    runs: int
    thrown: int
    at_most: float
    inconclusive: float


def healthy(lines: Iterable[Line], rule: str) -> Healthy | None:
    """Sum the healthy rows up, apart from those that should not go on; None without any."""
    fine = [one for one in lines if one.healthy and one.special in {"", "held"}]
    many = [one for one in fine if one.rule == rule]
    runs = sum(one.row.runs for one in many)
    if not runs:
        return None
    thrown = sum(one.thrown for one in many)
    opened = sum(one.row.inconclusive * one.row.runs for one in many) / runs
    return Healthy(runs, thrown, at_most(thrown, runs), opened)


@dataclass(frozen=True, slots=True)
class Caught:
    """What one rule caught at one rate.

    Attributes:
        rps: requests a second.
        always: the defects that were thrown back each time.
        smallest: the smallest constant error rate among them; None: none was.
        missed: the others, with the fraction thrown back.
    """

    rps: float
    always: tuple[str, ...]
    smallest: str | None
    missed: tuple[tuple[str, float], ...]


def caught(lines: Iterable[Line], rule: str, families: Iterable[Family]) -> list[Caught]:
    """Tell for each rate which defects were always caught."""
    rates = {family.name: family.bad for family in families if family.bad is not None}
    many = [one for one in lines if not one.healthy and one.rule == rule]
    found = []
    for rps in dict.fromkeys(one.row.rps for one in many):
        here = [one.row for one in many if one.row.rps == rps]
        always = [row.family for row in here if row.back >= 1]
        named = [name for name in always if name in rates]
        found.append(
            Caught(
                rps,
                tuple(always),
                min(named, key=lambda name: rates[name], default=None),
                tuple((row.family, row.back) for row in here if row.back < 1),
            )
        )
    return found
