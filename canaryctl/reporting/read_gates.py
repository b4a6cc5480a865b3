"""The course of each gate, from the journal's evaluations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from canaryctl.core.gate import Status
from canaryctl.listeners.journal_read import Recorded
from canaryctl.reporting.facts import GateSeen, Point
from canaryctl.reporting.shown import amount, number, said, unit_of

JUDGED = "judged"
_PARTS = 2

Json = Mapping[str, Any]


def name_of(found: Json) -> str:
    """Give gate and part as they are shown."""
    gate, part = str(found.get("gate", "")), str(found.get("part") or "")
    return said(f"{gate} ({part})" if part else gate)


def queries_of(found: Json) -> tuple[str, ...]:
    """Give what a finding asked of the metrics source."""
    many = found.get("queries")
    return tuple(said(one) for one in many) if isinstance(many, list | tuple) else ()


def figures(found: Json) -> str:
    """Write value, stable's value, limit and samples in one line."""
    unit = unit_of(found.get("unit"))
    value, stable = number(found.get("value")), number(found.get("stable"))
    limit, samples = number(found.get("limit")), number(found.get("samples"))
    parts = [f"{name_of(found)}: {amount(value, unit)}"]
    if limit is not None:
        parts.append(f"limit {said(found.get('comparator'))} {amount(limit, unit)}")
    if stable is not None:
        parts.append(f"stable {amount(stable, unit)}")
    if samples is not None:
        parts.append(f"{samples:,.0f} samples")
    return ", ".join(parts)


def deciding(recorded: Iterable[Recorded]) -> str:
    """Name the finding that sent the rollout back; empty when none did."""
    name = ""
    for one in recorded:
        verdict = one.payload.get("verdict") or {}
        if one.kind == JUDGED and verdict.get("ruling") == "back":
            name = said(verdict.get("deciding"))
    return name


def gates(recorded: Iterable[Recorded], guilty: str) -> tuple[GateSeen, ...]:
    """Give each gate's course, in the order in which they were first found.

    Args:
        recorded: the rollout's events.
        guilty: the name of the one that decided.
    """
    points: dict[str, list[Point]] = {}
    newest: dict[str, Json] = {}
    for one in recorded:
        for found in one.payload["event"].get("findings") or () if one.kind == JUDGED else ():
            name = name_of(found)
            points.setdefault(name, []).append(_point(one.at, found))
            newest[name] = found
    return tuple(_gate(name, newest[name], many, guilty) for name, many in points.items())


def _gate(name: str, found: Json, points: list[Point], guilty: str) -> GateSeen:
    return GateSeen(
        name=name,
        unit=unit_of(found.get("unit")),
        comparator=said(found.get("comparator")),
        reason=said(found.get("reason")),
        judge=said(found.get("judge")),
        severity=said(found.get("severity")),
        queries=queries_of(found),
        points=tuple(points),
        failures=sum(one.status == Status.FAIL for one in points),
        deciding=bool(guilty) and name == guilty,
    )


def _point(at: float, found: Json) -> Point:
    scale = found.get("scale")
    sides = scale if isinstance(scale, list | tuple) and len(scale) == _PARTS else (None, None)
    return Point(
        at=at,
        status=said(found.get("status")),
        value=number(found.get("value")),
        stable=number(found.get("stable")),
        limit=number(found.get("limit")),
        samples=number(found.get("samples")),
        against=number(sides[0]),
        support=number(sides[1]),
    )
