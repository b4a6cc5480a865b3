"""How values of the journal are written in a report: safe, short, and in UTC.

Whatever stands in a journal may be anybody's work. What acts instead of being seen is written
out here, once; escaping for HTML and Markdown is the business of those who write these.
"""

from __future__ import annotations

from datetime import UTC
from math import isfinite

from canaryctl.core.gate import Unit, written
from canaryctl.core.redaction import SECRETS
from canaryctl.listeners.line import clean
from canaryctl.listeners.when import moment

_DAY = 86_400.0


def said(value: object) -> str:
    """Give any value as one line of text, without secrets and without control characters."""
    if value is None:
        return ""
    return clean(SECRETS.hide(value if isinstance(value, str) else str(value)))


def number(value: object) -> float | None:
    """Give a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def unit_of(value: object) -> Unit:
    """Give a unit; what is none is plain."""
    try:
        return Unit(str(value))
    except ValueError:
        return Unit.PLAIN


def amount(value: float | None, unit: Unit) -> str:
    """Write a value with its unit; ``–`` for none."""
    return "–" if value is None else written(value, unit)


def percent(weight: float | None) -> str:
    """Write a weight: ``5 %``; ``unknown`` for none."""
    return "unknown" if weight is None else f"{weight:g} %"


def clock(at: float) -> str:
    """Write ``02:13:07`` (UTC)."""
    return f"{moment(at, UTC):%H:%M:%S}"


def date(at: float) -> str:
    """Write ``2025-06-30 02:13:07 UTC``."""
    return f"{moment(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def tick(at: float, step: float, span: float) -> str:
    """Write a time on an axis whose marks are ``step`` seconds apart, over ``span`` seconds."""
    if span > 2 * _DAY:
        return f"{moment(at, UTC):%b %d %H:%M}" if step < _DAY else f"{moment(at, UTC):%b %d}"
    return f"{moment(at, UTC):%H:%M}" if step >= 60 else clock(at)  # noqa: PLR2004  a minute
