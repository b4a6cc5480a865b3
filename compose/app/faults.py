# ruff: noqa: INP001 - a folder of one program, not a package
"""Faults that can be switched on while the service runs, so that a rollback has a reason."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with this version at the moment. The defaults are: nothing.

    Attributes:
        errors: share of API requests answered with 500, 0 to 1.
        latency: seconds added to every API request, 0 to 60.
        schema: share of LLM briefs that fail their schema, 0 to 1.
        loss: factor on the training loss, 0 to 1000; 1 is healthy.
        down: whether the service's port is closed.

    ``/health`` and ``/metrics`` stay as they are unless the port is closed: a version that
    calls itself healthy while its users wait is what a canary is for.
    """

    errors: float = 0.0
    latency: float = 0.0
    schema: float = 0.0
    loss: float = 1.0
    down: bool = False

    def changed(self, given: Mapping[str, object]) -> Faults:
        """Give these faults with some of them set anew.

        Raises:
            ValueError: an unknown fault or a value out of range; nothing is changed.
        """
        changes: dict[str, float | bool] = {}
        for name, value in given.items():
            if name == "down":
                if not isinstance(value, bool):
                    raise ValueError(f"down is true or false, not {value!r}")
                changes[name] = value
            elif name in _LIMITS:
                changes[name] = _number(name, value)
            else:
                known = ", ".join(field.name for field in fields(self))
                raise ValueError(f"there is no fault {name!r}; there are: {known}")
        return replace(self, **changes)  # type: ignore[arg-type]


_LIMITS = {"errors": 1.0, "latency": 60.0, "schema": 1.0, "loss": 1000.0}


def _number(name: str, value: object) -> float:
    limit = _LIMITS[name]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 <= value <= limit:  # type: ignore[arg-type, operator]
        raise ValueError(f"{name} is a number from 0 to {limit:g}, not {value!r}")
    return float(value)  # type: ignore[arg-type]


class Spread:
    """Picks a share of events, evenly.

    Drawn at random, 5 % of a canary's few requests may be none for a long while; spread
    evenly, a short demo sees what it was told: of n events n·share are picked, within one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owed = 0.0

    def picks(self, share: float) -> bool:
        """Tell whether this event is one of the share (0 to 1)."""
        with self._lock:
            # The small term keeps twenty times 0.05 from ending just below 1.
            self._owed = self._owed + share + 1e-12 if share > 0 else 0.0
            if self._owed < 1:
                return False
            self._owed -= 1
            return True
