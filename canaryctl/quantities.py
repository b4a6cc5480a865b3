"""Durations and percentages as people write them."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MINUTE, _HOUR = 60, 3600


def seconds(value: object) -> float:
    """Read ``900``, ``90s``, ``15m``, ``1h30m``, ``2.5s`` or ``250ms``: seconds.

    Raises:
        ValueError: not a duration, or negative.
    """
    text = str(value).strip()
    number_like = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, str) and text.startswith("-"):
        raise ValueError(f"a duration is not negative: {value!r}")
    if number_like or re.fullmatch(r"\d+(?:\.\d+)?", text):
        number = float(text)
    elif isinstance(value, str) and _DURATION.fullmatch(text):
        number = sum(float(n) * _SECONDS[unit] for n, unit in _PART.findall(text))
    else:
        raise ValueError(f"a duration is written 900, 90s, 15m or 1h30m, not {value!r}")
    if not 0 <= number < float("inf"):
        raise ValueError(f"a duration is not negative: {value!r}")
    return number


def quantity(value: object) -> float:
    """Read a limit: ``0.5%`` is 0.005, ``2.5s`` is 2.5, ``250ms`` is 0.25, a number is itself.

    Raises:
        ValueError: none of these.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    elif isinstance(value, str) and value.strip().endswith("%"):
        try:
            number = float(value.strip()[:-1]) / 100
        except ValueError:
            raise ValueError(
                f"a limit is written 0.5%, 2.5s, 250ms or 100, not {value!r}"
            ) from None
    elif isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        number = seconds(value)
    else:
        try:
            number = float(str(value))
        except ValueError:
            raise ValueError(
                f"a limit is written 0.5%, 2.5s, 250ms or 100, not {value!r}"
            ) from None
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124  NaN
        raise ValueError(f"a limit is a finite number, not {value!r}")
    return number


def spelled(value: float) -> str:
    """Write seconds for people: ``45 s``, ``15 min``, ``1 h 30 min``."""
    if value < _MINUTE:
        return f"{value:.3g} s"
    total = round(value)
    if total < _HOUR:
        minutes, rest = divmod(total, _MINUTE)
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours, rest = divmod(total, _HOUR)
    minutes = rest // _MINUTE
    return f"{hours} h" + (f" {minutes} min" if minutes else "")
