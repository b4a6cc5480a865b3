"""The lines of ``rollout --output json``: one object for each event, the outcome last."""

from __future__ import annotations

from collections.abc import Iterable

from canaryctl.cli.schema_shapes import (
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
from canaryctl.core.breaker import Circuit
from canaryctl.core.control import Verb
from canaryctl.core.gate import Judging, Severity, Status, Unit
from canaryctl.core.hooks import GATED
from canaryctl.core.outcome import Cause, Outcome
from canaryctl.core.sequential.course import Move
from canaryctl.core.verdict import Ruling

_CHECK = record({"name": TEXT, "passed": maybe(FLAG), "detail": TEXT})
_WAIT = {"pause": maybe(SECONDS), "approve": TEXTS, "hooks": TEXTS, "moment": one_of(GATED)}
_HOOK = record(
    {
        "hook": TEXT,
        "status": one_of(str(one).replace(" ", "_") for one in Status),
        "reason": TEXT,
        "value": maybe(NUMBER),
        "comparator": TEXT,
        "limit": NUMBER,
        "seconds": SECONDS,
    },
    about="How a hook ended: value is its exit code, or the HTTP status.",
)
_STAGE = record(
    {
        "weight": PERCENT,
        "observe": SECONDS,
        "before": many(record(_WAIT, optional=_WAIT)),
        "after": many(record(_WAIT, optional=_WAIT)),
    },
    optional=["before", "after"],
)
_NUMBERED = record({"stage": COUNT, **_STAGE["properties"]}, optional=["before", "after"])
PLAN = record(
    {
        "stages": many(_STAGE),
        "interval": SECONDS,
        "duration": SECONDS,
        "longest": SECONDS,
        "deadline": SECONDS,
    }
)
FINDING = record(
    {
        "gate": TEXT,
        "part": maybe(TEXT),
        "status": one_of(str(one).replace(" ", "_") for one in Status),
        "value": maybe(NUMBER),
        "comparator": TEXT,
        "limit": maybe(NUMBER),
        "samples": maybe(NUMBER),
        "unit": one_of(Unit),
        "reason": TEXT,
        "stable": maybe(NUMBER),
        "severity": one_of(Severity),
        "queries": TEXTS,
        "judge": one_of(Judging),
        "evidence": maybe(record({"against": NUMBER, "support": NUMBER})),
    },
    about="What a gate, or one label value of it, found. Ratios are fractions, durations seconds.",
)
_EVIDENCE = record(
    {
        "move": one_of(Move),
        "reason": TEXT,
        "observed": maybe(SECONDS),
        "against": maybe(NUMBER),
        "needed": maybe(NUMBER),
        "traffic_against": maybe(NUMBER),
        "traffic_needed": maybe(NUMBER),
        "holding": TEXTS,
        "visible": named(maybe(NUMBER)),
    },
    about="The evidence so far; against and needed are natural logarithms of e-values.",
)
_DRAINED: Shape = {
    "complete": FLAG,
    "workers": COUNT,
    "connections": maybe(COUNT),
    "requests": maybe(SECONDS),
    "took": maybe(SECONDS),
    "left": COUNT,
    "held": maybe(COUNT),
    "cut": COUNT,
    "limit": maybe(SECONDS),
    "problem": TEXT,
}


def _line(name: str, fields: Shape, about: str, optional: Iterable[str] = ()) -> Shape:
    stage: Shape = {"type": ["integer", "null"], "minimum": 1}
    return event(name, {"at": TIME, "stage": stage, **fields}, about=about, optional=optional)


def _weight(status: str, more: Shape, about: str) -> Shape:
    return _line("weight", {"status": {"const": status}, "weight": PERCENT, **more}, about)


LINES: tuple[Shape, ...] = (
    _line(
        "started",
        {
            "service": TEXT,
            "version": TEXT,
            "gateway": TEXT,
            "source": TEXT,
            "notes": TEXTS,
            "first": COUNT,
            "plan": PLAN,
        },
        "The rollout was asked for; first is the stage that it begins with.",
    ),
    _line("preflight", {"passed": FLAG, "checks": many(_CHECK)}, "What was checked beforehand."),
    _weight("announced", {"reason": TEXT, "pause": SECONDS}, "A weight is about to be set."),
    _weight("proven", {"generation": TEXT, "took": SECONDS}, "NGINX answers with it."),
    _weight("refused", {"reason": TEXT}, "It is not in force; what was before is, proven."),
    _weight("unproven", {"reason": TEXT}, "What NGINX does could not be proven."),
    _line(
        "evaluation",
        {
            "weight": PERCENT,
            "evaluation": COUNT,
            "observed": SECONDS,
            "findings": many(FINDING),
            "verdict": maybe(one_of(Ruling)),
            "reason": TEXT,
            "passed": FLAG,
            "paused": maybe(TEXT),
            "evidence": maybe(_EVIDENCE),
        },
        "The gates were evaluated; passed: the stage has ended well with this.",
    ),
    _line("metrics_silent", {"reason": TEXT, "since": maybe(TIME)}, "No metrics."),
    _line("gateway_silent", {"reason": TEXT, "since": maybe(TIME)}, "No control listener."),
    _line("overtaken", {"weight": maybe(PERCENT), "by": TEXT}, "Somebody else set the weights."),
    _line("held", {"by": TEXT}, "Somebody else's lease on the gateway counts."),
    _line(
        "control",
        {
            "verb": one_of(Verb),
            "who": TEXT,
            "why": TEXT,
            "role": maybe(TEXT),
            "request": TEXT,
            "accepted": maybe(FLAG),
            "answer": TEXT,
        },
        "Somebody asked something of the rollout.",
    ),
    _line(
        "drift",
        {"what": TEXT, "action": one_of(["reassert", "end"]), "times": COUNT},
        "What is in force is not what was set.",
    ),
    _line(
        "breaker",
        {
            "circuit": one_of(Circuit),
            "reason": TEXT,
            "openings": COUNT,
            "until": maybe(TIME),
            "test_weight": PERCENT,
        },
        "The circuit breaker moved.",
    ),
    _line(
        "wait",
        {
            "status": one_of(["begun", "goes_on", "over"]),
            **_WAIT,
            "since": TIME,
            "until": maybe(TIME),
            "missing": TEXTS,
        },
        "Something that the plan waits for: pause, approve or hooks says what.",
        optional=_WAIT,
    ),
    _line(
        "hook",
        {"moment": one_of(GATED), "passed": FLAG, "hooks": many(_HOOK)},
        "Hooks that are gates have run, up to the first that failed.",
    ),
    _line("time_to_zero", _DRAINED, "How long requests and streams followed the weight before."),
    _line("interrupted", {"by": TEXT}, "Ctrl-C, SIGTERM or a closed terminal."),
    _line("crashed", {"reason": TEXT}, "Something that was not foreseen."),
    _line(
        "outcome",
        {
            "outcome": one_of(Outcome),
            "reason": TEXT,
            "weight": maybe(PERCENT),
            "version": TEXT,
            "cause": one_of(one.name.lower() for one in Cause),
            "exit_code": COUNT,
        },
        "The last line; weight is null when it is not known.",
    ),
)
ERROR = event(
    "error",
    {"error": TEXT, "message": TEXT, "next_step": TEXT, "exit_code": COUNT},
    about="The last line of any verb that fails with a message.",
)
DRY_RUN = event(
    "dry_run",
    {
        "version": TEXT,
        "service": TEXT,
        "deploy": maybe(record({"project": TEXT, "services": TEXTS, "steps": TEXTS})),
        "stages": many(_NUMBERED),
        "duration": SECONDS,
        "longest": SECONDS,
        "configurations": many(record({"weight": PERCENT, "diff": TEXT, "text": TEXT})),
        "queries": many(record({"gate": TEXT, "rule": TEXT, "queries": TEXTS})),
        "hooks": many(record({"name": TEXT, "gate": FLAG, "at": TEXTS})),
        "checks": many(_CHECK),
        "passed": FLAG,
    },
    about="The one line of --dry-run.",
)
