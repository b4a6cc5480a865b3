"""Ready-made sets of gates: ``gates: mission``, ``slo``, ``strict`` or ``relaxed``.

Limits that somebody thought about, on the metrics that most services expose. A set is a starting
point: ``canaryctl config show`` prints its gates, to be copied and changed.

None of them limits CPU: its only metric is a counter of seconds, so a limit needs a rate, which
``kind: promql`` has and ``provider: scrape`` has not; a set has to work with both.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from canaryctl.config.gates import AnyGate, Gauge, Latency, Ratio, mission
from canaryctl.core.gate import Judging, OnNoData

FAILED = 'http_requests_total{status=~"5.."}'
SERVED = 'http_requests_total{status!~"5.."}'
REQUESTS = "http_requests_total"
DURATION = "http_request_duration_seconds"
MEMORY = "process_resident_memory_bytes"


def slo() -> tuple[AnyGate, ...]:
    """Give what a service promises its users: errors, latency, availability, stable memory."""
    return (
        Ratio(name="error rate", kind="ratio", bad=FAILED, total=REQUESTS, max=0.005),
        Latency(name="p95 latency", kind="latency", metric=DURATION, quantile=0.95, max=0.1),
        Ratio(name="availability", kind="ratio", bad=SERVED, total=REQUESTS, min=0.9995),
        Gauge(name="memory", kind="gauge", metric=MEMORY, max_ratio=1.2, consecutive=3),
    )


def strict() -> tuple[AnyGate, ...]:
    """Give the absolute limits of an automatic rollback, read literally as they are written.

    A p95 above 500 ms three times in a row is one above 200 ms, so it has no gate of its own.
    """
    return (
        Ratio(
            name="error rate",
            kind="ratio",
            bad=FAILED,
            total=REQUESTS,
            max=0.01,
            judge=Judging.THRESHOLD,
            consecutive=3,
        ),
        Latency(
            name="p95 latency",
            kind="latency",
            metric=DURATION,
            quantile=0.95,
            max=0.2,
            judge=Judging.THRESHOLD,
        ),
        Gauge(name="memory", kind="gauge", metric=MEMORY, max=2e9),
    )


def relaxed() -> tuple[AnyGate, ...]:
    """Give wide limits, for a service that fails more often, or has no latency goal of its own."""
    return (
        Ratio(name="error rate", kind="ratio", bad=FAILED, total=REQUESTS, max=0.05),
        Latency(
            name="p95 against stable",
            kind="latency",
            metric=DURATION,
            quantile=0.95,
            max_ratio=2,
            consecutive=30,  # five minutes of evaluations, at the usual 10 s
            on_no_data=OnNoData.PASS,  # at 100 % stable has nothing left to compare with
        ),
        Ratio(name="success rate", kind="ratio", bad=SERVED, total=REQUESTS, min=0.95),
    )


SETS: dict[str, Callable[[], tuple[AnyGate, ...]]] = {
    "mission": mission,
    "slo": slo,
    "strict": strict,
    "relaxed": relaxed,
}


def named(value: Any) -> Any:
    """Give the gates of a set by its name; anything but text as it is.

    Raises:
        ValueError: no set has this name; says which there are.
    """
    if not isinstance(value, str):
        return value
    if value in SETS:
        return SETS[value]()
    near = difflib.get_close_matches(value, SETS, n=1)
    also = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"gates is a list, or one of {', '.join(SETS)}, not {value!r}{also}")


class _Names:
    """Shows the names in the JSON schema, beside the list."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string", "enum": list(SETS)}, handler(core)]}


Gates = Annotated[tuple[AnyGate, ...], BeforeValidator(named), _Names()]
