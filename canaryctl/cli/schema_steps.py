"""The lines of a deployment and of ``promote --output json``: steps, and the outcome last."""

from __future__ import annotations

from canaryctl.cli.schema_rollout import LINES
from canaryctl.cli.schema_shapes import (
    COUNT,
    PERCENT,
    SECONDS,
    TEXT,
    TEXTS,
    TIME,
    Shape,
    event,
    maybe,
    one_of,
)
from canaryctl.promoting.ended import Outcome

_STATUS = one_of(("begun", "done", "failed", "note"))


def _steps(name: str, about: str) -> Shape:
    """Give the line of a step; its seconds are there once it has ended."""
    fields = {"at": TIME, "step": TEXT, "status": _STATUS, "said": TEXT, "seconds": SECONDS}
    return event(name, fields, about=about, optional=("seconds",))


DEPLOY = _steps("deploy", "A step of --deploy: before the rollout, and after one that went back.")
PROMOTION = (
    # The watch is a rollout's stage, but for its outcome.
    *(one for one in LINES if one["properties"]["event"] != {"const": "outcome"}),
    _steps("promotion", "A step of the promotion."),
    event(
        "outcome",
        {
            "at": TIME,
            "outcome": one_of(Outcome),
            "reason": TEXT,
            "weight": maybe(PERCENT),
            "version": TEXT,
            "service": TEXT,
            "exit_code": COUNT,
            "next_steps": TEXTS,
        },
        about="The last line; weight is null when it is not known.",
    ),
)
