"""The lines of the verbs around a rollout: checks, releases, smoke tests, notices."""

from __future__ import annotations

from canaryctl.checking.finding import Status
from canaryctl.cli.schema_shapes import (
    COUNT,
    FLAG,
    NUMBER,
    SECONDS,
    TEXT,
    Shape,
    event,
    many,
    maybe,
    one_of,
    record,
)
from canaryctl.smoke.result import Outcome

_PROBLEM = record({"status": one_of(Status), "reason": TEXT, "next_step": TEXT})
CHECK = event(
    "check",
    {
        "version": TEXT,
        "strict": FLAG,
        "passed": FLAG,
        "checks": many(
            record(
                {
                    "name": TEXT,
                    "status": one_of(Status),
                    "reason": TEXT,
                    "next_step": TEXT,
                    "seconds": SECONDS,
                    "problems": many(_PROBLEM),
                }
            )
        ),
    },
)
RELEASE = event(
    "release",
    {
        "version": TEXT,
        "commit": TEXT,
        "dry_run": FLAG,
        "already_there": FLAG,
        "manifest": record({"path": TEXT, "written": FLAG}),
        "artifacts": many(record({"path": TEXT, "size": COUNT, "sha256": TEXT})),
        "changelog": record({"path": TEXT, "entry": TEXT}),
        "tag": record({"name": TEXT, "made": FLAG, "message": TEXT}),
    },
)
_STEP = record(
    {
        "name": TEXT,
        "kind": TEXT,
        "outcome": one_of(Outcome),
        "passed": FLAG,
        "asked": TEXT,
        "detail": TEXT,
        "problems": many(record({"where": TEXT, "expected": TEXT, "came": TEXT})),
        "next_step": TEXT,
        "seconds": SECONDS,
    }
)
SMOKE_TEST = event(
    "smoke_test",
    {
        "suite": TEXT,
        "target": TEXT,
        "url": TEXT,
        "passed": FLAG,
        "summary": TEXT,
        "counts": record({one.value: COUNT for one in Outcome}),
        "began": NUMBER,
        "seconds": SECONDS,
        "steps": many(_STEP),
    },
)
SUITE: Shape = event("suite", {"file": TEXT, "text": TEXT}, about="With --show.")
NOTIFY_TEST = event(
    "notify_test",
    {
        "service": TEXT,
        "passed": FLAG,
        "channels": many(
            record({"name": TEXT, "delivered": FLAG, "problem": maybe(TEXT), "seconds": SECONDS})
        ),
    },
)
