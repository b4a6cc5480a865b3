"""The lines of the verbs that look at or change what is in force, or calculate."""

from __future__ import annotations

from canaryctl.cli.schema_past import ENTRY
from canaryctl.cli.schema_rollout import FINDING
from canaryctl.cli.schema_shapes import (
    ANY,
    COUNT,
    FLAG,
    NUMBER,
    PERCENT,
    SECONDS,
    TEXT,
    TEXTS,
    TIME,
    Shape,
    event,
    many,
    maybe,
    named,
    one_of,
    record,
)
from canaryctl.core.comparison.advice import Health, Recommendation
from canaryctl.core.control import Verb
from canaryctl.core.promotion import Phase

_LEASE = record(
    {
        "rollout": TEXT,
        "owner": TEXT,
        "release": TEXT,
        "doing": TEXT,
        "left": NUMBER,
        "on_abandon": TEXT,
    }
)
_PROMOTION = record(
    {
        "id": TEXT,
        "release": TEXT,
        "before": TEXT,
        "phase": one_of(Phase),
        "owner": TEXT,
        "approvals": named(TEXT),
    }
)
STATUS = record(
    {
        "service": TEXT,
        "gateway": TEXT,
        "proven": FLAG,
        "stable": maybe(PERCENT),
        "canary": maybe(PERCENT),
        "generation": maybe(TEXT),
        "generation_on_disk": maybe(TEXT),
        "drift": FLAG,
        "unattended": FLAG,
        "release": TEXT,
        "rollout": TEXT,
        "owner": TEXT,
        "reason": TEXT,
        "running": maybe(TEXT),
        "lease": maybe(_LEASE),
        "abandoned": FLAG,
        "lease_broken": FLAG,
        "promotion": maybe(_PROMOTION),
        "last": maybe(ENTRY),
        "problem": TEXT,
    }
)
WEIGHTS = record({"stable": PERCENT, "canary": PERCENT, "generation": TEXT})
WEIGHT = event("weight", {"weight": PERCENT, "generation": TEXT, "took": SECONDS})
RECOVERED = event(
    "recovered",
    {"was": TEXT, "weight": maybe(PERCENT), "generation": maybe(TEXT), "changed": FLAG},
)
CONTROL = event("control", {"verb": one_of(Verb), "accepted": FLAG, "said": TEXT})
CONFIG = event("config", {"ok": FLAG, "file": TEXT, "config": ANY})
INIT = event(
    "init",
    {
        "file": TEXT,
        "gateway": maybe(TEXT),
        "stable": maybe(TEXT),
        "canary": maybe(TEXT),
        "notes": TEXTS,
        "steps": many(
            record(
                {
                    "do": TEXT,
                    "clients": TEXT,
                    "puts": many(record({"where": TEXT, "lines": TEXT})),
                    "run": TEXTS,
                }
            )
        ),
    },
)
_LATENCY: Shape = {
    "mean": maybe(NUMBER),
    "p50": maybe(NUMBER),
    "p95": maybe(NUMBER),
    "p99": maybe(NUMBER),
    "above_buckets": TEXTS,
}
_SIDE = record(
    {
        "requests": maybe(NUMBER),
        "errors": maybe(NUMBER),
        "success_rate": maybe(NUMBER),
        "error_rate": maybe(NUMBER),
        **_LATENCY,
        "throughput": maybe(NUMBER),
        "memory": maybe(NUMBER),
        "cpu": maybe(NUMBER),
        "seen": maybe(NUMBER),
        "by": maybe(named(named(record({"observations": maybe(NUMBER), **_LATENCY})))),
    }
)
_DIFFERENCE = record(
    {
        "value": maybe(NUMBER),
        "low": maybe(NUMBER),
        "high": maybe(NUMBER),
        "significant": maybe(FLAG),
    }
)
ANALYSIS = record(
    {
        "window": maybe(SECONDS),
        "from": TIME,
        "to": TIME,
        "canary": _SIDE,
        "stable": _SIDE,
        "differences": {
            "type": "object",
            "properties": {"by": maybe(named(named(named(_DIFFERENCE))))},
            "required": ["by"],
            "additionalProperties": _DIFFERENCE,
        },
        "confidence": NUMBER,
        "level": maybe(NUMBER),
        "is_better": maybe(FLAG),
        "significant_difference": maybe(FLAG),
        "worse": TEXTS,
        "improved": TEXTS,
        "health": one_of(Health),
        "recommendation": one_of(Recommendation),
        "reason": TEXT,
        "verdict": one_of(["pass", "fail", "unsure"]),
        "findings": many(FINDING),
    },
    about="Rates are fractions, times seconds. An open end of an interval is null.",
)
_FRACTION: Shape = {"type": "number", "minimum": 0, "maximum": 1}
SIMULATION: tuple[Shape, ...] = (
    event(
        "simulation",
        {
            "stages": TEXTS,
            "observe": SECONDS,
            "interval": SECONDS,
            "risk": _FRACTION,
            "errors": _FRACTION,
            "history": NUMBER,
            "rollouts": COUNT,
            "measured": TEXTS,
            "notes": TEXTS,
        },
        about="The first line: what is simulated.",
    ),
    event(
        "row",
        {
            "rule": TEXT,
            "healthy": FLAG,
            "special": TEXT,
            "family": TEXT,
            "rps": NUMBER,
            "runs": COUNT,
            "back": _FRACTION,
            "back_at_most": _FRACTION,
            "inconclusive": _FRACTION,
            "promoted": _FRACTION,
            "hurt": NUMBER,
            "slow": NUMBER,
            "wald": maybe(NUMBER),
            "looks": maybe(NUMBER),
            "full_at": maybe(NUMBER),
            "lasted": NUMBER,
            "held": _FRACTION,
            "reasons": TEXTS,
            "wald_multiple": maybe(NUMBER),
        },
        about="One kind of canary at one rate.",
    ),
    event(
        "summary",
        {
            "rule": TEXT,
            "healthy": maybe(
                record(
                    {
                        "runs": COUNT,
                        "thrown": COUNT,
                        "at_most": _FRACTION,
                        "inconclusive": _FRACTION,
                    }
                )
            ),
            "caught": many(
                record(
                    {"rps": NUMBER, "always": TEXTS, "smallest": maybe(TEXT), "missed": many({})}
                )
            ),
        },
        about="The last line of each rule.",
    ),
)
