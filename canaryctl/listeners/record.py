"""What a JSON object for machines is made of."""

from __future__ import annotations

from math import isfinite

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Record = dict[str, Json]


def number(value: float | None) -> float | None:
    """JSON knows neither NaN nor infinity: both are null."""
    return value if value is not None and isfinite(value) else None
