"""The report as one HTML page that needs nothing else: no network, no script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from canaryctl.quantities import spelled
from canaryctl.reporting import words
from canaryctl.reporting.chart_gate import gate as gate_chart
from canaryctl.reporting.chart_weights import weights as weights_chart
from canaryctl.reporting.facts import Decision, Facts, GateSeen
from canaryctl.reporting.shown import clock, date, percent

_TEMPLATES = Path(__file__).parent / "templates"
MOST_CHARTS = 24
MOST_GATES = 200
MOST_DECISIONS = 240
MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class Made:
    """By what a report was made, and when (epoch seconds)."""

    by: str
    at: float


def page(facts: Facts, made: Made) -> str:
    """Write the page. Its size is bounded, however long the rollout was."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        clock=clock,
        date=date,
        percent=percent,
        spelled=lambda value: spelled(float(round(value))),
        words=words,
    )
    return environment.get_template("report.html.j2").render(_given(facts, made))


def _given(facts: Facts, made: Made) -> dict[str, Any]:
    ordered = by_weight(facts)
    return {
        "facts": facts,
        "made": made,
        "title": words.title(facts),
        "closest": words.closest(facts),
        "wide": weights_chart(facts),
        "narrow": weights_chart(facts, narrow=True),
        "gates": ordered[:MOST_GATES],
        "charts": [
            (one, gate_chart(facts, one, f"gate-{number}"))
            for number, one in enumerate(ordered[:MOST_CHARTS], 1)
        ],
        "steps": facts.steps[:MOST_ROWS],
        "asked": facts.asked[:MOST_ROWS],
        "decisions": middle_left_out(facts.decisions),
        "cut": len(facts.decisions) - MOST_DECISIONS,
    }


def by_weight(facts: Facts) -> tuple[GateSeen, ...]:
    """Give the gates as they are, but for what failed: that comes first where not all fit."""
    if len(facts.gates) <= MOST_CHARTS:
        return facts.gates
    return tuple(sorted(facts.gates, key=lambda one: (not one.deciding, -one.failures)))


def middle_left_out(many: tuple[Decision, ...]) -> tuple[Decision | None, ...]:
    """Give the beginning and the end of a long list; None stands for what is between."""
    if len(many) <= MOST_DECISIONS:
        return many
    half = MOST_DECISIONS // 2
    return (*many[:half], None, *many[-half:])
